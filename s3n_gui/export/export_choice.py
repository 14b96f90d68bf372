"""The settings of an export: images, model, panels and appearance; and the equivalent command."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_core.datasets.name_list import write_names
from s3n_core.export.figures.encoding import STANDARD_FORMAT
from s3n_core.export.figures.panels import PANELS, STANDARD_PANELS, Layout, PanelName
from s3n_core.inspection.palettes import PALETTES, STANDARD_OPACITY
from s3n_core.system.atomic_files import make_folder
from s3n_gui.state.image_selection import ImageSelection

LOWEST_DPI, HIGHEST_DPI, STANDARD_DPI = 36, 1200, 200
TESTED_PEAKS = 3
"""How many of an image's strongest peaks are tested."""
LEAST_INCHES, MOST_INCHES, STANDARD_INCHES = 0.5, 20.0, 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportChoice:
    """All settings of the page.

    Attributes:
        model: A model file or a run folder; None until one is chosen.
        images: A folder of images, or one image; None until one is chosen.
        format: The format that the images are read in, or "auto".
        split: "all", a split of the data set, or "validation": that of the model's run.
        only: Chosen images of ``images``; None: all.
        first: Number of images to export, from the first; None: all.
        sheet: Write one labelled sheet per image.
        singles: Write each panel to a file of its own.
        arrays: Write all intermediate arrays (.npz).
        report: Write one HTML page with all images.
        test_peaks: Hide the strongest peaks of each image and write the numbers.
        panels: The panels to draw, in their fixed order.
        versus: The class that contributions compare the predicted class with; None: its strongest rival.
        layout: How panels are arranged on a sheet.
        picture: Image format, one of `encoding.PICTURE_FORMATS`.
        dpi: Pixels per inch.
        inches: Long side of a separate panel, in inches.
        colours: Palette of the maps.
        opacity: Opacity of the maps over the grey image, in [0, 1].
        boxes: Draw the data set's boxes and key points, if it has any.
        out: The output folder; None until one is chosen.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto", or the precision of the network's layers.
    """

    model: Path | None = None
    images: Path | None = None
    format: str = "auto"
    split: str = "all"
    only: ImageSelection | None = None
    first: int | None = None
    sheet: bool = True
    singles: bool = True
    arrays: bool = False
    report: bool = False
    test_peaks: bool = False
    panels: tuple[PanelName, ...] = STANDARD_PANELS
    versus: str | None = None
    layout: Layout = "auto"
    picture: str = STANDARD_FORMAT
    dpi: int = STANDARD_DPI
    inches: float = STANDARD_INCHES
    colours: str = PALETTES[0]
    opacity: float = STANDARD_OPACITY
    boxes: bool = True
    out: Path | None = None
    device: str = "auto"
    precision: str = "auto"

    @property
    def has_contributions(self) -> bool:
        """Whether any file shows or holds contributions."""
        drawn = (self.sheet or self.singles) and "contributions" in self.panels
        return drawn or self.arrays or self.report

    @property
    def problem(self) -> str:
        """What is missing, as a sentence; empty if the export can start."""
        if self.images is None:
            return "Choose images to export."
        if self.model is None:
            return "Choose a model."
        if not (self.sheet or self.singles or self.arrays or self.report or self.test_peaks):
            return (
                "Choose at least one kind of file: sheets, separate panels, numbers, a report or a test of the peaks."
            )
        if not self.panels and (self.sheet or self.singles):
            return "Choose at least one panel."
        return ""

    def amount(self, images: int) -> tuple[int, int]:
        """Return the number of exported images, of ``images`` available ones, and of all files that are written."""
        taken = images if self.first is None else min(images, self.first)
        each = self.sheet + self.singles * len(self.panels) + self.arrays + self.test_peaks
        return taken, taken * each + self.report + self.test_peaks + 1  # tables: hidden_peaks.csv, index.csv

    def preview_options(self) -> dict[str, Any]:
        """Return the settings as the engine's options (`s3n_core.export.options.export_options`), to preview one file.

        PDF and SVG are previewed as PNG of the same page; a report is previewed as the sheet.
        """
        return {
            "sheet": self.sheet or not (self.singles or self.arrays),
            "singles": self.singles,
            "arrays": self.arrays,
            "format": "jpeg" if self.picture == "jpeg" else "png",
            "panels": list(self.panels or STANDARD_PANELS),
            "versus": self.versus,
            "layout": self.layout,
            "dpi": self.dpi,
            "single_inches": self.inches,
            "colour_map": self.colours,
            "opacity": self.opacity,
            "annotations": self.boxes,
        }

    def arguments(self, *, restart: bool = False) -> tuple[str, ...]:
        """Return the arguments of ``s3n``; options with the command's own defaults are omitted.

        Args:
            restart: Whether to write all files again, those of an interrupted export as well.
        """
        panels = self.panels or STANDARD_PANELS  # the command requires panels even if it draws none
        return (
            "export",
            str(self.model),
            str(self.images),
            "--out",
            str(self.out),
            *([f"--format={self.format}"] if self.format != "auto" else []),
            *(["--split", self.split] if self.split != "all" else []),
            *(["--only", str(self.only.list_file)] if self.only is not None else []),
            *(["--most", str(self.first)] if self.first is not None else []),
            *(["--restart"] if restart else []),
            *([] if self.sheet else ["--no-sheets"]),
            *([] if self.singles else ["--no-singles"]),
            *(["--arrays"] if self.arrays else []),
            *(["--report"] if self.report else []),
            *(["--hide-peaks", str(TESTED_PEAKS)] if self.test_peaks else []),
            *(["--panels", ",".join(panels)] if panels != STANDARD_PANELS else []),
            *(["--versus", self.versus] if self.versus is not None and self.has_contributions else []),
            *(["--layout", self.layout] if self.layout != "auto" else []),
            *(["--picture", self.picture] if self.picture != STANDARD_FORMAT else []),
            *(["--dpi", str(self.dpi)] if self.dpi != STANDARD_DPI else []),
            *(["--inches", f"{self.inches:g}"] if self.inches != STANDARD_INCHES else []),
            *(["--colours", self.colours] if self.colours != PALETTES[0] else []),
            *(["--opacity", f"{self.opacity:g}"] if self.opacity != STANDARD_OPACITY else []),
            *([] if self.boxes else ["--no-boxes"]),
            *(["--device", self.device] if self.device != "auto" else []),
            *(["--precision", self.precision] if self.precision != "auto" else []),
        )

    def write_list(self) -> None:
        """Write the list of the chosen images that the command reads, if there are any.

        Raises:
            S3NError: It cannot be written.
        """
        if self.only is not None:
            make_folder(self.only.list_file.parent)
            write_names(self.only.list_file, self.only.files)

    def command(self) -> str:
        """Return the command line, quoted for the shell of this system."""
        words = ["s3n", *self.arguments()]
        return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def with_panel(panels: tuple[PanelName, ...], name: PanelName, *, wanted: bool) -> tuple[PanelName, ...]:
    """Return the panels with one added or removed, in their fixed order."""
    return tuple(panel for panel in PANELS if (wanted if panel == name else panel in panels))
