"""A peak of an image, and its part. Without numpy, so that pages can name it at the window's start."""

from __future__ import annotations

from dataclasses import dataclass

SAME_PLACE = 0.02
"""A peak and one of an atlas are the same if they are this near, as a fraction of the image's longer side."""

NO_PART = "no part"
"""The name of what is beyond the reach of every part."""


@dataclass(frozen=True, slots=True)
class PartPlace:
    """A peak.

    Attributes:
        x: Its place in pixels of the original.
        y: The same, downwards.
        part: Number of its part, from 0; -1 where it is beyond the reach of every part.
        name: The part's name, or `NO_PART`.
        background: Whether the part is background.
    """

    x: float
    y: float
    part: int
    name: str
    background: bool = False

    @property
    def words(self) -> str:
        """What is known of the peak, as a clause for a tooltip."""
        return f"part of the atlas: {self.name}" if self.part >= 0 else "looks like no part of the atlas"
