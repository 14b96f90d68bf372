"""The look of every exported picture: colours, type sizes and spacing, all lengths in points (1/72 inch).

The same values as the window's (see ``docs``): branch colours and peak marks mean one thing wherever they appear.
"""

from __future__ import annotations

BRANCH_COLOURS = {"O": "#7A828E", "D": "#D55E00", "C": "#0072B2", "joint": "#009E73"}
"""Colour of the original, discriminative and complementary branch and of the joint head; colour-blind-safe."""

BRANCH_NAMES = {"joint": "Joint", "O": "Original", "D": "Discriminative", "C": "Complementary"}

PAGE = "#FFFFFF"
TEXT = "#1A1D23"
QUIET = "#5B6472"
BORDER = "#DDE1E7"
TRACK = "#EEF0F3"
"""The empty part of a bar."""

SURROUND = "#2A2D33"
"""The neutral grey that images sit on, so that their colours are judged fairly."""

GOOD = "#2E9E6B"
BAD = "#D64545"

CAPTION = 6.5
BODY = 7.5
SECTION = 8.5
TITLE = 14.0
