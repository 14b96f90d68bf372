"""Design tokens of exported figures: colours, type sizes and spacing, with lengths in points (1/72 inch).

The values match the window's, so that branch colours and peak marks have the same meaning everywhere.
"""

from __future__ import annotations

BRANCH_COLOURS = {"O": "#7A828E", "D": "#D55E00", "C": "#0072B2", "joint": "#009E73"}
"""Colours of the original, discriminative and complementary branches and of the joint head; colour-blind safe."""

BRANCH_NAMES = {"joint": "Joint", "O": "Original", "D": "Discriminative", "C": "Complementary"}

PAGE = "#FFFFFF"
TEXT = "#1A1D23"
QUIET = "#5B6472"
BORDER = "#DDE1E7"
TRACK = "#EEF0F3"
"""The empty part of a bar."""

SURROUND = "#2A2D33"
"""The neutral grey behind images, so as not to affect the perception of their colours."""

ANNOTATION = "#FFD27A"
"""The data set's box and key points."""

GOOD, CAUTION, BAD = "#1B7149", "#8A5F00", "#B83232"
"""Words that say a state, as in the window's light theme."""

CAPTION = 6.5
BODY = 7.5
SECTION = 8.5
TITLE = 14.0
