"""The names and contents of an image's exported files, for exports and previews. Does not import torch."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from s3n_core.datasets.records import Annotation, ImageRecord
from s3n_core.errors import S3NError
from s3n_core.export.figures.canvas import Canvas
from s3n_core.export.figures.encoding import encode
from s3n_core.export.figures.figures import panel_page, rasters_of, sheet_page
from s3n_core.export.figures.panels import check_panels
from s3n_core.export.figures.pixel_page import drawn_pixels
from s3n_core.export.figures.rasters import Rasters
from s3n_core.export.figures.sheet import origin_of
from s3n_core.export.figures.vector_files import vector_bytes
from s3n_core.export.file_names import OutputStems
from s3n_core.export.hidden_peaks import HIDDEN_TABLE, HiddenPeaks
from s3n_core.export.index import INDEX
from s3n_core.export.options import ARRAYS_ENDING, HIDDEN_ENDING, PART_ENDING, REPORT, ExportOptions
from s3n_core.export.report.report_image import part_bytes
from s3n_core.inspection.contribution_view import ContributionView
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.placed_contributions import class_index
from s3n_core.inspection.summary import arrays_of, summary_of
from s3n_core.prediction.rows import label_name
from s3n_core.prediction.schema import BRANCH_LETTERS


@dataclass(frozen=True, kw_only=True)
class ExportedImage:
    """What an image's files show.

    Attributes:
        inspection: Its inspection.
        truth: The name of its true class; None if unknown.
        annotation: Its box and key points, if its data set has any.
        seen: Whether the model has seen it before, as ``Prediction.seen``.
        hidden: Its hidden peaks, if the options ask for them.
        contributions: What to show of its contributions, if `ExportOptions.shows_contributions`.
    """

    inspection: Inspection
    truth: str | None = None
    annotation: Annotation = field(default_factory=Annotation)
    seen: str = "unknown"
    hidden: HiddenPeaks | None = None
    contributions: ContributionView | None = None


class ImageFiles:
    """Names the files of an export's images.

    Args:
        options: The export options.
        records: All images, since no two may share a file.
        classes: Names of the records' labels; if empty, true classes are not shown.

    Attributes:
        endings: The endings of an image's files (``ExportOptions.endings``).
        stems: The stem of each image's file names, by position.
    """

    def __init__(self, options: ExportOptions, records: Iterable[ImageRecord], classes: Iterable[str] = ()) -> None:
        self.endings = options.endings()
        self.stems: Sequence[PurePosixPath] = OutputStems(
            [record.name for record in records], self.endings, taken=[INDEX, REPORT, HIDDEN_TABLE]
        )
        self._classes = tuple(classes)

    def paths(self, position: int, endings: Iterable[str] | None = None) -> dict[str, PurePosixPath]:
        """Return the paths of an image's files below the output folder, by ending.

        Args:
            position: Position of the image.
            endings: Some of ``endings``; None: all.
        """
        stem = self.stems[position]
        return {ending: file_path(stem, ending) for ending in (self.endings if endings is None else endings)}

    def truth(self, record: ImageRecord) -> str | None:
        """Return the name of an image's true class, or None."""
        return label_name(record, self._classes)


@dataclass(frozen=True, slots=True)
class FileContents:
    """Creates the contents of images' files; deterministic.

    Attributes:
        options: The export options.
        model: The model's display name.
        branches: The letters of the branches that the report names, as in `prediction_of`.
    """

    options: ExportOptions
    model: str
    branches: Sequence[str] = BRANCH_LETTERS

    def of(self, image: ExportedImage, endings: Iterable[str] | None = None) -> dict[str, bytes]:
        """Return the contents of an image's files by ending.

        Args:
            image: The image.
            endings: Some of ``ExportOptions.endings``; None: all.
        """
        # One for all figures, so that the photograph is scaled once for each size.
        rasters = rasters_of(image.inspection, self.options.style, image.annotation, image.contributions)
        chosen = self.options.endings() if endings is None else endings
        return {ending: self._content(ending, image, rasters) for ending in chosen}

    def _content(self, ending: str, image: ExportedImage, rasters: Rasters) -> bytes:
        inspection, hidden, style = image.inspection, image.hidden, self.options.style
        if ending == HIDDEN_ENDING:
            return (hidden or HiddenPeaks()).content(inspection.response.name)
        if ending == ARRAYS_ENDING:
            return arrays_bytes(inspection, image.annotation, hidden, image.contributions)
        if ending == PART_ENDING:
            return part_bytes(
                inspection, image.truth, image.seen, rasters.annotation, hidden, image.contributions, self.branches
            )
        if not ending.startswith("/"):
            page = sheet_page(
                inspection,
                style,
                truth=image.truth,
                model=self.model,
                hidden=() if hidden is None else hidden.hidden,
                hidden_error="" if hidden is None else hidden.error,
                rasters=rasters,
            )
        else:
            (panel,) = check_panels([PurePosixPath(ending).stem])
            page = panel_page(inspection, panel, style, rasters=rasters)
        return picture_bytes(page, inspection, self.options)


def file_path(stem: PurePosixPath, ending: str) -> PurePosixPath:
    """Return a file's path below the output folder."""
    return PurePosixPath(f"{stem}{ending}")


def picture_bytes(page: Canvas, inspection: Inspection, options: ExportOptions) -> bytes:
    """Encode a page, with metadata about what it shows and how it was made (`origin_of`)."""
    about = origin_of(inspection)
    if options.format == "pdf" or options.format == "svg":
        return vector_bytes(page, options.format, about)
    return encode(drawn_pixels(page), options.format, dpi=options.style.dpi, about=about)


def arrays_bytes(
    inspection: Inspection,
    annotation: Annotation | None = None,
    hidden: HiddenPeaks | None = None,
    contributions: ContributionView | None = None,
) -> bytes:
    """Return all intermediates as the content of an .npz file; ``summary`` holds the plain values as JSON text."""
    buffer = io.BytesIO()
    values, arrays = summary_of(inspection, annotation), arrays_of(inspection)
    if hidden is not None:
        values["hidden_peaks"] = hidden.to_dict()
    if contributions is not None:
        values["contributions"] = contributions.to_dict()
        arrays |= contributions.arrays()
    summary = json.dumps(values, ensure_ascii=True)
    np.savez_compressed(buffer, allow_pickle=False, summary=np.array(summary), **arrays)
    return buffer.getvalue()


def model_name(path: Path) -> str:
    """Return the display name of a model's file: its name, and its run if the file is a run's checkpoint."""
    return f"{path.parent.parent.name} / {path.stem}" if path.parent.name == "checkpoints" else path.name


def versus_of(classes: tuple[str, ...], options: ExportOptions) -> int | None:
    """Return the index of the class that contributions compare the predicted class with; None: its strongest rival.

    Raises:
        S3NError: The model has no such class.
    """
    if options.versus is None:
        return None
    try:
        return class_index(classes, options.versus)
    except ValueError as error:
        raise S3NError(f"Contributions cannot be compared with this class: {error}.") from error
