"""Fetching a public data set: download or take each file, check its checksum, unpack it, and check what came out.

Everything happens in the new folder, in steps that can be repeated: a download continues where it stopped, an archive is
unpacked beside the final place and moved there whole. A marker file says that the folder is unfinished.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.public.catalogue import PublicDataSet, Source
from s3n_core.datasets.records import DataSet
from s3n_core.errors import DataSetError, DataSetNotFound, OutputError
from s3n_core.system.atomic_files import make_folder, output_error, write_json
from s3n_core.system.downloads import DOWNLOAD_ERRORS, download, failure_reason
from s3n_core.version import __version__

UNFINISHED = "unfinished.json"
"""The marker of an unfinished folder; it names the data set."""

DOWNLOADS = "downloads"
"""The folder of downloaded files, in the data set's folder; removed at the end."""

Progress = Callable[[int, int, str], None]
"""Called with bytes done, bytes in total, and the file's name."""

_UNPACKED = "unpacking"


def fetch(
    data_set: PublicDataSet,
    out: Path,
    *,
    source: str | None = None,
    downloading: Progress | None = None,
    unpacking: Progress | None = None,
) -> DataSet:
    """Make a folder that holds a public data set.

    Args:
        data_set: The data set.
        out: A new or empty folder, or one that an earlier call left unfinished. A finished one is only checked.
        source: Where its files are taken from: a folder that has them, one of them beside the others, or the address
            (http, https, file) of a mirror's folder; None: from where their owners publish them.
        downloading: Reports the download of each file.
        unpacking: Reports the unpacking of each archive, in bytes of the archive.

    Returns:
        The data set as the program reads it.

    Raises:
        DataSetNotFound: A file is not there, or cannot be downloaded.
        DataSetError: A file is not the one that its checksum belongs to, or the folder does not hold what it should.
        OutputError: The folder holds something else, or cannot be written to.
    """
    if not _begin(data_set, out):
        return _checked(data_set, out)
    for file in data_set.sources:
        archive = _taken(data_set, file, out, source, downloading or _silent)
        _place(data_set, file, archive, out, unpacking or _silent)
    if data_set.prepare is not None:
        data_set.prepare(out)
    found = _checked(data_set, out)
    with _as_output_error(out):
        shutil.rmtree(out / DOWNLOADS, ignore_errors=True)
        shutil.rmtree(out / _UNPACKED, ignore_errors=True)
        (out / UNFINISHED).unlink()
    return found


def _begin(data_set: PublicDataSet, out: Path) -> bool:
    """Prepare the folder; return whether there is something to do."""
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; choose a new folder for {data_set.title}.")
    make_folder(out)
    marker = out / UNFINISHED
    if marker.is_file():
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            if json.loads(marker.read_bytes())["data_set"] == data_set.key:
                return True
        raise OutputError(f"{out} is the unfinished folder of another data set; choose a new one for {data_set.title}.")
    with _as_output_error(out):
        if any(out.iterdir()):
            return False
    write_json(marker, {"data_set": data_set.key, "program": __version__})
    return True


def _taken(data_set: PublicDataSet, file: Source, out: Path, source: str | None, progress: Progress) -> Path:
    """Return the path of a file whose checksum is right: one at hand, or a download."""
    if source is not None and "://" not in source:
        place = Path(source)
        at_hand = (place if place.is_dir() else place.parent) / file.name
        if not at_hand.is_file():
            raise DataSetNotFound(
                f"{at_hand.parent} has no file {file.name}, which {data_set.title} needs ({_names(data_set)}).",
                path=at_hand,
            )
        if (found := _md5(at_hand)) != file.md5:
            raise DataSetError(
                f"{at_hand} is not the file that {data_set.title} needs, or it is damaged: its MD5 checksum is "
                f"{found}, not {file.md5}. Copy or download it again."
            )
        return at_hand
    url = file.url if source is None else f"{source.rstrip('/')}/{file.name}"
    download = out / DOWNLOADS / file.name
    make_folder(download.parent)
    if download.is_file() and _md5(download) == file.md5:  # by hand, or before a stop
        return download
    part = download.with_name(f"{file.name}.part")
    _download(data_set, url, file, part, progress)
    if (found := _md5(part)) != file.md5:
        part.unlink(missing_ok=True)
        raise DataSetError(
            f"{url} is not the file that {data_set.title} needs, or was damaged on the way: its MD5 checksum is {found}, not "
            f"{file.md5}. It was deleted; run the same command again, or name another source."
        )
    with _as_output_error(download):
        part.replace(download)
    return download


def _download(data_set: PublicDataSet, url: str, file: Source, part: Path, progress: Progress) -> None:
    """Download a file; continue an earlier download if the server can."""
    try:
        download(url, part, lambda done, total: progress(done, total, file.name))
    except DOWNLOAD_ERRORS as error:
        by_hand = f" {data_set.by_hand}" if data_set.by_hand else ""
        raise DataSetNotFound(
            f"{url} could not be downloaded ({failure_reason(error)}). What there is already is kept: run the same command again "
            f"to go on. Or get the files elsewhere ({_names(data_set)}) and name their folder or a mirror's address with "
            f"--from.{by_hand} The owners' page: {data_set.page}",
            path=part.with_suffix(""),
        ) from error


def _place(data_set: PublicDataSet, file: Source, archive: Path, out: Path, progress: Progress) -> None:
    """Unpack an archive, or copy another file, to its place in the data set's folder."""
    beside = out / _UNPACKED
    shutil.rmtree(beside, ignore_errors=True)
    make_folder(beside)
    if file.is_archive:
        _unpack(data_set, archive, beside, progress)
    else:
        with _as_output_error(out):
            shutil.copyfile(archive, beside / file.name)
    with _as_output_error(out):
        for entry in sorted(beside.iterdir()):
            final = out / entry.name
            if final.is_dir() and not final.is_symlink():
                shutil.rmtree(final)
            entry.replace(final)


def _unpack(data_set: PublicDataSet, archive: Path, folder: Path, progress: Progress) -> None:
    """Unpack an archive; entries that would leave the folder are refused."""
    total = archive.stat().st_size
    try:
        with archive.open("rb") as packed, tarfile.open(fileobj=packed, mode="r:*") as members:
            for member in members:
                members.extract(member, folder, filter="data")
                progress(min(packed.tell(), total), total, archive.name)
    except tarfile.TarError as error:
        raise DataSetError(f"The archive {archive} of {data_set.title} cannot be unpacked ({error}).") from error
    except EOFError as error:
        raise DataSetError(f"The archive {archive} of {data_set.title} ends too early.") from error
    except OSError as error:
        raise output_error(folder, error) from error


def _checked(data_set: PublicDataSet, out: Path) -> DataSet:
    """Read the folder and compare its counts with those of the data set.

    Raises:
        DataSetError: They differ; or the folder, which was not begun by this program, holds something else.
    """
    other = f"{out} is not empty and does not hold {data_set.title}; choose a new or empty folder."
    begun = (out / UNFINISHED).is_file()
    try:
        found = open_data_set(out)
    except DataSetError as error:
        if begun:
            raise
        raise OutputError(other) from error
    splits = Counter(record.split for record in found.records)
    wanted = {
        "images": (len(found.records), data_set.images),
        "classes": (len(found.classes), data_set.classes),
        **{f"{split} images": (splits[split], count) for split, count in data_set.splits.items()},
    }
    wrong = [
        f"{found_count:,} {what} instead of {count:,}"
        for what, (found_count, count) in wanted.items()
        if found_count != count
    ]
    if wrong and not begun:
        raise OutputError(other)
    if wrong:
        raise DataSetError(f"{data_set.title} in {out} is not complete: {', '.join(wrong)}.")
    return found


@contextlib.contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise output_error(path, error) from error


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _names(data_set: PublicDataSet) -> str:
    return ", ".join(f"{file.name}, MD5 {file.md5}" for file in data_set.sources)


def _silent(done: int, total: int, name: str) -> None:
    """Report nothing."""
