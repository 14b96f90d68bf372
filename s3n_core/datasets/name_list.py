"""Images chosen by name: a text file with one name per line, as in the column ``file`` of a table of predictions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import DataSetError
from s3n_core.system.atomic_files import write_bytes


def write_names(file: Path, names: Iterable[str]) -> None:
    """Write names, one per line, in UTF-8; bytes of a name that are not UTF-8 are kept.

    Raises:
        OutputError: The file cannot be written.
        DataSetError: A name contains a line break, which such a file cannot hold.
    """
    listed = tuple(names)
    broken = next((name for name in listed if "\n" in name or "\r" in name), None)
    if broken is not None:
        raise DataSetError(f"{broken!r} contains a line break, so it cannot be listed; rename the file.")
    write_bytes(file, "".join(f"{name}\n" for name in listed).encode("utf-8", "surrogateescape"))


def read_names(file: Path) -> tuple[str, ...]:
    """Return the names of a file, in order; empty lines are passed over.

    Raises:
        DataSetError: The file cannot be read, or names no image.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataSetError(f"The list {file} cannot be read ({error.strerror}).") from error
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    names = tuple(line.removesuffix("\r") for line in text.split("\n") if line.strip())
    if not names:
        raise DataSetError(f"The list {file} names no image: expected one name per line.")
    return names


def records_named(records: Iterable[ImageRecord], names: Iterable[str]) -> tuple[ImageRecord, ...]:
    """Return the images with these names, in the order of the names, each once.

    Args:
        records: The images to choose from.
        names: Names (``ImageRecord.name``) or whole paths.

    Raises:
        DataSetError: One of the names is not among the images.
    """
    known: dict[str, ImageRecord] = {}
    for record in records:
        known.setdefault(str(record.path), record)
        known[record.name] = record
    wanted = tuple(dict.fromkeys(names))
    missing = [name for name in wanted if name not in known]
    if missing:
        raise DataSetError(
            f"{len(missing)} of {len(wanted)} chosen images are not among these images, such as {missing[0]!r}; "
            "names are as in the table of predictions."
        )
    return tuple(dict.fromkeys(known[name] for name in wanted))
