"""Where panes stand so that each has the shape of its image and the images are as large as the room allows.

Pure geometry, in pixels: a pane is an image of some shape with a head above and a footer below it (its chrome).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from PySide6.QtCore import QRect, QSize

Rows = tuple[tuple[int, ...], ...]
"""Panes by index, in rows."""

_STEPS = 24  # heights of the larger images that are tried
_HALVINGS = 12
_ORIGINALS: tuple[Rows, ...] = (((0, 1),), ((0,), (1,)))
_BRANCHES: Rows = ((2, 3), (4, 5))
_WEIGHT = 1.5
"""How much more the size of the original counts than that of the images of the branches, as an exponent."""
_LEAST_IMAGE = 24.0


@dataclass(frozen=True, slots=True)
class Frame:
    """What a pane needs besides its image, in pixels.

    Attributes:
        chrome: Width of its borders, and height of head, footer and borders.
        least_width: The least width of a pane.
        gap: Distance between panes.
    """

    chrome: QSize
    least_width: int
    gap: int = 8


@dataclass(frozen=True)
class _Block:
    """Rows of panes whose images have one height."""

    rows: Rows
    aspects: Sequence[float]
    frame: Frame

    def pane_width(self, pane: int, height: float) -> float:
        return max(self.aspects[pane] * height + self.frame.chrome.width(), self.frame.least_width)

    def row_width(self, row: Sequence[int], height: float) -> float:
        return sum(self.pane_width(pane, height) for pane in row) + self.frame.gap * (len(row) - 1)

    def width(self, height: float) -> float:
        """Return the width for images of a height."""
        return max(self.row_width(row, height) for row in self.rows)

    def height(self, height: float) -> float:
        """Return the height for images of a height."""
        return len(self.rows) * (height + self.frame.chrome.height()) + self.frame.gap * (len(self.rows) - 1)

    def step(self, height: float) -> float:
        """Return the distance between the upper edges of two rows for images of a height."""
        return height + self.frame.chrome.height() + self.frame.gap

    def largest(self, width: float, height: float) -> float:
        """Return the largest height of the images with which the block fits into a room; negative if none does."""
        gaps = self.frame.gap * (len(self.rows) - 1)
        high = (height - gaps) / len(self.rows) - self.frame.chrome.height()
        if high <= 0 or self.width(0.0) > width:
            return -1.0
        if self.width(high) <= width:
            return high
        low = 0.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.width(middle) <= width else (low, middle)
        return low

    def places(self, x: float, y: float, height: float, *, step: float = 0.0) -> Iterator[tuple[int, QRect]]:
        """Yield each pane with its place, for a block at (x, y); shorter rows are centred.

        Args:
            x: The left edge of the block.
            y: Its upper edge.
            height: The height of its images.
            step: The least distance between the upper edges of its rows.
        """
        width = self.width(height)
        step = max(step, self.step(height))
        for row in self.rows:
            left = x + (width - self.row_width(row, height)) / 2
            for pane in row:
                wide = self.pane_width(pane, height)
                right, bottom = round(left + wide), round(y + height + self.frame.chrome.height())
                yield pane, QRect(round(left), round(y), right - round(left), bottom - round(y))
                left += wide + self.frame.gap
            y += step


def in_rows(rows: Rows, aspects: Sequence[float], room: QSize, frame: Frame) -> dict[int, QRect]:
    """Return the places of panes in rows, all images of one height.

    Args:
        rows: The panes of each row.
        aspects: Width over height of each pane's image.
        room: The available size.
        frame: What a pane needs besides its image.
    """
    block = _Block(rows, aspects, frame)
    height = max(block.largest(room.width(), room.height()), _LEAST_IMAGE)
    return dict(block.places(max(room.width() - block.width(height), 0.0) / 2, 0.0, height))


def automatic(aspects: Sequence[float], room: QSize, frame: Frame) -> dict[int, QRect]:
    """Return the places of six panes: original and response map large, beside or below them a row for D and one for C.

    As on an exported sheet, a row of a branch leads from its map to its image. Of all such arrangements, the one with
    the largest images is chosen.

    Args:
        aspects: Width over height of the images of: original, response map, map and image of D, map and image of C.
        room: The available size.
        frame: What a pane needs besides its image.
    """
    best, chosen = 0.0, None
    branches = _Block(_BRANCHES, aspects, frame)
    for first, beside in product(_ORIGINALS, (False, True)):
        originals = _Block(first, aspects, frame)
        most = max(originals.largest(room.width(), room.height()), 0.0)
        for step in range(_STEPS, 0, -1):
            large = most * step / _STEPS
            if large**_WEIGHT * large <= best:
                break  # smaller originals with equally large images of the branches cannot be better
            if beside:
                left = room.width() - originals.width(large) - frame.gap
                small = branches.largest(left, room.height())
            else:
                left = room.height() - originals.height(large) - frame.gap
                small = branches.largest(room.width(), left)
            small = min(small, large)
            if small > 0 and large**_WEIGHT * small > best:
                best, chosen = large**_WEIGHT * small, (originals, beside, large, small)
    if chosen is None:
        return in_rows(((0, 1), *_BRANCHES), aspects, room, frame)
    originals, beside, large, small = chosen
    one, two = originals.width(large), branches.width(small)
    if beside:
        x = (room.width() - one - frame.gap - two) / 2
        pitch = originals.step(large) if len(originals.rows) == len(_BRANCHES) else 0.0  # as on a sheet: the same rows
        return dict([*originals.places(x, 0, large), *branches.places(x + one + frame.gap, 0, small, step=pitch)])
    below = originals.height(large) + frame.gap
    return dict(
        [
            *originals.places((room.width() - one) / 2, 0, large),
            *branches.places((room.width() - two) / 2, below, small),
        ]
    )
