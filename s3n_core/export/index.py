"""The table beside exported pictures: which file shows which image, and what the network takes it for.

While the export runs, each row is kept in ``index.csv.part`` as soon as the image's files are there, so that an export that
was stopped or killed goes on where it was. A row counts when its image is still the same and all of its files are there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

from s3n_core.datasets.records import ImageRecord
from s3n_core.export.evaluation_tables import csv_text
from s3n_core.export.options import ARRAYS_ENDING, PART_ENDING
from s3n_core.inspection.inspection import Inspection
from s3n_core.system.atomic_files import write_bytes
from s3n_core.system.line_files import LineFile

INDEX = "index.csv"
"""The table's name, in the output folder."""

FORMAT, VERSION = "s3n-export", 1

_COLUMNS = (
    "file",
    "label",
    "class",
    "probability",
    "correct",
    "entropy",
    "rule",
    "peaks",
    "sheet",
    "folder",
    "arrays",
    "error",
)


def rule_name(inspection: Inspection) -> str:
    """Name the rule of Eq. 3 as a table of predictions does: "top-1", "top-5", or "saliency"."""
    response = inspection.response
    return "saliency" if response.attention == "saliency" else f"top-{len(response.merged_classes)}"


class ExportIndex:
    """The table of what was written; a context manager that holds the folder against a second export.

    Attributes:
        rows: A row an image, as in the file, by the image's position.
        left_out: Images without files.
        resumed: Rows of an earlier export that were taken over.
    """

    def __init__(self, out: Path, made_with: Mapping[str, Any], *, restart: bool = False) -> None:
        """Open the rows of an interrupted export, if it was made with the same; else begin anew.

        Args:
            out: The output folder.
            made_with: What all files come from: model, options, ... as JSON holds it.
            restart: Begin anew in any case.

        Raises:
            OutputError: It cannot be written, another export writes into this folder, or another program's file is there.
        """
        self.rows: dict[int, tuple[object, ...]] = {}
        self.left_out = 0
        self.resumed = 0
        self._out = out
        self._earlier: dict[str, dict[str, Any]] = {}
        header = {"format": FORMAT, "version": VERSION, **made_with}
        # Files that were made with another model or other options are replaced.
        self._lines = LineFile(out / INDEX, header, take=self._remember, goes_on=lambda _: False, restart=restart)

    def keep(self, position: int, record: ImageRecord, truth: str | None, files: Sequence[PurePosixPath]) -> bool:
        """Take over an earlier export's row and files of an image; says whether there is nothing left to do for it."""
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
            position: Of the image in the list.
            record: The image.
            inspection: What the network made of it.
            truth: Its true class, or None.
            files: By their endings (``ExportOptions.endings``).

        Raises:
            OutputError: It cannot be written.
        """
        top = inspection.top(count=1)[0]
        no_pictures = (ARRAYS_ENDING, PART_ENDING)
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
            str(sheet),
            str(folder),
            str(files.get(ARRAYS_ENDING, "")),
            "",
        )
        self._note(position, record, row, files.values())

    def add_left_out(self, position: int, record: ImageRecord, truth: str | None, reason: str) -> None:
        """Add an image that was left out, with the reason.

        Raises:
            OutputError: It cannot be written.
        """
        self._note(position, record, (record.name, truth or "", *[""] * (len(_COLUMNS) - 3), reason), ())

    def write(self) -> None:
        """Write the table as far as it goes, whole or not at all.

        Raises:
            OutputError: It cannot be written.
        """
        rows = [self.rows[position] for position in sorted(self.rows)]
        # Names that are no valid Unicode are written out, as in a table of predictions, so that the file stays UTF-8.
        write_bytes(self._out / INDEX, csv_text(_COLUMNS, rows).encode("utf-8", "backslashreplace"))

    def finish(self) -> None:
        """Write the table; nothing is left to go on with.

        Raises:
            OutputError: It cannot be written.
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
    """Return what changes when an image file does."""
    try:
        status = os.stat(record.path)
    except OSError:
        return "missing"
    return f"{status.st_size} {status.st_mtime_ns}"


def _is_whole(path: Path) -> bool:
    try:
        return path.stat().st_size > 0  # a power failure may leave the name without its content
    except OSError:
        return False
