"""The pictures that the panes share: the original in colour and grey, what the network sees of it, and the warped images."""

from __future__ import annotations

from typing import Literal

import numpy as np

from s3n_core.inspection.inspection import Inspection, Warped
from s3n_gui.widgets.images.image_pyramid import ImagePyramid

PictureName = Literal["colour", "grey", "seen", "D", "C"]


class Pictures:
    """Pictures of one inspection, each made when it is first asked for.

    A re-warp brings new D and C images but the same original; its copies are kept then.
    """

    def __init__(self) -> None:
        self._inspection: Inspection | None = None
        self._made: dict[PictureName, ImagePyramid] = {}

    def of(self, inspection: Inspection, name: PictureName) -> ImagePyramid:
        """Return a picture of an inspection."""
        if inspection is not self._inspection:
            self._take(inspection)
        if name not in self._made:
            self._made[name] = self._make(inspection, name)
        return self._made[name]

    def clear(self) -> None:
        """Let go of all pictures."""
        self._inspection, self._made = None, {}

    def _take(self, inspection: Inspection) -> None:
        last = self._inspection
        kept: tuple[PictureName, ...] = ()
        if (
            last is not None
            and last.name == inspection.name
            and last.source_box == inspection.source_box
            and (last.image is inspection.image or np.array_equal(last.image, inspection.image))
        ):
            same: tuple[Warped, ...] = tuple(
                branch for branch in ("D", "C") if last.warped_image(branch) is inspection.warped_image(branch)
            )
            kept = ("colour", "grey", "seen", *same)
        self._made = {name: self._made[name] for name in kept if name in self._made}
        self._inspection = inspection

    def _make(self, inspection: Inspection, name: PictureName) -> ImagePyramid:
        match name:
            case "colour":
                return ImagePyramid(inspection.image)
            case "grey":
                return self.of(inspection, "colour").grey()
            case "seen":
                height, width = inspection.image.shape[:2]
                x0, y0, x1, y1 = (round(value * inspection.image_scale) for value in inspection.source_box)
                x0, y0 = min(max(x0, 0), width - 1), min(max(y0, 0), height - 1)
                return ImagePyramid(inspection.image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)])
            case "D" | "C":
                return ImagePyramid(inspection.warped_image(name))
