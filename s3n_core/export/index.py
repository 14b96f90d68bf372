"""The index of an export: a table with the files and the prediction of each image.

During the export a row is added to ``index.csv.part`` as soon as the image's files are written, so that a stopped or
killed export can resume. A row is valid if its image is unchanged and all of its files exist.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

from s3n_core.datasets.records import ImageRecord
from s3n_core.export.options import ARRAYS_ENDING, HIDDEN_ENDING, PART_ENDING
from s3n_core.inspection.inspection import Inspection
from s3n_core.system.atomic_files import write_bytes
from s3n_core.system.csv_tables import csv_text
from s3n_core.system.line_files import LineFile

INDEX = "index.csv"
"""The name of the index in the output folder."""

FORMAT, VERSION = "s3n-export", 2

_COLUMNS = (
    "file",
    "label",
    "class",
    "probability",
    "correct",
    "entropy",
    "rule",
    "peaks",
    "peaks_outside",
    "sheet",
    "folder",
    "arrays",
    "error",
)


def rule_name(inspection: Inspection) -> str:
    """Return the name of the rule of Eq. 3, as in tables of predictions: "top-1", "top-5", or "saliency"."""
    response = inspection.response
    return "saliency" if response.attention == "saliency" else f"top-{len(response.merged_classes)}"


class ExportIndex:
    """The index of an export; a context manager that locks the folder against a second export.

    Attributes:
        rows: One row per image, as in the file, by the image's position.
        left_out: Number of images without files.
        resumed: Number of rows reused from an earlier export.
    """

    def __init__(self, out: Path, made_with: Mapping[str, Any], *, restart: bool = False, excel: bool = False) -> None:
        """Open the rows of an interrupted export if it was made with the same settings; otherwise start over.

        Args:
            out: The output folder.
            made_with: What determines all files (model, options, ...), as JSON values.
            restart: Always start over.
            excel: Write the table for Excel, see `csv_tables`.

        Raises:
            OutputError: The index cannot be written, another export is writing to this folder, or a file of another
                program has its name.
        """
        self.rows: dict[int, tuple[object, ...]] = {}
        self.left_out = 0
        self.resumed = 0
        self._out = out
        self._excel = excel
        self._earlier: dict[str, dict[str, Any]] = {}
        header = {"format": FORMAT, "version": VERSION, **made_with}
        # Files that were made with another model or other options are replaced.
        self._lines = LineFile(out / INDEX, header, take=self._remember, goes_on=lambda _: False, restart=restart)

    def keep(self, position: int, record: ImageRecord, truth: str | None, files: Sequence[PurePosixPath]) -> bool:
        """Reuse an earlier export's row and files of an image; return whether nothing is left to do for it."""
        earlier = self._earlier.get(record.name)
        if (
            earlier is None
            or earlier["image"] != _state(record)
            or earlier["row"][1] != (truth or "")
            or earlier["files"] not in ([str(file) for file in files], [])
            or not all(_is_whole(self._out / file) for file in earlier["files"])
        ):
            return False
        self._take(position, tuple(earlier["row"]))
        self.resumed += 1
        return True

    def add(
        self,
        position: int,
        record: ImageRecord,
        inspection: Inspection,
        truth: str | None,
        files: Mapping[str, PurePosixPath],
    ) -> None:
        """Add an image and the files that were written for it.

        Args:
            position: Position of the image in the list.
            record: The image.
            inspection: Its inspection.
            truth: Its true class, or None.
            files: Its files by ending (``ExportOptions.endings``).

        Raises:
            OutputError: The row cannot be written.
        """
        top = inspection.top(count=1)[0]
        outside = [record.annotation.is_outside(peak.x, peak.y) for peak in inspection.warps.peaks]
        no_pictures = (ARRAYS_ENDING, HIDDEN_ENDING, PART_ENDING)
        sheet = next((file for ending, file in files.items() if "/" not in ending and ending not in no_pictures), "")
        folder = next((file.parent for ending, file in files.items() if ending.startswith("/")), "")
        row = (
            record.name,
            truth or "",
            top.name,
            f"{top.probability:.6g}",
            "" if truth is None else str(truth == top.name).lower(),
            f"{inspection.response.entropy:.6g}",
            rule_name(inspection),
            len(inspection.warps.peaks),
            "" if record.box is None else sum(outside),
            str(sheet),
            str(folder),
            str(files.get(ARRAYS_ENDING, "")),
            "",
        )
        self._note(position, record, row, files.values())

    def add_left_out(self, position: int, record: ImageRecord, truth: str | None, reason: str) -> None:
        """Add an image that was skipped, with the reason.

        Raises:
            OutputError: The row cannot be written.
        """
        self._note(position, record, (record.name, truth or "", *[""] * (len(_COLUMNS) - 3), reason), ())

    def write(self) -> None:
        """Write the table with the rows so far, atomically.

        Raises:
            OutputError: The table cannot be written.
        """
        rows = [self.rows[position] for position in sorted(self.rows)]
        # Names that are not valid Unicode are escaped, as in a table of predictions, so that the file is valid UTF-8.
        write_bytes(self._out / INDEX, csv_text(_COLUMNS, rows, excel=self._excel).encode("utf-8", "backslashreplace"))

    def finish(self) -> None:
        """Write the table and remove the intermediate rows.

        Raises:
            OutputError: The table cannot be written.
        """
        self.write()
        self._lines.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()

    def _note(self, position: int, record: ImageRecord, row: tuple[object, ...], files: Any) -> None:
        self._lines.append([{"row": row, "image": _state(record), "files": [str(file) for file in files]}])
        self._take(position, row)

    def _take(self, position: int, row: tuple[object, ...]) -> None:
        self.rows[position] = row
        self.left_out += bool(row[-1])

    def _remember(self, entry: Mapping[str, Any]) -> None:
        """Remember a row of an interrupted export."""
        if len(entry["row"]) != len(_COLUMNS):
            raise ValueError("not a row of this version")
        self._earlier[str(entry["row"][0])] = {name: entry[name] for name in ("row", "image", "files")}


def _state(record: ImageRecord) -> str:
    """Return a fingerprint of an image file that changes with the file."""
    try:
        status = os.stat(record.path)
    except OSError:
        return "missing"
    return f"{status.st_size} {status.st_mtime_ns}"


def _is_whole(path: Path) -> bool:
    try:
        return path.stat().st_size > 0  # a power failure may leave an empty file
    except OSError:
        return False
