"""Tags of images, such as sex, age or flying, by which a class is divided. Without torch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from s3n_core.datasets.readers.tables import TABLE_SUFFIXES, BrokenTable, Table, read_table
from s3n_core.errors import DataSetError
from s3n_core.system.atomic_files import read_bytes

LISTED, NOT_LISTED = "listed", "not listed"


def read_tags(path: Path, images: Sequence[str]) -> dict[str, frozenset[str]]:
    """Read the tags of images.

    A table (CSV, TSV, JSON) has two columns with a header, the image and its tag, and a row for each tag of an image; a row
    without a tag is passed over. A file of another suffix lists images, one per line, and the others are `NOT_LISTED`. Images
    are given by name or, where that is unique, by file name.

    Args:
        path: The file.
        images: The names of the images that are looked for.

    Returns:
        The tags of each image that has any, by its name.

    Raises:
        DataSetError: The file cannot be read, is no table, or gives none of the images a tag.
    """
    given, other = defaultdict[str, set[str]](set), frozenset[str]()
    if path.suffix.lower() in TABLE_SUFFIXES:
        table = _table(path)
        for image, tag in zip(table.column(0), table.column(1), strict=True):
            if tag.strip():
                given[image.strip()].add(tag.strip())
    else:
        try:
            text = read_bytes(path).decode("utf-8-sig", errors="surrogateescape")
        except OSError as error:
            raise DataSetError(f"{path} cannot be read ({error.strerror or error}).") from error
        given |= {line.strip(): {LISTED} for line in text.splitlines() if line.strip()}
        other = frozenset({NOT_LISTED})
    counts = Counter(_file_name(name) for name in images)
    keys = {name: name if name in given or counts[_file_name(name)] > 1 else _file_name(name) for name in images}
    if not any(key in given for key in keys.values()):
        raise DataSetError(
            f"{path} gives none of the images a tag, such as {images[0] if images else 'image.jpg'}: each line needs an image "
            "and its tag."
        )
    found = {name: frozenset(given[key]) if key in given else other for name, key in keys.items()}
    return {name: tags for name, tags in found.items() if tags}


def _table(path: Path) -> Table:
    try:
        table = read_table(path)
    except BrokenTable as error:
        raise DataSetError(str(error)) from error
    if table is None or len(table.columns) < 2:
        raise DataSetError(f"{path} is not a table with an image and its tag in each line.")
    return table


def _file_name(name: str) -> str:
    return name.rpartition("/")[2]
