"""Colour maps for R, Q_d, Q_c and class maps: perceptually even ones, as tables of 256 colours."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MapName = Literal["viridis", "magma", "cividis", "grey"]
MAP_NAMES: tuple[MapName, ...] = ("viridis", "magma", "cividis", "grey")


@lru_cache(maxsize=len(MAP_NAMES))
def map_table(name: MapName = "viridis") -> npt.NDArray[np.uint8]:
    """Return the colours of a map.

    Args:
        name: "viridis" (the default everywhere), "magma", "cividis" or "grey".

    Returns:
        RGB, uint8 (256, 3), from the lowest value to the highest; read only.
    """
    import numpy as np  # Not at the window's start, nor pyqtgraph below.

    if name == "grey":
        table = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    else:
        import pyqtgraph

        colours = pyqtgraph.colormap.get(name)
        table = np.ascontiguousarray(colours.getLookupTable(nPts=256, alpha=False), dtype=np.uint8)
    table.flags.writeable = False
    return table
