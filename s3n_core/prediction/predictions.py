"""Predictions of many images for a program: made as they are asked for, in the order of the images, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from s3n_core.prediction.rows import Prediction, PredictionHeader
from s3n_core.prediction.tables import CSV_NAMES, csv_record, prepare_place, write_table

if TYPE_CHECKING:
    import pandas


class Predictions:
    """Rows of a model's predictions, one an image.

    Each iteration is a new pass over the images: nothing is kept. `to_list` keeps all of them.
    """

    def __init__(
        self, rows: Callable[[], Iterator[Prediction]], header: PredictionHeader, count: int | None, title: str
    ) -> None:
        """Promise rows.

        Args:
            rows: Begins a pass.
            header: What the rows share.
            count: How many there will be; None where that is not known before.
            title: What a person calls them.
        """
        self._rows = rows
        self._header = header
        self._count = count
        self._title = title

    def __iter__(self) -> Iterator[Prediction]:
        return self._rows()

    def __len__(self) -> int:
        """Return the number of images.

        Raises:
            TypeError: It is not known before they have been read.
        """
        if self._count is None:
            raise TypeError("the number of images is not known until they have been read; use to_list()")
        return self._count

    def to_list(self) -> list[Prediction]:
        """Predict all images and return the rows."""
        return list(self)

    def to_csv(self, path: str | PathLike[str]) -> Path:
        """Predict all images into a CSV table, the same as `s3n predict` writes; the file is whole or not there.

        Returns:
            The table's path.

        Raises:
            OutputError: It cannot be written, or its name does not end in ``.csv``.
        """
        out = Path(path)
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
        import pandas as pd  # not a dependency: who calls this has it

        records = [[None if value == "" else value for value in csv_record(row)] for row in self]
        return pd.DataFrame(records, columns=list(CSV_NAMES))

    def __repr__(self) -> str:
        return f"<Predictions: {self._title}>"

    def _repr_html_(self) -> str:
        return f"<p>Predictions: {escape(self._title)}. They are computed as you iterate over them.</p>"
