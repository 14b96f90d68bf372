"""The panels of an inspected image: their titles, order and arrangement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

PanelName = Literal[
    "original", "contributions", "peaks", "response", "map_d", "map_c", "grid_d", "grid_c", "image_d", "image_c"
]
PANELS: tuple[PanelName, ...] = get_args(PanelName)
STANDARD_PANELS: tuple[PanelName, ...] = PANELS[2:]
"""All panels except contributions, and the plain original, which the panel with the peaks also shows."""

Layout = Literal["auto", "wide", "tall"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)


@dataclass(frozen=True, slots=True)
class Panel:
    """The description of a panel.

    Attributes:
        title: Its name.
        symbol: The paper's symbol, with ``_`` before a subscript; the unit of contributions, which have none.
        branch: "D" or "C" if the panel belongs to a branch.
        partner: The panel that it is compared with, in the same column (or row) of a sheet.
    """

    title: str
    symbol: str
    branch: Literal["", "D", "C"]
    partner: PanelName


PANEL_TEXTS: dict[PanelName, Panel] = {
    "original": Panel("Original", "X", "", "contributions"),
    "contributions": Panel("Contributions", "logits / 1 % of area", "", "original"),
    "peaks": Panel("Peaks", "T_d, T_c", "", "response"),
    "response": Panel("Response map", "R", "", "peaks"),
    "map_d": Panel("Discriminative map", "Q_d", "D", "map_c"),
    "map_c": Panel("Complementary map", "Q_c", "C", "map_d"),
    "grid_d": Panel("Discriminative grid", "f, g", "D", "grid_c"),
    "grid_c": Panel("Complementary grid", "f, g", "C", "grid_d"),
    "image_d": Panel("Discriminative image", "D", "D", "image_c"),
    "image_c": Panel("Complementary image", "C", "C", "image_d"),
}


def check_panels(panels: Sequence[str]) -> tuple[PanelName, ...]:
    """Return the panels in their fixed order, without duplicates.

    Raises:
        ValueError: There are no panels, or one does not exist.
    """
    unknown = [name for name in panels if name not in PANELS]
    if unknown:
        raise ValueError(f"there is no panel {unknown[0]!r}; the panels are {', '.join(PANELS)}")
    if not panels:
        raise ValueError(f"choose at least one panel of {', '.join(PANELS)}")
    return tuple(name for name in PANELS if name in panels)


def arrange(panels: Sequence[PanelName], layout: Layout, aspect: float) -> tuple[tuple[PanelName, ...], ...]:
    """Arrange panels in rows.

    Partners are placed below each other (wide) or next to each other (tall), so that a row or column shows one branch
    from map to image. Panels whose partner is missing are placed in reading order.

    Args:
        panels: The panels, in their fixed order.
        layout: "auto" chooses "tall" for panoramas.
        aspect: Aspect ratio of the image, width over height.
    """
    if layout == "auto":
        layout = "tall" if aspect > 2.1 else "wide"
    if len(panels) > 2 and all(PANEL_TEXTS[name].partner in panels for name in panels):
        rows = tuple(panels[0::2]), tuple(panels[1::2])
        return rows if layout == "wide" else tuple(zip(*rows, strict=True))
    columns = 2 if layout == "tall" else (len(panels) if len(panels) <= 4 else -(-len(panels) // 2))
    columns = min(columns, 5, len(panels))
    return tuple(tuple(panels[start : start + columns]) for start in range(0, len(panels), columns))
