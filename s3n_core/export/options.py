"""The options of an export, for forms and the command line. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from s3n_core.export.figures.encoding import ENDINGS, PICTURE_FORMATS, STANDARD_FORMAT, PictureFormat
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.panels import STANDARD_PANELS, check_panels
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.hiding_choices import MOST_HIDDEN_PEAKS
from s3n_core.system.json_values import to_json

ARRAYS_ENDING = ".npz"

HIDDEN_ENDING = ".hidden.json"

REPORT = "report.html"
"""The name of the report in the output folder."""

PART_ENDING = ".report-part"
"""Suffix of the file with an image's part of the report, until the report is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What an export writes for each image.

    Attributes:
        sheet: A labelled sheet, ``STEM.jpg``.
        singles: Every panel of the style as a separate figure, ``STEM/PANEL.jpg``.
        arrays: All intermediates as arrays, ``STEM.npz``.
        report: An HTML report of all images, ``report.html``.
        format: Format of the figures.
        style: Style and panels of the figures.
        hidden_peaks: How many of an image's strongest peaks are hidden, one at a time, to test them, from 0 to 20;
            ``STEM.hidden.json``.
        hiding: How they are hidden.
        versus: The class that contributions compare the predicted class with; its strongest rival for None, and where
            this class is predicted.
    """

    sheet: bool = True
    singles: bool = True
    arrays: bool = False
    report: bool = False
    format: PictureFormat = STANDARD_FORMAT
    style: FigureStyle = field(default_factory=FigureStyle)
    hidden_peaks: int = 0
    hiding: HidingSettings = field(default_factory=HidingSettings)
    versus: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.hidden_peaks <= MOST_HIDDEN_PEAKS:
            raise ValueError(f"hidden_peaks must be from 0 to {MOST_HIDDEN_PEAKS}, not {self.hidden_peaks}")
        if not (self.sheet or self.singles or self.arrays or self.report or self.hidden_peaks):
            raise ValueError("choose at least one of sheet, single pictures, arrays, report and hidden peaks")
        if self.format not in PICTURE_FORMATS:
            raise ValueError(f"format must be one of {', '.join(PICTURE_FORMATS)}, not {self.format!r}")

    @property
    def shows_contributions(self) -> bool:
        """Whether any file shows or holds contributions."""
        drawn = (self.sheet or self.singles) and "contributions" in self.style.panels
        return drawn or self.arrays or self.report

    def endings(self) -> tuple[str, ...]:
        """Return the endings that are appended to an image's stem, one per file."""
        picture = ENDINGS[self.format]
        panels = [f"/{panel}{picture}" for panel in check_panels(self.style.panels)] if self.singles else []
        optional = (
            (ARRAYS_ENDING, self.arrays),
            (HIDDEN_ENDING, self.hidden_peaks > 0),
            (PART_ENDING, self.report),
        )
        others = [ending for ending, wanted in optional if wanted]
        return (*([picture] if self.sheet else []), *panels, *others)

    def to_dict(self) -> dict[str, Any]:
        """Return the options as JSON values; later options only where they matter, as in earlier versions."""
        values: dict[str, Any] = to_json(self)
        if self.versus is None:
            del values["versus"]
        if not self.hidden_peaks:
            del values["hidden_peaks"], values["hiding"]
        return values


def export_options(
    *,
    sheet: bool = True,
    singles: bool = True,
    arrays: bool = False,
    report: bool = False,
    format: str = STANDARD_FORMAT,
    panels: Iterable[str] | None = None,
    hidden_peaks: int = 0,
    hiding: Mapping[str, Any] | None = None,
    versus: str | None = None,
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
        hidden_peaks: See `ExportOptions`.
        hiding: Fields of `HidingSettings` that differ from the defaults.
        versus: See `ExportOptions`.
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
        hidden_peaks=hidden_peaks,
        hiding=HidingSettings.from_dict(hiding or {}),
        versus=versus or None,
    )
