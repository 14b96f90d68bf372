"""Data sets of any size without files."""

from __future__ import annotations

from pathlib import Path

from s3n_core.datasets.records import DataSet, ImageRecord


def many(count: int, root: Path) -> DataSet:
    """A data set of files that do not exist."""
    classes = tuple(f"{n:03}.Spotted_{n}_{('Warbler', 'Finch', 'Gull')[n % 3]}" for n in range(60))
    records = tuple(
        ImageRecord(path=root / f"{n}.png", name=f"{n}.png", label=n % 60, split="test" if n % 5 == 0 else "train")
        for n in range(count)
    )
    return DataSet(root=root, format="class-folders", classes=classes, records=records, title="Class folders")
