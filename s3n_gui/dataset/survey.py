"""A data set indexed for browsing: arrays parallel to its records. Built in a background thread. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.assignment import Assignment, may_share, read_assignment
from s3n_core.datasets.left_out import read_left_out
from s3n_core.datasets.records import DataSet, ImageRecord, displayed_class
from s3n_core.datasets.tags import Tags, image_key, read_tags
from s3n_core.errors import DataSetError
from s3n_gui.background.low_priority import low_priority

Use = Literal["train", "validation", "test", "unlabelled"]
USES: tuple[Use, ...] = ("train", "validation", "test", "unlabelled")
"""The use of an image: for training, to choose the best epoch, for the test, or none because it has no label."""
USE_WORDS: dict[Use, str] = {
    "train": "Training",
    "validation": "Validation",
    "test": "Test",
    "unlabelled": "Without label",
}
TRAIN, VALIDATION, TEST, UNLABELLED = range(len(USES))


@dataclass(frozen=True, eq=False, kw_only=True)
class Survey:
    """An indexed data set of N records.

    Attributes:
        data_set: The data set.
        labels: int32 (N,): the class of each record, -1 without a label.
        uses: uint8 (N,): index into ``USES``, as the data set assigns its images.
        texts: The case-folded search text of each record.
        rows: The index of each record by its name.
        keys: The name of each record as tags know it (`image_key`).
        titles: Class names for display.
        left_out: Indices of the records that are left out of training.
        assignment: The user's test share and manually assigned images.
        tags: The tags of the images; None if the saved ones cannot be read.
        brings_validation: Whether the folder has a validation set of its own, which is never redrawn.
        may_share: Whether a test share can be drawn: the folder has no split of its own.
        notice: A sentence about saved choices that cannot be read; empty if all can.
    """

    data_set: DataSet
    labels: NDArray[np.int32]
    uses: NDArray[np.uint8]
    texts: tuple[str, ...]
    rows: dict[str, int]
    keys: tuple[str, ...]
    titles: tuple[str, ...]
    left_out: frozenset[int]
    assignment: Assignment
    tags: Tags | None
    brings_validation: bool
    may_share: bool
    notice: str = ""

    def __len__(self) -> int:
        return len(self.data_set.records)

    def record(self, index: int) -> ImageRecord:
        """Return one record."""
        return self.data_set.records[index]

    def indices(self, names: Iterable[str]) -> frozenset[int]:
        """Return the indices of the records with some names; names that the data set lacks are passed over."""
        return frozenset(self.rows[name] for name in names if name in self.rows)

    def title(self, index: int) -> str:
        """Return the caption of an image: its class, or its file name without a label."""
        label = int(self.labels[index])
        return self.titles[label] if label >= 0 else file_name(self.record(index))


def survey(data_set: DataSet) -> Survey:
    """Index a data set. Thread-safe; takes a fraction of a second for 100,000 images."""
    records = data_set.records
    titles = tuple(displayed_class(name) for name in data_set.classes)
    folded = [title.casefold() for title in titles]
    rows = {record.name: index for index, record in enumerate(low_priority(records))}
    notices: list[str] = []
    left_out, assignment = frozenset[str](), Assignment()
    try:
        left_out = read_left_out(data_set.root)
    except DataSetError as error:
        notices.append(str(error))
    try:
        assignment = read_assignment(data_set.root)
    except DataSetError as error:
        notices.append(str(error))
    tags: Tags | None = None
    try:
        tags = read_tags(data_set.root)
    except DataSetError as error:
        notices.append(str(error))
    plain = data_set.original or data_set
    return Survey(
        data_set=data_set,
        labels=np.array([-1 if record.label is None else record.label for record in low_priority(records)], np.int32),
        uses=np.array([use_of(record) for record in low_priority(records)], np.uint8),
        texts=tuple(
            record.name.casefold() + ("" if record.label is None else "\n" + folded[record.label])
            for record in low_priority(records)
        ),
        rows=rows,
        keys=tuple(image_key(record.name) for record in low_priority(records)),
        titles=titles,
        left_out=frozenset(rows[name] for name in left_out if name in rows),
        assignment=assignment,
        tags=tags,
        brings_validation=any(record.split == "val" for record in low_priority(plain.records)),
        may_share=may_share(plain),
        notice=" ".join(notices),
    )


def file_name(record: ImageRecord) -> str:
    """Return the name of an image's file, without its folders."""
    return PurePosixPath(record.name).name


def use_of(record: ImageRecord) -> int:
    """Return the use of an image according to its split in the data set: an index into ``USES``."""
    if record.label is None:
        return UNLABELLED
    return {"val": VALIDATION, "test": TEST}.get(record.split or "train", TRAIN)
