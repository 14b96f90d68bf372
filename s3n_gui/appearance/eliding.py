"""Shortening of names so that their end stays: files of one folder mostly begin alike and differ at the end."""

from __future__ import annotations

import unicodedata

from PySide6.QtGui import QFontMetrics, QFontMetricsF

_AT_START = 4
"""One of so many kept characters is at the start of the name."""


def elided_name(name: str, metrics: QFontMetrics | QFontMetricsF, width: float) -> str:
    """Return a name that fits: "bird_2024…_0017.jpg" keeps a fourth at the start and the rest at the end.

    Args:
        name: The name of a file, run or folder.
        metrics: Of the font that it is drawn in.
        width: The room, in pixels. If it is too narrow for more, the result is "…".
    """
    if metrics.horizontalAdvance(name) <= width:
        return name
    least, most = 0, len(name) - 1
    while least < most:  # the largest number of kept characters that fits
        middle = (least + most + 1) // 2
        if metrics.horizontalAdvance(_kept(name, middle)) <= width:
            least = middle
        else:
            most = middle - 1
    return _kept(name, least)


def _kept(name: str, count: int) -> str:
    start = count // _AT_START
    end = name[len(name) - (count - start) :]
    while end and unicodedata.combining(end[0]):  # its letter is gone
        end = end[1:]
    return f"{name[:start].rstrip()}…{end}"
