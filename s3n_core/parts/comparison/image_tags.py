"""Tags of images, such as sex, age or flying, by which a class is divided. Without torch."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from s3n_core.errors import DataSetError
from s3n_core.system.atomic_files import read_bytes

LISTED, NOT_LISTED = "listed", "not listed"


def read_tags(path: Path, images: Sequence[str]) -> dict[str, str]:
    """Read the tags of images.

    A ``.csv`` file has two columns with a header, the image and its tag; a file of another suffix lists images, one per line, and
    the others are `NOT_LISTED`. Images are given by name or, where that is unique, by file name.

    Args:
        path: The file.
        images: The names of the images that are looked for.

    Returns:
        The tag of each image that has one, by its name.

    Raises:
        DataSetError: The file cannot be read, is no table, has a line without a tag, or names none of the images.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise DataSetError(f"{path} cannot be read ({error.strerror or error}).") from error
    if path.suffix.lower() == ".csv":
        try:
            rows = [row for row in csv.reader(StringIO(text, newline="")) if any(row)][1:]
        except csv.Error as error:
            raise DataSetError(f"{path} cannot be read as a table ({error}).") from error
        if any(len(row) < 2 for row in rows):
            raise DataSetError(f"{path} has a line without a tag; each line needs an image and its tag.")
        tags, other = {row[0].strip(): row[1].strip() for row in rows}, ""
    else:
        tags, other = {line.strip(): LISTED for line in text.splitlines() if line.strip()}, NOT_LISTED
    counts = Counter(_file_name(name) for name in images)
    found = {
        name: tags[name] if name in tags else tags.get(_file_name(name), "") if counts[_file_name(name)] == 1 else ""
        for name in images
    }
    if not any(found.values()):
        raise DataSetError(f"{path} names none of the images, such as {images[0] if images else 'image.jpg'}.")
    return {name: tag or other for name, tag in found.items() if tag or other}


def _file_name(name: str) -> str:
    return name.rpartition("/")[2]
