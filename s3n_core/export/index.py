"""The index of an export: a table of predictions that also names the files of each image.

During the export a row is added to ``index.csv.part`` as soon as the image's files are written, so that a stopped or
killed export can resume. A row is valid if its image is unchanged and all of its files exist.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, NamedTuple, Self

from s3n_core.datasets.records import ImageRecord
from s3n_core.export.options import ARRAYS_ENDING, HIDDEN_ENDING, PART_ENDING
from s3n_core.method.weight_licences import COLUMN
from s3n_core.prediction.rows import Prediction, PredictionHeader, image_state
from s3n_core.prediction.tables import CSV_NAMES, csv_record
from s3n_core.system.atomic_files import write_bytes
from s3n_core.system.csv_tables import csv_text
from s3n_core.system.line_files import LineFile

INDEX = "index.csv"
"""The name of the index in the output folder."""

FORMAT, VERSION = "s3n-export", 3

_FILES = ("sheet", "folder", "arrays")
_NAME = CSV_NAMES.index("file")


@dataclass(frozen=True, slots=True)
class IndexRow:
    """An image in the index.

    Attributes:
        prediction: Its prediction, or why it was left out.
        places: Its sheet, the folder of its panels and its arrays, below the output folder; empty if not requested.
    """

    prediction: Prediction
    places: tuple[str, str, str] = ("", "", "")


class ExportIndex:
    """The index of an export; a context manager that locks the folder against a second export.

    Attributes:
        rows: One row per image, by the image's position.
        left_out: Number of images without files.
        resumed: Number of rows reused from an earlier export.
    """

    def __init__(
        self,
        out: Path,
        header: PredictionHeader,
        made_with: Mapping[str, Any],
        *,
        restart: bool = False,
        excel: bool = False,
    ) -> None:
        """Open the rows of an interrupted export if it was made with the same settings; otherwise start over.

        Args:
            out: The output folder.
            header: The header of the predictions.
            made_with: What else determines all files (program, options, ...), as JSON values.
            restart: Always start over.
            excel: Write the table for Excel, see `csv_tables`.

        Raises:
            OutputError: The index cannot be written, another export is writing to this folder, or a file of another
                program has its name.
        """
        self.rows: dict[int, IndexRow] = {}
        self.left_out = 0
        self.resumed = 0
        self._out = out
        self._header = header
        self._excel = excel
        self._earlier: dict[str, _Earlier] = {}
        made = {"model": header.model, "mode": header.mode, "precision": header.precision, **made_with}
        lines = {"format": FORMAT, "version": VERSION, **made}
        # Files that were made with another model or other options are replaced.
        self._lines = LineFile(out / INDEX, lines, take=self._remember, goes_on=lambda _: False, restart=restart)

    def keep(self, position: int, record: ImageRecord, truth: str | None, files: Sequence[PurePosixPath]) -> bool:
        """Reuse an earlier export's row and files of an image; return whether nothing is left to do for it."""
        earlier = self._earlier.get(record.name)
        if (
            earlier is None
            or earlier.image != image_state(record)
            or earlier.row.prediction.label != truth
            or earlier.files not in ([str(file) for file in files], [])
            or not all(_is_whole(self._out / file) for file in earlier.files)
        ):
            return False
        self._take(position, earlier.row)
        self.resumed += 1
        return True

    def add(
        self, position: int, record: ImageRecord, prediction: Prediction, files: Mapping[str, PurePosixPath]
    ) -> None:
        """Add an image and the files that were written for it.

        Args:
            position: Position of the image in the list.
            record: The image.
            prediction: Its prediction; for an image that was left out, the reason, and no files.
            files: Its files by ending (``ExportOptions.endings``).

        Raises:
            OutputError: The row cannot be written.
        """
        no_pictures = (ARRAYS_ENDING, HIDDEN_ENDING, PART_ENDING)
        sheet = next((file for ending, file in files.items() if "/" not in ending and ending not in no_pictures), "")
        folder = next((file.parent for ending, file in files.items() if ending.startswith("/")), "")
        row = IndexRow(prediction, (str(sheet), str(folder), str(files.get(ARRAYS_ENDING, ""))))
        line = {"row": prediction.to_dict(), "places": row.places, "image": image_state(record)}
        self._lines.append([{**line, "files": [str(file) for file in files.values()]}])
        self._take(position, row)

    def write_so_far(self) -> None:
        """Write the table of a stopped export, atomically: the rows so far, and those of an earlier table whose files exist.

        Raises:
            OutputError: The table cannot be written.
        """
        # By the name as it stands in a table (`_write`).
        cells = {row[_NAME].encode("utf-8", "backslashreplace").decode(): row for row in self._cells()}
        for row in self._earlier_cells():
            cells.setdefault(row[_NAME], row)
        self._write(cells.values())

    def _cells(self) -> list[list[Any]]:
        """Return the rows so far as the cells of the table, in the order of the images."""
        rows = [self.rows[position] for position in sorted(self.rows)]
        licence = [self._header.weights_licence] if self._header.weights_licence else []
        return [[*csv_record(row.prediction), *row.places, *licence] for row in rows]

    @property
    def _names(self) -> list[str]:
        """The columns of the table."""
        return [*CSV_NAMES, *_FILES, *([COLUMN] if self._header.weights_licence else [])]

    def _earlier_cells(self) -> Iterator[list[str]]:
        """Read the rows of the table that is there, with a sheet, a folder or arrays that exist; none of another version's."""
        try:
            text = (self._out / INDEX).read_text(encoding="utf-8-sig")
        except (OSError, ValueError):
            return
        rows = csv.reader(io.StringIO(text, newline=""))
        names = self._names
        if next(rows, None) != names:
            return
        for row in rows:
            places = [place for place in row[len(CSV_NAMES) :][: len(_FILES)] if place]
            if len(row) == len(names) and places and all((self._out / it).exists() for it in places):
                yield row

    def _write(self, cells: Iterable[Sequence[Any]]) -> None:
        # Names that are not valid Unicode are escaped, as in a table of predictions, so that the file is valid UTF-8.
        write_bytes(
            self._out / INDEX,
            csv_text(self._names, cells, excel=self._excel).encode("utf-8", "backslashreplace"),
        )

    def finish(self) -> None:
        """Write the table and remove the intermediate rows.

        Raises:
            OutputError: The table cannot be written.
        """
        self._write(self._cells())
        self._lines.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()

    def _take(self, position: int, row: IndexRow) -> None:
        self.rows[position] = row
        self.left_out += bool(row.prediction.error)

    def _remember(self, entry: Mapping[str, Any]) -> None:
        """Remember a row of an interrupted export."""
        sheet, folder, arrays = map(str, entry["places"])
        row = IndexRow(Prediction.from_dict(entry["row"], self._header), (sheet, folder, arrays))
        self._earlier[row.prediction.file] = _Earlier(row, entry["image"], entry["files"])


class _Earlier(NamedTuple):
    """A row of an interrupted export, with the state of its image and the files that were written."""

    row: IndexRow
    image: str
    files: list[str]


def _is_whole(path: Path) -> bool:
    try:
        return path.stat().st_size > 0  # a power failure may leave an empty file
    except OSError:
        return False
