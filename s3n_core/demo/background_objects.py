"""The removable objects of a scene's background: leaves, berries and discs out of focus, sprigs, moss and clumps of grass."""

from __future__ import annotations

from collections.abc import Collection

from s3n_core.demo.painter import Canvas


class BackgroundObjects:
    """Numbers the removable objects in the order in which they are painted, and leaves some of them out.

    A painter draws its random numbers whether or not an object is present, so the rest of the scene does not change.

    Attributes:
        count: Number of objects so far, also counting those left out. The first object has number 1.
    """

    def __init__(self, without: Collection[int] = (), count: int = 0) -> None:
        """Continue numbering after ``count`` objects; ``without`` are the numbers of the objects to leave out."""
        self.count = count
        self._without = without

    def present(self) -> bool:
        """Number the next object and return whether it is to be painted."""
        self.count += 1
        return self.count not in self._without

    def canvas(self, canvas: Canvas) -> Canvas:
        """Number the next object and return what to paint it on: ``canvas``, or a copy to be thrown away."""
        return canvas if self.present() else canvas.copy()
