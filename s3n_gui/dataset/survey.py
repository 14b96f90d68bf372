"""A data set prepared for looking through: small arrays beside its records. Made off the window's thread, no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.assignment import Assignment, may_share, read_assignment
from s3n_core.datasets.left_out import read_left_out
from s3n_core.datasets.records import DataSet, ImageRecord, displayed_class
from s3n_core.errors import DataSetError
from s3n_gui.background.low_priority import low_priority

Use = Literal["train", "validation", "test", "unlabelled"]
USES: tuple[Use, ...] = ("train", "validation", "test", "unlabelled")
"""What becomes of an image: learned from, kept back to choose the best epoch by, kept for the test, without a label."""
USE_WORDS: dict[Use, str] = {
    "train": "Training",
    "validation": "Validation",
    "test": "Test",
    "unlabelled": "Without label",
}
TRAIN, VALIDATION, TEST, UNLABELLED = range(len(USES))


@dataclass(frozen=True, eq=False, kw_only=True)
class Survey:
    """One data set.

    Attributes:
        data_set: The data set.
        labels: int32 (N,): the class of each record, -1 without one.
        uses: uint8 (N,): index into ``USES``, as the data set itself assigns its images.
        texts: For each record what a search looks through, without case.
        rows: The index of each record by its name.
        titles: Class names as a person reads them.
        left_out: Indices of the records that are left out of training.
        assignment: What a person has chosen to test on and by hand.
        brings_validation: Whether the folder itself has validation images, which stay as they are.
        may_share: Whether a share to test on can be drawn: the folder says nothing of parts.
        notice: A sentence about what a person has chosen and cannot be read; empty where all is well.
    """

    data_set: DataSet
    labels: NDArray[np.int32]
    uses: NDArray[np.uint8]
    texts: tuple[str, ...]
    rows: dict[str, int]
    titles: tuple[str, ...]
    left_out: frozenset[int]
    assignment: Assignment
    brings_validation: bool
    may_share: bool
    notice: str = ""

    def __len__(self) -> int:
        return len(self.data_set.records)

    def record(self, index: int) -> ImageRecord:
        """Return one record."""
        return self.data_set.records[index]

    def title(self, index: int) -> str:
        """Return what stands below an image: its class, else its file's name."""
        label = int(self.labels[index])
        return self.titles[label] if label >= 0 else file_name(self.record(index))


def survey(data_set: DataSet) -> Survey:
    """Prepare a data set. For any thread; takes a fraction of a second for 100,000 images."""
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
        titles=titles,
        left_out=frozenset(rows[name] for name in left_out if name in rows),
        assignment=assignment,
        brings_validation=any(record.split == "val" for record in low_priority(plain.records)),
        may_share=may_share(plain),
        notice=" ".join(notices),
    )


def file_name(record: ImageRecord) -> str:
    """Return the name of an image's file, without its folders."""
    return PurePosixPath(record.name).name


def use_of(record: ImageRecord) -> int:
    """Return what becomes of an image by its part alone: an index into ``USES``."""
    if record.label is None:
        return UNLABELLED
    return {"val": VALIDATION, "test": TEST}.get(record.split or "train", TRAIN)
