"""The images that the panes share: the original in colour and grey, the region seen by the network, and the warps."""

from __future__ import annotations

from typing import Literal

from s3n_core.inspection.inspection import Inspection, is_same
from s3n_gui.widgets.images.image_pyramid import ImagePyramid

PictureName = Literal["colour", "grey", "seen", "D", "C"]


class PaneImages:
    """Images of an inspection, each made on first use and again only when its source has changed.

    After a re-warp, the D and C images are new but the original is not, so its copies are kept.
    """

    def __init__(self) -> None:
        self._made: dict[PictureName, tuple[tuple[object, ...], ImagePyramid]] = {}

    def of(self, inspection: Inspection, name: PictureName) -> ImagePyramid:
        """Return an image of an inspection."""
        response = inspection.response
        shows: tuple[object, ...] = (response.image, response.image_scale, response.source_box)
        if name == "D" or name == "C":
            shows = (inspection.warps.image(name),)
        last, picture = self._made.get(name, ((), None))
        if picture is None or not all(map(is_same, last, shows)):
            picture = self._make(inspection, name)
        self._made[name] = shows, picture
        return picture

    def _make(self, inspection: Inspection, name: PictureName) -> ImagePyramid:
        match name:
            case "colour":
                return ImagePyramid(inspection.response.image)
            case "grey":
                return self.of(inspection, "colour").grey()
            case "seen":
                height, width = inspection.response.image.shape[:2]
                x0, y0, x1, y1 = (
                    round(value * inspection.response.image_scale) for value in inspection.response.source_box
                )
                x0, y0 = min(max(x0, 0), width - 1), min(max(y0, 0), height - 1)
                return ImagePyramid(inspection.response.image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)])
            case "D" | "C":
                return ImagePyramid(inspection.warps.image(name))
