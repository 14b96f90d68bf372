"""Figures of one inspected image: single panels and a labelled sheet.

Everything is drawn from an `Inspection`, without running a network. Drawing a sheet takes a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from s3n_core.datasets.records import Annotation
from s3n_core.export.figures.canvas import Area, Canvas
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.panel_drawing import draw_panel, height_below
from s3n_core.export.figures.panels import PanelName, check_panels
from s3n_core.export.figures.pixel_page import drawn_pixels
from s3n_core.export.figures.rasters import Rasters
from s3n_core.export.figures.sheet import draw_sheet
from s3n_core.inspection.contribution_view import ContributionView
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.inspection import Inspection


def sheet_figure(
    inspection: Inspection,
    style: FigureStyle,
    *,
    truth: str | None = None,
    model: str = "",
    annotation: Annotation | None = None,
    contributions: ContributionView | None = None,
) -> Image.Image:
    """Draw the labelled sheet of one image as pixels, RGB; see `sheet_page`."""
    return drawn_pixels(
        sheet_page(inspection, style, truth=truth, model=model, annotation=annotation, contributions=contributions)
    )


def sheet_page(
    inspection: Inspection,
    style: FigureStyle,
    *,
    truth: str | None = None,
    model: str = "",
    annotation: Annotation | None = None,
    hidden: Sequence[HiddenPlace] = (),
    hidden_error: str = "",
    contributions: ContributionView | None = None,
    rasters: Rasters | None = None,
) -> Canvas:
    """Draw the labelled sheet of one image.

    Args:
        inspection: The inspected image.
        style: The style.
        truth: Name of the true class, or None if unknown.
        model: Display name of the model; if empty, its file name.
        annotation: The image's box and key points, if its data set has any.
        hidden: What hiding the strongest peaks does, for a row of its own.
        hidden_error: Why nothing could be hidden; otherwise empty.
        contributions: What the panel with the contributions shows.
        rasters: Those of the image (`rasters_of`), if it has several figures; then without ``annotation`` and
            ``contributions``.

    Returns:
        The page, for rendering as pixels or vectors.
    """
    rasters = rasters or rasters_of(inspection, style, annotation, contributions)
    panels = check_panels(style.panels)
    return draw_sheet(
        rasters,
        panels,
        style.layout,
        style.dpi,
        truth=truth,
        model=model,
        hidden=hidden,
        hidden_error=hidden_error,
    )


def panel_figure(
    inspection: Inspection,
    panel: PanelName,
    style: FigureStyle,
    *,
    annotation: Annotation | None = None,
    contributions: ContributionView | None = None,
) -> Image.Image:
    """Draw one panel as pixels, RGB; see `panel_page`."""
    return drawn_pixels(panel_page(inspection, panel, style, annotation=annotation, contributions=contributions))


def panel_page(
    inspection: Inspection,
    panel: PanelName,
    style: FigureStyle,
    *,
    annotation: Annotation | None = None,
    contributions: ContributionView | None = None,
    rasters: Rasters | None = None,
) -> Canvas:
    """Draw one panel as a separate figure, without text except for the colour bar below a map and the crop's label.

    Args:
        inspection: The inspected image.
        panel: The panel.
        style: The style.
        annotation: The image's box and key points, if its data set has any.
        contributions: What the panel with the contributions shows.
        rasters: Those of the image (`rasters_of`), if it has several figures; then without ``annotation`` and
            ``contributions``.

    Returns:
        The page, for rendering as pixels or vectors; its long side (without the colour bar) has ``dpi * single_inches``
        pixels.
    """
    rasters = rasters or rasters_of(inspection, style, annotation, contributions)
    width, height = inspection.response.image_size
    long_side = 72 * style.single_inches
    scale = long_side / max(width, height)
    area = Area(0, 0, max(width * scale, long_side / 50), max(height * scale, long_side / 50))
    bar = height_below(rasters, panel)
    canvas = Canvas(area.width, area.height + bar, style.dpi)
    area = canvas.snapped(area)
    if not bar:  # exactly the page, regardless of rounding
        area = Area(0, 0, canvas.pixels[0] / canvas.scale, canvas.pixels[1] / canvas.scale)
    draw_panel(canvas, area, rasters, panel)
    return canvas


def rasters_of(
    inspection: Inspection,
    style: FigureStyle,
    annotation: Annotation | None = None,
    contributions: ContributionView | None = None,
) -> Rasters:
    """Return the pixels of an image's panels in a style, to be shared by its figures."""
    shown = annotation if style.annotations and annotation is not None else Annotation()
    return Rasters(inspection, style.colour_map, style.opacity, shown, contributions)
