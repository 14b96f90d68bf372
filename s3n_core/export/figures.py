"""The evidence of one image as pictures: single panels and one labelled sheet.

Everything is drawn from an `Inspection`; nothing here runs a network. A sheet of eight panels takes a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from s3n_core.analysis.inspection import Inspection
from s3n_core.export.canvas import Area, Canvas
from s3n_core.export.look import COLOUR_MAPS, STANDARD_OPACITY
from s3n_core.export.panel_drawing import BELOW, draw_panel
from s3n_core.export.panels import LAYOUTS, STANDARD_PANELS, Layout, PanelName, check_panels
from s3n_core.export.rasters import Rasters
from s3n_core.export.sheet import draw_sheet

__all__ = ["FigureStyle", "panel_figure", "panel_page", "sheet_figure", "sheet_page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureStyle:
    """How pictures look.

    Attributes:
        panels: What a sheet shows; see `panels.PANELS`.
        layout: "wide" sets a branch in a row, "tall" in a column, "auto" chooses by the image's proportions.
        dpi: Pixels an inch, 36 ... 1200.
        single_inches: Long side of a single picture, 0.5 ... 20 inches.
        colour_map: One of `look.COLOUR_MAPS`.
        opacity: Of maps over the grey image, 0 ... 1; 1 shows the map alone.
    """

    panels: tuple[PanelName, ...] = STANDARD_PANELS
    layout: Layout = "auto"
    dpi: int = 200
    single_inches: float = 4.0
    colour_map: str = COLOUR_MAPS[0]
    opacity: float = STANDARD_OPACITY

    def __post_init__(self) -> None:
        check_panels(self.panels)
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, not {self.layout!r}")
        if not 36 <= self.dpi <= 1200:
            raise ValueError(f"dpi must lie between 36 and 1200, not {self.dpi}")
        if not 0.5 <= self.single_inches <= 20:
            raise ValueError(f"single pictures must be 0.5 to 20 inches wide, not {self.single_inches}")
        if self.colour_map not in COLOUR_MAPS:
            raise ValueError(f"colour map must be one of {', '.join(COLOUR_MAPS)}, not {self.colour_map!r}")
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"opacity must lie between 0 and 1, not {self.opacity}")


def sheet_figure(
    inspection: Inspection, style: FigureStyle, *, truth: str | None = None, model: str = ""
) -> Image.Image:
    """Draw the labelled sheet of one image as pixels, RGB; see `sheet_page`."""
    return sheet_page(inspection, style, truth=truth, model=model).finished()


def sheet_page(inspection: Inspection, style: FigureStyle, *, truth: str | None = None, model: str = "") -> Canvas:
    """Draw the labelled sheet of one image.

    Args:
        inspection: The image and what the network made of it.
        style: How.
        truth: Name of the true class, or None where it is unknown.
        model: The model's name for a person; empty takes its file's name.

    Returns:
        The page, for pixels or vectors.
    """
    rasters = Rasters(inspection, style.colour_map, style.opacity)
    return draw_sheet(rasters, check_panels(style.panels), style.layout, style.dpi, truth=truth, model=model)


def panel_figure(inspection: Inspection, panel: PanelName, style: FigureStyle) -> Image.Image:
    """Draw one panel as pixels, RGB; see `panel_page`."""
    return panel_page(inspection, panel, style).finished()


def panel_page(inspection: Inspection, panel: PanelName, style: FigureStyle) -> Canvas:
    """Draw one panel as a picture of its own: no words, but a colour bar below a map.

    Args:
        inspection: The image and what the network made of it.
        panel: Which one.
        style: How.

    Returns:
        The page, for pixels or vectors; its long side (without the colour bar) has ``dpi * single_inches`` pixels.
    """
    rasters = Rasters(inspection, style.colour_map, style.opacity)
    width, height = inspection.image_size
    long_side = 72 * style.single_inches
    scale = long_side / max(width, height)
    area = Area(0, 0, max(width * scale, long_side / 50), max(height * scale, long_side / 50))
    bar = BELOW if rasters.range_of(panel) is not None else 0.0
    canvas = Canvas(area.width, area.height + bar, style.dpi)
    area = canvas.snapped(area)
    if not bar:  # exactly the page, whichever way the halves were rounded
        area = Area(0, 0, canvas.pixels[0] / canvas.scale, canvas.pixels[1] / canvas.scale)
    draw_panel(canvas, area, rasters, panel)
    return canvas
