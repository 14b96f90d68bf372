"""Folders of labelled synthetic images, some of them broken, as data set records."""

from collections.abc import Sequence
from pathlib import Path

from tiny_models import CLASSES, drawn_picture

from s3n_core.datasets.records import ImageRecord

NAMES = ("plain", "with, comma", 'with "quotes"', "with\nline end", "=1+1", "@home", "-x", "+y", "鳥 птица", "déjà")


def drawn_folder(
    root: Path, count: int, *, classes: Sequence[str] = CLASSES, broken: Sequence[int] = ()
) -> list[ImageRecord]:
    """Write ``count`` images of varying size; those with an index in ``broken`` cannot be decoded."""
    root.mkdir(parents=True, exist_ok=True)
    records = []
    for index in range(count):
        path = root / f"{index:03}.png"
        if index in broken:
            path.write_bytes(b"" if index % 2 else b"no picture")
        else:
            drawn_picture(index, (50 + index % 7, 60 - index % 5)).save(path)
        records.append(ImageRecord(path=path, name=path.name, label=index % len(classes)))
    return records
