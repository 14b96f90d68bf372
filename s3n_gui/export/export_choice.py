"""What is to be exported, as data: images, model, panels, look; and the command that does exactly that."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_core.export.figures.panels import PANELS, STANDARD_PANELS, Layout, PanelName
from s3n_core.inspection.palettes import PALETTES, STANDARD_OPACITY

LOWEST_DPI, HIGHEST_DPI, STANDARD_DPI = 36, 1200, 200
LEAST_INCHES, MOST_INCHES, STANDARD_INCHES = 0.5, 20.0, 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportChoice:
    """Everything that the page lets a person choose.

    Attributes:
        model: A model file or a run's folder; None until one is chosen.
        images: The folder of images, or one image; None until one is chosen.
        part: "all", or a part of the data set.
        first: Only the first so many images; None takes all.
        sheet: One labelled sheet an image.
        singles: Every panel as a picture of its own.
        arrays: Every intermediate as numbers.
        report: One page to look through all images.
        panels: What is drawn, in their fixed order.
        layout: How panels stand on a sheet.
        picture: One of `encoding.PICTURE_FORMATS`.
        dpi: Pixels an inch.
        inches: Long side of a single picture.
        colours: Palette of the maps.
        opacity: Of the maps over the grey image, 0 to 1.
        out: The folder to write into; None until one is chosen.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto", or the precision of the network's layers.
    """

    model: Path | None = None
    images: Path | None = None
    part: str = "all"
    first: int | None = None
    sheet: bool = True
    singles: bool = True
    arrays: bool = False
    report: bool = False
    panels: tuple[PanelName, ...] = STANDARD_PANELS
    layout: Layout = "auto"
    picture: str = "png"
    dpi: int = STANDARD_DPI
    inches: float = STANDARD_INCHES
    colours: str = PALETTES[0]
    opacity: float = STANDARD_OPACITY
    out: Path | None = None
    device: str = "auto"
    precision: str = "auto"

    @property
    def problem(self) -> str:
        """What is missing, as a sentence; empty where nothing is."""
        if self.images is None:
            return "Choose images to export."
        if self.model is None:
            return "Choose a model."
        if not (self.sheet or self.singles or self.arrays or self.report):
            return "Choose at least one kind of file: sheets, separate panels, numbers or a report."
        if not self.panels and (self.sheet or self.singles):
            return "Choose at least one panel."
        return ""

    def amount(self, images: int) -> tuple[int, int]:
        """Return how many images an export takes of so many, and how many files it writes, those for all images included."""
        taken = images if self.first is None else min(images, self.first)
        each = self.sheet + self.singles * len(self.panels) + self.arrays
        return taken, taken * each + self.report + 1  # and index.csv

    def preview_options(self) -> dict[str, Any]:
        """Return the same choices as the engine takes them (`export_options.export_options`), to show one file.

        What cannot be shown here, a PDF or SVG, is shown as pixels of the same page; for a report stands the sheet.
        """
        return {
            "sheet": self.sheet or not (self.singles or self.arrays),
            "singles": self.singles,
            "arrays": self.arrays,
            "format": "jpeg" if self.picture == "jpeg" else "png",
            "panels": list(self.panels or STANDARD_PANELS),
            "layout": self.layout,
            "dpi": self.dpi,
            "single_inches": self.inches,
            "colour_map": self.colours,
            "opacity": self.opacity,
        }

    def arguments(self, *, restart: bool = False) -> tuple[str, ...]:
        """Return what follows ``s3n`` on the command line; only what differs from the command's own defaults is said.

        Args:
            restart: Whether all files are written anew, those of an interrupted export as well.
        """
        panels = self.panels or STANDARD_PANELS  # without pictures the command still wants some
        return (
            "export",
            str(self.model),
            str(self.images),
            "--out",
            str(self.out),
            *(["--split", self.part] if self.part != "all" else []),
            *(["--most", str(self.first)] if self.first is not None else []),
            *(["--restart"] if restart else []),
            *([] if self.sheet else ["--no-sheets"]),
            *([] if self.singles else ["--no-singles"]),
            *(["--arrays"] if self.arrays else []),
            *(["--report"] if self.report else []),
            *(["--panels", ",".join(panels)] if panels != STANDARD_PANELS else []),
            *(["--layout", self.layout] if self.layout != "auto" else []),
            *(["--picture", self.picture] if self.picture != "png" else []),
            *(["--dpi", str(self.dpi)] if self.dpi != STANDARD_DPI else []),
            *(["--inches", f"{self.inches:g}"] if self.inches != STANDARD_INCHES else []),
            *(["--colours", self.colours] if self.colours != PALETTES[0] else []),
            *(["--opacity", f"{self.opacity:g}"] if self.opacity != STANDARD_OPACITY else []),
            *(["--device", self.device] if self.device != "auto" else []),
            *(["--precision", self.precision] if self.precision != "auto" else []),
        )

    def command(self) -> str:
        """Return the command as a shell of this system takes it."""
        words = ["s3n", *self.arguments()]
        return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def with_panel(panels: tuple[PanelName, ...], name: PanelName, *, wanted: bool) -> tuple[PanelName, ...]:
    """Return the panels with one added or left out, in their fixed order."""
    return tuple(panel for panel in PANELS if (wanted if panel == name else panel in panels))
