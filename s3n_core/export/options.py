"""What an export writes, as data that a form or a command line fills; free of torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from s3n_core.export.figures.encoding import ENDINGS, PICTURE_FORMATS, PictureFormat
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.panels import STANDARD_PANELS, check_panels

ARRAYS_ENDING = ".npz"

REPORT = "report.html"
"""The report's name, in the output folder."""

PART_ENDING = ".report-part"
"""Of the file that holds an image's part of the report until the report is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What is written for each image.

    Attributes:
        sheet: One labelled sheet, ``STEM.png``.
        singles: Every panel of the style as a picture of its own, ``STEM/PANEL.png``.
        arrays: Every intermediate as numbers, ``STEM.npz``.
        report: One page to look through all images, ``report.html``.
        format: Of the pictures.
        style: How pictures look, and which panels there are.
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
        """Return what is added to an image's stem, one ending a file."""
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
    """Make options of what a form or a command line holds.

    Args:
        sheet: See `ExportOptions`.
        singles: The same.
        arrays: The same.
        report: The same.
        format: The same.
        panels: Names of panels; None takes the standard ones.
        look: Further fields of `FigureStyle`.

    Raises:
        ValueError: Something is out of bounds or does not exist; the message says what there is.
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
