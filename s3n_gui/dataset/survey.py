"""A data set prepared for looking through: small arrays beside its records. Made off the window's thread, no Qt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.left_out import read_left_out
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.errors import DataSetError

Use = Literal["train", "held-out", "test", "unlabelled"]
USES: tuple[Use, ...] = ("train", "held-out", "test", "unlabelled")
"""What becomes of an image: learned from, kept back to choose the best epoch by, kept for the test, without a label."""
USE_WORDS: dict[Use, str] = {
    "train": "Training",
    "held-out": "Held out",
    "test": "Test",
    "unlabelled": "Without label",
}
TRAIN, HELD_OUT, TEST, UNLABELLED = range(len(USES))

_NUMBER = re.compile(r"^\d+\.(?=\D)")


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
        notice: A sentence about a list of left out images that cannot be read; empty where all is well.
    """

    data_set: DataSet
    labels: NDArray[np.int32]
    uses: NDArray[np.uint8]
    texts: tuple[str, ...]
    rows: dict[str, int]
    titles: tuple[str, ...]
    left_out: frozenset[int]
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

    @property
    def has_own_held_out(self) -> bool:
        """Whether the data set brings validation images, which are held out as they are."""
        return bool((self.uses == HELD_OUT).any())


def survey(data_set: DataSet) -> Survey:
    """Prepare a data set. For any thread; takes a fraction of a second for 100,000 images."""
    records = data_set.records
    titles = tuple(shown_class(name) for name in data_set.classes)
    folded = [title.casefold() for title in titles]
    rows = {record.name: index for index, record in enumerate(records)}
    notice, left_out = "", frozenset[str]()
    try:
        left_out = read_left_out(data_set.root)
    except DataSetError as error:
        notice = str(error)
    return Survey(
        data_set=data_set,
        labels=np.array([-1 if record.label is None else record.label for record in records], np.int32),
        uses=np.array([_use(record) for record in records], np.uint8),
        texts=tuple(
            record.name.casefold() + ("" if record.label is None else "\n" + folded[record.label]) for record in records
        ),
        rows=rows,
        titles=titles,
        left_out=frozenset(rows[name] for name in left_out if name in rows),
        notice=notice,
    )


def shown_class(name: str) -> str:
    """Return a class name as a person reads it: "Black footed Albatross" for ``001.Black_footed_Albatross``."""
    return _NUMBER.sub("", name).replace("_", " ").strip() or name


def file_name(record: ImageRecord) -> str:
    """Return the name of an image's file, without its folders."""
    return PurePosixPath(record.name).name


def _use(record: ImageRecord) -> int:
    if record.label is None:
        return UNLABELLED
    return {"val": HELD_OUT, "test": TEST}.get(record.split or "train", TRAIN)
