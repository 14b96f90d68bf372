"""The style of exported figures. Does not import any drawing code, so that forms can use it."""

from __future__ import annotations

from dataclasses import dataclass

from s3n_core.export.figures.panels import LAYOUTS, STANDARD_PANELS, Layout, PanelName, check_panels
from s3n_core.inspection.palettes import PALETTES, STANDARD_OPACITY, PaletteName, palette_named


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureStyle:
    """The style of figures.

    Attributes:
        panels: The panels of a sheet; see `panels.PANELS`.
        layout: "wide" puts each branch in a row, "tall" in a column, "auto" chooses by the image's aspect ratio.
        dpi: Pixels per inch, 36 ... 1200.
        single_inches: Long side of a single panel, 0.5 ... 20 inches.
        colour_map: One of `palettes.PALETTES`.
        opacity: Opacity of maps over the grey image, 0 ... 1; 1 shows only the map.
        annotations: Draw the data set's boxes and key points, if it has any, and mark peaks outside a box.
    """

    panels: tuple[PanelName, ...] = STANDARD_PANELS
    layout: Layout = "auto"
    dpi: int = 200
    single_inches: float = 4.0
    colour_map: PaletteName = PALETTES[0]
    opacity: float = STANDARD_OPACITY
    annotations: bool = True

    def __post_init__(self) -> None:
        check_panels(self.panels)
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, not {self.layout!r}")
        if not 36 <= self.dpi <= 1200:
            raise ValueError(f"dpi must lie between 36 and 1200, not {self.dpi}")
        if not 0.5 <= self.single_inches <= 20:
            raise ValueError(f"single pictures must be 0.5 to 20 inches wide, not {self.single_inches}")
        object.__setattr__(self, "colour_map", palette_named(self.colour_map))
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"opacity must lie between 0 and 1, not {self.opacity}")
