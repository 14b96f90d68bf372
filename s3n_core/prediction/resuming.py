"""``TABLE.part``: the rows of an unfinished table, from which an interrupted job resumes.

The first line is the header; each further line is a row, in the order of the images. A row is valid if it belongs to
the image at its position; everything from the first invalid row on is predicted again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from s3n_core.errors import UnfinishedOutput
from s3n_core.prediction.rows import Prediction, PredictionHeader
from s3n_core.prediction.tables import FORMAT, VERSION
from s3n_core.system.json_values import from_json
from s3n_core.system.line_files import LineFile, part_path

_RESUMED = (2, 3, VERSION)
"""Versions whose rows are kept: version 3 lacked ``warnings``, which only a finished table has; version 2 also lacked
``peaks_outside``, which follows from the peaks' places."""


class UnfinishedTable:
    """The rows of an unfinished table; a context manager that locks it against a second job.

    Attributes:
        path: The file with the rows.
        done: Number of rows in it.
        unreadable: Number of rows without a prediction.
    """

    def __init__(self, out: Path, header: PredictionHeader, names: Sequence[str], *, restart: bool = False) -> None:
        """Open the rows of ``out``: create the file, or truncate an existing one after its last valid row.

        Args:
            out: The final table.
            header: The header of the rows.
            names: The image names, in order.
            restart: Discard existing rows.

        Raises:
            OutputError: The file cannot be written, or another job is writing it.
            UnfinishedOutput: The file belongs to another job.
        """
        self.done = 0
        self.unreadable = 0
        self.path = part_path(out)
        self._header = header
        self._names = names
        first = {"format": FORMAT, "version": VERSION, **header.to_dict()}
        self._lines = LineFile(out, first, take=self._take, goes_on=self._goes_on, restart=restart)

    def append(self, rows: Sequence[Prediction]) -> None:
        """Append rows.

        Raises:
            OutputError: The disk is full or unavailable; earlier rows are kept, and a later job resumes after them.
        """
        self._lines.append(row.to_dict() for row in rows)
        self.done += len(rows)
        self.unreadable += sum(bool(row.error) for row in rows)

    def rows(self) -> Iterator[Prediction]:
        """Read all rows again, one by one."""
        with open(self.path, "rb") as file:
            file.readline()
            for line in file:
                yield Prediction.from_dict(json.loads(line), self._header)

    def remove(self) -> None:
        """Remove the file once its table is finished. Failures are only logged: a later job would finish it again."""
        self._lines.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()

    def _take(self, fields: Mapping[str, Any], _offset: int) -> None:
        """Accept a row of an earlier job if it is the next one."""
        if self.done == len(self._names) or fields["file"] != self._names[self.done]:
            raise ValueError("not the row of this image")
        Prediction.from_dict(fields, self._header)
        self.done += 1
        self.unreadable += bool(fields.get("error"))

    def _goes_on(self, line: bytes) -> bool:
        """Refuse rows of another job."""
        try:
            fields = json.loads(line)
            if fields["format"] != FORMAT or fields["version"] not in _RESUMED:
                raise ValueError
            earlier = from_json(PredictionHeader, fields)
        except (ValueError, KeyError, TypeError) as error:
            raise UnfinishedOutput(
                f"{self.path} is in the way: it does not contain unfinished predictions of this version. Move it "
                "away, start over with --restart, or choose another name.",
                path=self.path,
                content="no predictions of this version",
            ) from error
        if difference := self._header.difference(earlier):
            raise UnfinishedOutput(
                f"{self.path} contains unfinished predictions of {difference}; start over with --restart, finish that "
                "job first, or choose another name.",
                path=self.path,
                content=f"unfinished predictions of {difference}",
            )
        return True
