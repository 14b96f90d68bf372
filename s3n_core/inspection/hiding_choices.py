"""The choices and limits of hiding places, as plain data, so that command-line options can list them quickly."""

from __future__ import annotations

from typing import Literal, get_args

Fill = Literal["mean", "surround", "blur"]
FILLS: tuple[Fill, ...] = get_args(Fill)
Shape = Literal["disc", "square"]
SHAPES: tuple[Shape, ...] = get_args(Shape)

LEAST_CONTROLS, MOST_CONTROLS = 20, 1000
"""Fewer random places than 20 cannot show that a place is unusual at the usual 5 %."""

MOST_HIDDEN_PEAKS = 20
"""The largest number of peaks per image that an export hides."""
