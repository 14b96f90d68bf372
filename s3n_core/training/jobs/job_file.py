"""The file of a job: a ZIP archive with the run, its initial weights and perhaps its images, and a manifest of all of them.

``docs/reference/jobs.md`` describes the format. The manifest, ``job.json``, lists every other entry with its size and SHA-256.
Nothing in an archive is trusted: an entry that the manifest does not list, that has a place outside the known ones, or that is
larger than the manifest says, is refused before it is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from s3n_core.errors import JobFileError
from s3n_core.runs.job_weights import texts_of
from s3n_core.system.atomic_files import open_atomic, output_error
from s3n_core.version import __version__

FORMAT = "s3n-job"
FORMAT_VERSION = 1
MANIFEST = "job.json"
RUN, WEIGHTS, IMAGES = "run/", "weights/", "images/"

Report = Callable[[int, int], None]
"""Called with the bytes that are done, and those in all."""

_CHUNK = 1 << 20  # bytes
_PACKED_SUFFIXES = (".json", ".jsonl", ".csv", ".txt")  # text; numbers and images are not made smaller by ZIP
_LARGEST_MANIFEST = 1 << 28  # bytes
_DENSEST = 300  # a text of this program is never packed to less than this fraction of its size
_SMALL = 1 << 20  # bytes up to which that is not asked
# Only what a training writes: neither locks and orders of the machine it came from, nor anything else that lies there.
_RUN_FILES = re.compile(
    r"run\.json|split\.csv|state\.json|metrics\.jsonl|log\.txt|checkpoints/(last|best)"
    r"|checkpoints/step-[0-9]+(-averaged|-recalibrated)?\.(json|safetensors|optimizer\.safetensors)"
    r"|snapshots/(epoch-[0-9]+/)?probe[\w-]*\.(jpg|png|json)"
)


@dataclass(frozen=True, slots=True)
class JobEntry:
    """One file of a job.

    Attributes:
        path: Its place in the archive, a POSIX path.
        bytes: Its size.
        sha256: Its SHA-256, 64 hexadecimal digits.
    """

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ListedImage:
    """One image that a run trains on or validates with.

    Attributes:
        name: Its name in the data set.
        bytes: Its size; None if it was not there when the job was packed.
    """

    name: str
    bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobManifest:
    """What a job is.

    Attributes:
        name: Name of the run.
        images: Whether it holds the images of the data set.
        weights: Name of its weight file in ``weights/``; None if it needs none.
        origin: Where the weights come from that the run begins or has begun with, with their licence, as the machine that packed
            it knew them (`method.weight_origins`); empty in a job of an earlier version.
        data: The images that the run uses.
        files: All entries but the manifest itself.
    """

    name: str
    images: bool
    weights: str | None
    origin: Mapping[str, str]
    data: tuple[ListedImage, ...]
    files: tuple[JobEntry, ...]


def is_run_file(name: str) -> bool:
    """Return whether a file of a run, given by its POSIX path inside the run's folder, belongs into a job."""
    return _RUN_FILES.fullmatch(name) is not None


def unsafe_name(name: str) -> str:
    """Return why a job may have no entry with this name, as a clause; "" if it may."""
    place = PurePosixPath(name)
    inside = not place.is_absolute() and ".." not in place.parts and str(place) == name and "\\" not in name
    drive = os.name == "nt" and ":" in name
    if not inside or drive or any(not part.strip(". ") for part in place.parts):
        return "its name leads out of the folder"
    return ""


def undistinguished(name: str) -> str:
    """Return a name as a disk compares it that ignores case and takes "ö" and "o" with two dots for the same."""
    return unicodedata.normalize("NFC", name).casefold()


class JobWriter:
    """Adds files to a job that is being written."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._entries: list[JobEntry] = []

    def add(self, file: Path, path: str, report: Callable[[int], None]) -> JobEntry:
        """Add a file.

        Args:
            file: The file.
            path: Its place in the archive.
            report: Called with the bytes of every piece that was written.

        Raises:
            JobFileError: The file cannot be read.
            OSError: The archive cannot be written.
        """
        digest, size = hashlib.sha256(), 0
        info = zipfile.ZipInfo(path, date_time=time.localtime()[:6])
        info.external_attr = (stat.S_IFREG | 0o644) << 16
        if path.endswith(_PACKED_SUFFIXES):
            info.compress_type = zipfile.ZIP_DEFLATED
        with _source(file) as read, self._archive.open(info, "w", force_zip64=True) as target:
            while chunk := read():
                target.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                report(len(chunk))
        entry = JobEntry(path, size, digest.hexdigest())
        self._entries.append(entry)
        return entry

    def finish(
        self,
        *,
        name: str,
        weights: str | None,
        origin: Mapping[str, str],
        images: bool,
        data: tuple[ListedImage, ...],
    ) -> None:
        """Write the manifest; nothing can be added after it."""
        content = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "program": __version__,
            "packed": round(time.time(), 3),
            "name": name,
            "weights": weights,
            "origin": dict(origin),
            "images": images,
            "data": [asdict(image) for image in data],
            "files": [asdict(entry) for entry in self._entries],
        }
        # ASCII: file names that are not valid Unicode keep their bytes as escapes.
        text = json.dumps(content, ensure_ascii=True, indent=1)
        self._archive.writestr(MANIFEST, text.encode("ascii"), zipfile.ZIP_DEFLATED)


@contextmanager
def _source(file: Path) -> Iterator[Callable[[], bytes]]:
    """Open a file and give what reads its next piece; an error names the file, not the archive that is written.

    Raises:
        JobFileError: It cannot be read.
    """

    def failed(error: OSError) -> JobFileError:
        return JobFileError(f"{file} cannot be read ({error.strerror or error}), so the job was not packed.")

    try:
        source = file.open("rb")
    except OSError as error:
        raise failed(error) from error

    def read() -> bytes:
        try:
            return source.read(_CHUNK)
        except OSError as error:
            raise failed(error) from error

    with source:
        yield read


@contextmanager
def write_job(out: Path) -> Iterator[JobWriter]:
    """Write a job, which replaces ``out`` when the block ends without an error.

    Raises:
        OutputError: It cannot be written; ``out`` is unchanged.
    """
    with open_atomic(out) as file, zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        yield JobWriter(archive)


def is_job(path: Path) -> bool:
    """Return whether a file is a job, intact or damaged, as its end says."""
    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


class JobReader:
    """A job that was opened and whose list of contents is sound; the contents are checked as they are read.

    Attributes:
        path: The file.
        manifest: What it says of itself.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path = path
        self._archive = archive
        self.manifest = self._checked()

    def entries(self, below: str) -> tuple[JobEntry, ...]:
        """Return the entries below a folder of the archive: ``RUN``, ``WEIGHTS`` or ``IMAGES``."""
        return tuple(entry for entry in self.manifest.files if entry.path.startswith(below))

    def extract(self, entry: JobEntry, target: Path, report: Callable[[int], None]) -> None:
        """Write an entry to a new file, whose folders are created.

        Raises:
            JobFileError: The entry is damaged, or the file exists already.
            OutputError: It cannot be written.
        """
        digest, left = hashlib.sha256(), entry.bytes
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "xb") as file:
                with self._open(entry.path) as source:
                    while chunk := self._read(source, min(_CHUNK, left + 1), entry.path):
                        left -= len(chunk)
                        if left < 0:
                            break
                        digest.update(chunk)
                        file.write(chunk)
                        report(len(chunk))
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            raise self._unsafe(entry.path, "this disk cannot tell its name from that of another entry") from None
        except OSError as error:
            raise output_error(target, error) from error
        if left or digest.hexdigest() != entry.sha256:
            raise self._damaged(f"{entry.path} is not what its list of contents says")

    def _read(self, source: BinaryIO, count: int, path: str) -> bytes:
        try:
            return source.read(count)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError) as error:
            raise self._damaged(f"{path} cannot be unpacked: {error}") from error

    def _open(self, path: str) -> Any:
        try:
            return self._archive.open(path)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, KeyError, ValueError, OSError) as error:
            raise self._damaged(f"{path} cannot be unpacked: {error}") from error

    def _checked(self) -> JobManifest:
        """Read the manifest and compare it with what the archive holds."""
        found: dict[str, zipfile.ZipInfo] = {}
        alike: set[str] = set()
        for info in self._archive.infolist():
            if info.orig_filename != info.filename:  # zipfile cuts a name at a zero byte
                raise self._unsafe(info.orig_filename, "its name is not one of a file")
            self._check_entry(info)
            key = undistinguished(info.filename)
            if key in alike:
                raise self._unsafe(info.filename, "there are two entries with this name")
            alike.add(key)
            found[info.filename] = info
        manifest = self._manifest(found.pop(MANIFEST, None))
        listed = {entry.path: entry for entry in manifest.files}
        if len(listed) != len(manifest.files) or listed.keys() != found.keys():
            odd = next(iter(listed.keys() ^ found.keys()), MANIFEST)
            raise self._damaged(f"its list of contents does not agree with its contents (such as {odd})")
        for path, entry in listed.items():
            if entry.bytes != found[path].file_size:
                raise self._damaged(f"{path} has another size than its list of contents says")
        for name in ("run.json", "split.csv"):
            if f"{RUN}{name}" not in listed:
                raise self._damaged(f"the run's {name} is missing")
        return manifest

    def _check_entry(self, info: zipfile.ZipInfo) -> None:
        name, place = info.filename, PurePosixPath(info.filename)
        why = unsafe_name(name)
        if why:
            raise self._unsafe(name, why)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise self._unsafe(name, "it is a link or a device")
        known = (
            name == MANIFEST
            or (name.startswith(RUN) and is_run_file(name.removeprefix(RUN)))
            or (name.startswith(WEIGHTS) and len(place.parts) == 2)
            or (name.startswith(IMAGES) and len(place.parts) > 1)
        )
        if not known:
            raise self._unsafe(name, "a job holds no such file")
        if info.flag_bits & 1:
            raise JobFileError(f"{self.path} is encrypted; jobs of this program are not.")
        if info.file_size > max(_SMALL, _DENSEST * info.compress_size):
            raise self._unsafe(name, f"its {info.compress_size:,} bytes would become {info.file_size:,}")

    def _manifest(self, info: zipfile.ZipInfo | None) -> JobManifest:
        if info is None:
            raise JobFileError(f"{self.path} is not a job of this program (it has no {MANIFEST}); choose another file.")
        if info.file_size > _LARGEST_MANIFEST:
            raise self._unsafe(MANIFEST, f"it has {info.file_size:,} bytes")
        with self._open(MANIFEST) as source:
            text = self._read(source, _LARGEST_MANIFEST, MANIFEST)
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            raise self._damaged(f"{MANIFEST} is not JSON") from None
        if not isinstance(content, Mapping) or content.get("format") != FORMAT:
            raise JobFileError(f"{self.path} is not a job of this program; choose another file.")
        version = content.get("format_version")
        if type(version) is not int or version > FORMAT_VERSION:
            raise JobFileError(
                f"{self.path} was packed by a newer version of this program ({version}); update to unpack it."
            )
        try:
            return _manifest_from(content)
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(f"{MANIFEST} is not complete ({error})") from None

    def _damaged(self, why: str) -> JobFileError:
        return JobFileError(f"{self.path} is damaged: {why}. Copy it again, or pack the run again.")

    def _unsafe(self, name: str, why: str) -> JobFileError:
        return JobFileError(f"{self.path} was not unpacked: its entry {name!r} is not safe, because {why}.")


@contextmanager
def open_job(path: Path) -> Iterator[JobReader]:
    """Open a job.

    Raises:
        JobFileError: There is no such file; it is damaged, cut off, of another program or a newer version, or not safe to unpack.
    """
    if path.is_dir():
        raise JobFileError(f"{path} is a folder; name the file of a job.")
    with contextlib.ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
        except FileNotFoundError:
            raise JobFileError(f"There is no file {path}; check the path.") from None
        except OSError as error:
            raise JobFileError(f"{path} cannot be read ({error.strerror or error}).") from error
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise JobFileError(
                f"{path} is not a job of this program, or only the beginning of one ({error}); copy it again."
            ) from error
        yield JobReader(path, archive)


def _manifest_from(content: Mapping[str, Any]) -> JobManifest:
    weights = content["weights"]
    return JobManifest(
        name=_of(str, content["name"]),
        images=_of(bool, content["images"]),
        weights=None if weights is None else _of(str, weights),
        origin=texts_of(content.get("origin")),
        data=tuple(
            ListedImage(_of(str, image["name"]), None if image["bytes"] is None else _of(int, image["bytes"]))
            for image in content["data"]
        ),
        files=tuple(
            JobEntry(_of(str, entry["path"]), _of(int, entry["bytes"]), _of(str, entry["sha256"]))
            for entry in content["files"]
        ),
    )


def _of(kind: type[Any], value: object) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{value!r} in place of a value of another kind")
    return value
