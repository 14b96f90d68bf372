"""The report of an export: assembled from the images' parts, which are stored with their other files until then."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from s3n_core.datasets.records import ImageRecord
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.index import IndexRow
from s3n_core.export.options import PART_ENDING, REPORT
from s3n_core.export.report.report_page import ReportHead, write_report
from s3n_core.models.opening import Model
from s3n_core.system.atomic_files import output_error


class FolderReport:
    """Assembles the report from the parts of an export.

    Args:
        out: The export's folder.
        stems: The stem of each image's files, in order.
    """

    def __init__(self, out: Path, stems: Sequence[PurePosixPath]) -> None:
        self._out = out
        self._parts = [out / f"{stem}{PART_ENDING}" for stem in stems]

    def write(self, head: ReportHead, rows: Mapping[int, IndexRow]) -> None:
        """Write the report.

        Args:
            head: What is common to all images.
            rows: The index's row of each image, by position.

        Raises:
            OutputError: The report cannot be written, or a part is missing.
        """
        images = [rows[position].prediction for position in sorted(rows)]
        left_out = [(image.file, image.error) for image in images if image.error]
        parts = [part for part, image in zip(self._parts, images, strict=True) if not image.error]
        try:
            write_report(self._out / REPORT, parts, head, left_out)
        except OSError as error:
            raise output_error(self._out / REPORT, error) from error

    def remove_parts(self) -> None:
        """Remove the parts, which the report now contains; failures are ignored."""
        for part in self._parts:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        # Folders are empty if only the report was requested; remove the deepest first.
        folders = {folder for part in self._parts for folder in part.relative_to(self._out).parents} - {Path()}
        for folder in sorted(folders, key=lambda folder: -len(folder.parts)):
            with contextlib.suppress(OSError):
                (self._out / folder).rmdir()


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
