"""The table beside exported pictures: which file shows which image, and what the network takes it for."""

from __future__ import annotations

import time
from pathlib import Path

from s3n_core.analysis.inspection import Inspection
from s3n_core.atomic_files import write_bytes
from s3n_core.datasets.records import ImageRecord
from s3n_core.export.export_options import ExportOptions
from s3n_core.export.tables import csv_text

INDEX = "index.csv"
"""The table's name, in the output folder."""

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
_SECONDS = 10.0  # between two writings, so that a kill leaves a table that is nearly complete


def rule_name(inspection: Inspection) -> str:
    """Name the rule of Eq. 3 as a table of predictions does: "top-1", "top-5", or "saliency"."""
    return "saliency" if inspection.attention == "saliency" else f"top-{len(inspection.merged_classes)}"


class ExportIndex:
    """The table of what was written; rewritten now and then, and at the end.

    Args:
        out: The output folder.

    Attributes:
        rows: A row an image, as in the file.
    """

    def __init__(self, out: Path) -> None:
        self.rows: list[tuple[object, ...]] = []
        self._out = out
        self._written_at = time.monotonic()

    def add(
        self,
        record: ImageRecord,
        inspection: Inspection,
        truth: str | None,
        files: tuple[Path, ...],
        options: ExportOptions,
    ) -> None:
        """Add an image and the files that were written for it: sheet, single pictures, arrays, as the options say."""
        top = inspection.top(count=1)[0]
        relative = [path.relative_to(self._out) for path in files]
        sheet = relative[0].as_posix() if options.sheet else ""
        folder = relative[1 if options.sheet else 0].parent.as_posix() if options.singles else ""
        arrays = relative[-1].as_posix() if options.arrays else ""
        self._append(
            (
                record.name,
                truth or "",
                top.name,
                f"{top.probability:.6g}",
                "" if truth is None else str(truth == top.name).lower(),
                f"{inspection.entropy:.6g}",
                rule_name(inspection),
                len(inspection.peaks),
                sheet,
                folder,
                arrays,
                "",
            )
        )

    def add_left_out(self, record: ImageRecord, truth: str | None, reason: str) -> None:
        """Add an image that was left out, with the reason."""
        self._append((record.name, truth or "", *[""] * (len(_COLUMNS) - 3), reason))

    def write(self) -> None:
        """Write the table, whole or not at all.

        Raises:
            OutputError: It cannot be written.
        """
        # Names that are no valid Unicode are written out, as in a table of predictions, so that the file stays UTF-8.
        write_bytes(self._out / INDEX, csv_text(_COLUMNS, self.rows).encode("utf-8", "backslashreplace"))
        self._written_at = time.monotonic()

    def _append(self, row: tuple[object, ...]) -> None:
        self.rows.append(row)
        if time.monotonic() - self._written_at >= _SECONDS:
            self.write()
