"""The report of an export: assembled from the images' parts, which are stored with their other files until then."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from s3n_core.datasets.records import ImageRecord
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.options import PART_ENDING, REPORT
from s3n_core.export.report.report_page import ReportHead, write_report
from s3n_core.models.opening import Model
from s3n_core.prediction.rows import Prediction
from s3n_core.system.atomic_files import output_error


class FolderReport:
    """Assembles the report from the parts of an export.

    Args:
        out: The export's folder.
        stems: The stem of each image's files, in order.
    """

    def __init__(self, out: Path, stems: Sequence[PurePosixPath]) -> None:
        self._out = out
        self._stems = stems

    def write(self, head: ReportHead, rows: Iterable[Prediction]) -> None:
        """Write the report.

        Args:
            head: What is common to all images.
            rows: The row of each image, in order.

        Raises:
            OutputError: The report cannot be written, or a part is missing.
        """
        left_out, parts = [], []
        for position, row in enumerate(rows):
            if row.error:
                left_out.append((row.file, row.error))
            else:
                parts.append(self._part(position))
        try:
            write_report(self._out / REPORT, parts, head, left_out)
        except OSError as error:
            raise output_error(self._out / REPORT, error) from error

    def remove_parts(self) -> None:
        """Remove the parts, which the report now contains; failures are ignored."""
        folders: set[Path] = set()
        for position in range(len(self._stems)):
            part = self._part(position)
            folders.update(part.relative_to(self._out).parents)
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        # Folders are empty if only the report was requested; remove the deepest first.
        for folder in sorted(folders - {Path()}, key=lambda folder: -len(folder.parts)):
            with contextlib.suppress(OSError):
                (self._out / folder).rmdir()

    def _part(self, position: int) -> Path:
        return self._out / f"{self._stems[position]}{PART_ENDING}"


def head_of(model: Model, model_name: str, records: Sequence[ImageRecord], style: FigureStyle) -> ReportHead:
    """Return the head of a report."""
    return ReportHead(
        data=_folder_name(records),
        model=model_name,
        made_with=" · ".join(
            filter(
                None,
                [
                    f"{model.sampling} sampling, {model.precision}",
                    f"model {model.digest}",
                    model.header.network.origin_text,
                ],
            )
        ),
        classes=model.classes,
        palette=style.colour_map,
        opacity=style.opacity,
    )


def _folder_name(records: Sequence[ImageRecord]) -> str:
    """Return the name of the folder that contains the records."""
    if not records:
        return "no images"
    depth = len(PurePosixPath(records[0].name).parts)
    parents = records[0].path.absolute().parents
    return parents[min(depth, len(parents)) - 1].name or records[0].name
