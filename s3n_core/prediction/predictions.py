"""Lazy predictions of many images for the Python API: computed on iteration, in order, in constant memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from s3n_core.models.seen_images import SeenCounts
from s3n_core.prediction.rows import Prediction, PredictionHeader
from s3n_core.prediction.tables import CSV_NAMES, csv_record, prepare_place, write_table
from s3n_core.system.typed_paths import typed_path

if TYPE_CHECKING:
    import pandas


class Predictions:
    """The rows of a model's predictions, one per image.

    Each iteration is a new pass over the images: nothing is kept. `to_list` keeps all of them.
    """

    def __init__(
        self, rows: Callable[[], Iterator[Prediction]], header: PredictionHeader, count: int | None, title: str
    ) -> None:
        """Create lazy predictions.

        Args:
            rows: Starts a pass over the images.
            header: The header of the rows.
            count: Number of rows; None if unknown in advance.
            title: Their display name.
        """
        self._rows = rows
        self._header = header
        self._count = count
        self._title = title
        self._seen = Counter[str]()

    def __iter__(self) -> Iterator[Prediction]:
        seen = self._seen = Counter[str]()
        for row in self._rows():
            seen.update(() if row.error else (row.seen,))
            yield row

    @property
    def seen(self) -> SeenCounts:
        """How many images of the latest iteration the model has seen before; its ``sentence()`` belongs beside any accuracy."""
        return SeenCounts.count(self._seen)

    def __len__(self) -> int:
        """Return the number of images.

        Raises:
            TypeError: The number is unknown until the images have been read.
        """
        if self._count is None:
            raise TypeError("the number of images is not known until they have been read; use to_list()")
        return self._count

    def to_list(self) -> list[Prediction]:
        """Predict all images and return the rows."""
        return list(self)

    def to_csv(self, path: str | PathLike[str]) -> Path:
        """Predict all images into a CSV table, as `s3n predict` does; the file is written atomically.

        Args:
            path: The file; its folder is created. ``~`` is the home folder, and ``.csv`` is added to a name without it.

        Returns:
            The table's path.

        Raises:
            OutputError: The table cannot be written.
        """
        out = typed_path(path)
        if out.suffix.lower() != ".csv":
            out = out.with_name(out.name + ".csv")
        prepare_place(out)
        write_table(out, self._header, self)
        return out

    def to_pandas(self) -> pandas.DataFrame:
        """Predict all images into a data frame with the columns of the CSV table; empty cells are missing values.

        Raises:
            ImportError: pandas is not installed.
        """
        import pandas as pd  # an optional dependency

        records = [[None if value == "" else value for value in csv_record(row)] for row in self]
        return pd.DataFrame(records, columns=list(CSV_NAMES))

    def __repr__(self) -> str:
        return f"<Predictions: {self._title}>"

    def _repr_html_(self) -> str:
        return (
            f"<p>Predictions: {escape(self._title)}. They are computed as you iterate over them. "
            f"{escape(self.seen.sentence())}</p>"
        )
