"""The index of an export: a table of predictions that also names the files of each image.

During the export a row is added to ``index.csv.part`` as soon as the image's files are written, so that a stopped or
killed export can resume. A row is valid if its image is unchanged and all of its files exist. The rows stay in that file
until the table is written: memory holds only where each begins.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import ImageRecord
from s3n_core.export.options import ARRAYS_ENDING, HIDDEN_ENDING, PART_ENDING
from s3n_core.method.weight_licences import COLUMN
from s3n_core.prediction.rows import Prediction, PredictionHeader, image_state
from s3n_core.prediction.tables import CSV_NAMES, csv_record
from s3n_core.system.csv_tables import write_csv
from s3n_core.system.line_files import LineFile

INDEX = "index.csv"
"""The name of the index in the output folder."""

FORMAT, VERSION = "s3n-export", 3

_FILES = ("sheet", "folder", "arrays")
_NAME = CSV_NAMES.index("file")
_NONE = -1  # no line


class ExportIndex:
    """The index of an export; a context manager that locks the folder against a second export.

    Attributes:
        done: Number of images with a row.
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
        self.done = 0
        self.left_out = 0
        self.resumed = 0
        self._out = out
        self._header = header
        self._excel = excel
        self._begins = array("q", [_NONE]) * header.count  # of each image's line, by position
        self._earlier = _LinesByName()  # lines of an interrupted export
        self._met = 0  # how many of them are of this export's images
        made = {"model": header.model, "mode": header.mode, "precision": header.precision, **made_with}
        lines = {"format": FORMAT, "version": VERSION, **made}
        # Files that were made with another model or other options are replaced.
        self._lines = LineFile(out / INDEX, lines, take=self._remember, goes_on=lambda _: False, restart=restart)

    def keep(self, position: int, record: ImageRecord, truth: str | None, files: Sequence[PurePosixPath]) -> bool:
        """Reuse an earlier export's row and files of an image; return whether nothing is left to do for it."""
        begin = self._earlier.find(record.name)
        if begin is None:
            return False
        self._met += 1
        line = self._lines.read(begin)
        row = self._row(line)
        if (
            row.file != record.name
            or row.label != truth
            or line["image"] != image_state(record)
            or line["files"] not in ([str(file) for file in files], [])
            or not all(_is_whole(self._out / file) for file in line["files"])
        ):
            return False
        self._take(position, begin, row)
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
        places = (str(sheet), str(folder), str(files.get(ARRAYS_ENDING, "")))
        begin = self._lines.end
        line = {"row": prediction.to_dict(), "places": places, "image": image_state(record)}
        self._lines.append([{**line, "files": [str(file) for file in files.values()]}])
        self._take(position, begin, prediction)

    def predictions(self) -> Iterator[Prediction]:
        """Read the rows so far again, one by one in the order of the images, without their files."""
        return map(self._row, self._in_order())

    def write_so_far(self) -> None:
        """Write the table of a stopped export, atomically: the rows so far, and those of an earlier table whose files exist.

        Raises:
            OutputError: The table cannot be written.
        """
        self._write(self._cells_so_far())

    def _cells_so_far(self) -> Iterator[Sequence[Any]]:
        named = _LinesByName()
        for number, row in enumerate(self._cells()):
            named.add(row[_NAME].encode("utf-8", "backslashreplace").decode(), number)  # as it stands in a table
            yield row
        for earlier in self._earlier_cells():
            if named.find(earlier[_NAME]) is None:
                yield earlier

    def _cells(self) -> Iterator[list[Any]]:
        """Read the rows so far as the cells of the table, in the order of the images."""
        licence = [self._header.weights_licence] if self._header.weights_licence else []
        for line in self._in_order():
            yield [*csv_record(self._row(line)), *line["places"], *licence]

    @property
    def _names(self) -> list[str]:
        """The columns of the table."""
        return [*CSV_NAMES, *_FILES, *([COLUMN] if self._header.weights_licence else [])]

    def _in_order(self) -> Iterator[dict[str, Any]]:
        """Read the lines so far in the order of the images."""
        return (self._lines.read(begin) for begin in self._begins if begin != _NONE)

    def _row(self, line: Mapping[str, Any]) -> Prediction:
        return Prediction.from_dict(line["row"], self._header)

    def _earlier_cells(self) -> Iterator[list[str]]:
        """Read the rows of the table that is there, with a sheet, a folder or arrays that exist; none of another version's."""
        try:
            with open(self._out / INDEX, encoding="utf-8-sig", newline="") as file:
                rows = csv.reader(file)
                names = self._names
                if next(rows, None) != names:
                    return
                for row in rows:
                    places = [place for place in row[len(CSV_NAMES) :][: len(_FILES)] if place]
                    if len(row) == len(names) and places and all((self._out / place).exists() for place in places):
                        yield row
        except (OSError, ValueError, csv.Error):  # another program has changed it
            return

    def _write(self, cells: Iterator[Sequence[Any]]) -> None:
        write_csv(self._out / INDEX, self._names, cells, excel=self._excel)

    def finish(self) -> None:
        """Write the table and remove the intermediate rows, unless a stopped export of more images left some of them.

        Raises:
            OutputError: The table cannot be written.
        """
        if self._met < len(self._earlier):
            self.write_so_far()
            return
        self._write(self._cells())
        self._lines.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()

    def _take(self, position: int, begin: int, row: Prediction) -> None:
        self.done += 1
        self.left_out += bool(row.error)
        self._begins[position] = begin

    def _remember(self, line: Mapping[str, Any], begin: int) -> None:
        """Remember a line of an interrupted export, if it is whole."""
        _sheet, _folder, _arrays = line["places"]
        _image, _files = line["image"], line["files"]
        self._earlier.add(self._row(line).file, begin)


class _LinesByName:
    """Where the line of each name begins, in 16 bytes a name: two names may, very seldom, be taken for one another."""

    def __init__(self) -> None:
        self._hashes, self._begins = array("q"), array("q")
        self._sorted: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def add(self, name: str, begin: int) -> None:
        """Add a line; the last one of a name counts."""
        self._hashes.append(hash(name))
        self._begins.append(begin)
        self._sorted = None

    def __len__(self) -> int:
        return len(np.unique(self._in_order()[0]))

    def find(self, name: str) -> int | None:
        """Return where the line of a name begins."""
        hashes, begins = self._in_order()
        place = int(np.searchsorted(hashes, hash(name), side="right")) - 1
        return int(begins[place]) if place >= 0 and hashes[place] == hash(name) else None

    def _in_order(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if self._sorted is None:
            hashes = np.array(self._hashes, np.int64)
            order = np.argsort(hashes, kind="stable")
            self._sorted = hashes[order], np.array(self._begins, np.int64)[order]
        return self._sorted


def _is_whole(path: Path) -> bool:
    try:
        return path.stat().st_size > 0  # a power failure may leave an empty file
    except OSError:
        return False
