"""The export settings that persist across restarts, as JSON values; images, model and output folder do not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from s3n_core.export.figures.encoding import PICTURE_FORMATS
from s3n_core.export.figures.panels import LAYOUTS, PANELS
from s3n_core.inspection.palettes import palette_named
from s3n_gui.export.export_choice import HIGHEST_DPI, LEAST_INCHES, LOWEST_DPI, MOST_INCHES, ExportChoice

_FLAGS = ("sheet", "singles", "arrays", "report", "test_peaks", "boxes")


def choice_fields(choice: ExportChoice) -> dict[str, Any]:
    """Return the settings of a choice that persist."""
    kept = {
        name: getattr(choice, name) for name in (*_FLAGS, "layout", "picture", "dpi", "inches", "colours", "opacity")
    }
    return {**kept, "panels": list(choice.panels)}


def saved_choice(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return the valid saved fields of ``ExportChoice``; unknown and out-of-range values are dropped."""
    found = {name: kept[name] for name in _FLAGS if isinstance(kept.get(name), bool)}
    for name, allowed in (("layout", LAYOUTS), ("picture", PICTURE_FORMATS)):
        if kept.get(name) in allowed:
            found[name] = kept[name]
    with suppress(ValueError):
        found["colours"] = palette_named(str(kept.get("colours")))
    dpi, inches, panels = kept.get("dpi"), kept.get("inches"), kept.get("panels")
    opacity = kept.get("opacity")
    if isinstance(opacity, int | float) and not isinstance(opacity, bool) and 0 <= opacity <= 1:
        found["opacity"] = float(opacity)
    if isinstance(dpi, int) and not isinstance(dpi, bool) and LOWEST_DPI <= dpi <= HIGHEST_DPI:
        found["dpi"] = dpi
    if isinstance(inches, int | float) and LEAST_INCHES <= inches <= MOST_INCHES:
        found["inches"] = float(inches)
    if isinstance(panels, list):
        found["panels"] = tuple(name for name in PANELS if name in panels)
    return found
