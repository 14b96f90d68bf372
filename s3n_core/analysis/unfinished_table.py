"""``TABLE.part``: rows as they are predicted, so that an interrupted job goes on where it stopped.

The first line is the header, each further line one row, in the order of the images. A line counts when it is whole and
belongs to the image of its place; what follows the first line that does not is cut off and predicted again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from s3n_core.analysis.line_file import LineFile, json_line
from s3n_core.analysis.prediction_rows import PredictionHeader, PredictionRow
from s3n_core.analysis.prediction_tables import FORMAT, VERSION
from s3n_core.atomic_files import output_error
from s3n_core.errors import OutputError


class UnfinishedTable:
    """The rows of a table that is being made; a context manager that holds it against a second job.

    Attributes:
        path: The file with the rows.
        done: Rows in it.
        unreadable: How many of them have no answer.
    """

    def __init__(self, out: Path, header: PredictionHeader, names: Sequence[str], *, restart: bool = False) -> None:
        """Open the rows of ``out``, made if they are missing, cut back to the last good one otherwise.

        Args:
            out: The table that they will become.
            header: What the rows share.
            names: The images' names, in order.
            restart: Throw away rows that are there already.

        Raises:
            OutputError: It cannot be written, another job is writing it, or it belongs to another job.
        """
        self.done = 0
        self.unreadable = 0
        self._header = header
        self._lines = LineFile(out)
        self.path = self._lines.path
        try:
            end = 0 if restart else self._continued(names)
            self._lines.cut(end)
            if end == 0:
                self._lines.append([{"format": FORMAT, "version": VERSION, **header.to_dict()}])
        except OSError as error:
            self._lines.close()
            raise output_error(self.path, error) from error
        except BaseException:
            self._lines.close()
            raise

    def append(self, rows: Sequence[PredictionRow]) -> None:
        """Add rows.

        Raises:
            OutputError: The disk is full or gone; the rows before are kept, and a later job goes on after them.
        """
        self._lines.append(row.to_dict() for row in rows)
        self.done += len(rows)
        self.unreadable += sum(bool(row.error) for row in rows)

    def rows(self) -> Iterator[PredictionRow]:
        """Read all rows again, one by one."""
        with open(self.path, "rb") as file:
            file.readline()
            for line in file:
                yield PredictionRow.from_dict(json.loads(line), self._header)

    def remove(self) -> None:
        """Remove the file once its table is finished; may fail quietly, a later job would only finish it again."""
        self._lines.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()

    def _continued(self, names: Sequence[str]) -> int:
        """Return the offset behind the last row that can be kept, 0 if there is not even a header; count the rows."""
        with open(self.path, "rb") as file:
            first = file.readline()
            if not first.endswith(b"\n"):
                # Torn while it was first written, if it is the beginning of a header; another's file is left alone.
                start = json_line({"format": FORMAT})[:-2]
                if first[: len(start)] != start[: len(first)]:
                    raise OutputError(self._foreign())
                return 0
            difference = self._header.difference(self._header_of(first))
            if difference:
                raise OutputError(
                    f"{self.path} holds unfinished predictions of {difference}; start over with --restart, "
                    "finish that job first, or choose another name."
                )
            end = file.tell()
            for name, line in zip(names, file, strict=False):
                try:
                    fields = json.loads(line)
                    good = line.endswith(b"\n") and fields["file"] == name
                    if good:
                        PredictionRow.from_dict(fields, self._header)
                except (ValueError, KeyError, TypeError, AttributeError):
                    good = False
                if not good:
                    break
                end += len(line)
                self.done += 1
                self.unreadable += bool(fields.get("error"))
            return end

    def _header_of(self, line: bytes) -> PredictionHeader:
        try:
            fields = json.loads(line)
            if fields["format"] != FORMAT or fields["version"] != VERSION:
                raise ValueError
            return PredictionHeader.from_dict(fields)
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError(self._foreign()) from error

    def _foreign(self) -> str:
        return (
            f"{self.path} is in the way: it holds no unfinished predictions of this version; move it away, "
            "start over with --restart, or choose another name."
        )
