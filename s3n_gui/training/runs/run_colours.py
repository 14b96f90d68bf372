"""The colours of overlaid runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtGui import QColor

_COLOURS = ("#8E5BB5", "#B58900", "#C2417C", "#4B8B9B")
"""Distinguishable from the branches' colours and from each other."""


def run_colours(runs: Sequence[Path]) -> dict[Path, QColor]:
    """Return a colour for each run, assigned in order."""
    return {run: QColor(_COLOURS[index % len(_COLOURS)]) for index, run in enumerate(runs)}
