"""The options of an export, for forms and the command line. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from s3n_core.export.figures.encoding import ENDINGS, PICTURE_FORMATS, PictureFormat
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.panels import STANDARD_PANELS, check_panels

ARRAYS_ENDING = ".npz"

REPORT = "report.html"
"""The name of the report in the output folder."""

PART_ENDING = ".report-part"
"""Suffix of the file with an image's part of the report, until the report is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What an export writes for each image.

    Attributes:
        sheet: A labelled sheet, ``STEM.png``.
        singles: Every panel of the style as a separate figure, ``STEM/PANEL.png``.
        arrays: All intermediates as arrays, ``STEM.npz``.
        report: An HTML report of all images, ``report.html``.
        format: Format of the figures.
        style: Style and panels of the figures.
    """

    sheet: bool = True
    singles: bool = True
    arrays: bool = False
    report: bool = False
    format: PictureFormat = "png"
    style: FigureStyle = field(default_factory=FigureStyle)

    def __post_init__(self) -> None:
        if not (self.sheet or self.singles or self.arrays or self.report):
            raise ValueError("choose at least one of sheet, single pictures, arrays and report")
        if self.format not in PICTURE_FORMATS:
            raise ValueError(f"format must be one of {', '.join(PICTURE_FORMATS)}, not {self.format!r}")

    def endings(self) -> tuple[str, ...]:
        """Return the endings that are appended to an image's stem, one per file."""
        picture = ENDINGS[self.format]
        panels = [f"/{panel}{picture}" for panel in check_panels(self.style.panels)] if self.singles else []
        others = [ending for ending, wanted in ((ARRAYS_ENDING, self.arrays), (PART_ENDING, self.report)) if wanted]
        return (*([picture] if self.sheet else []), *panels, *others)


def export_options(
    *,
    sheet: bool = True,
    singles: bool = True,
    arrays: bool = False,
    report: bool = False,
    format: str = "png",
    panels: Iterable[str] | None = None,
    **look: Any,
) -> ExportOptions:
    """Create options from the values of a form or a command line.

    Args:
        sheet: See `ExportOptions`.
        singles: See `ExportOptions`.
        arrays: See `ExportOptions`.
        report: See `ExportOptions`.
        format: See `ExportOptions`.
        panels: Names of panels; None: the standard panels.
        look: Further fields of `FigureStyle`.

    Raises:
        ValueError: A value is out of range or unknown; the message says what is valid.
    """
    style = FigureStyle(panels=STANDARD_PANELS if panels is None else check_panels(tuple(panels)), **look)
    return ExportOptions(
        sheet=sheet,
        singles=singles,
        arrays=arrays,
        report=report,
        format=format,  # type: ignore[arg-type]
        style=style,
    )
