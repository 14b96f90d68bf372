"""An image with the peaks that its row holds: for the grid's tiles and the preview. Nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter

from s3n_core.datasets.records import Annotation, Box
from s3n_core.parts.atlas.part_place import PartPlace
from s3n_core.prediction.schema import PeakPlace
from s3n_gui.prediction.annotations import NO_ANNOTATION
from s3n_gui.state.atlas_parts import part_at
from s3n_gui.widgets.images.marks import Marks, PartTag, PeakMark, draw_marks
from s3n_gui.widgets.part_swatch import place_colour

PEAKS_TIP = (
    "Discs: peaks in T_d; rings: peaks in T_c; both: shared peaks; larger: stronger R; an open diamond: outside the box "
    "of the data set"
)


def peak_marks(
    places: Sequence[PeakPlace],
    annotation: Annotation = NO_ANNOTATION,
    parts: tuple[PartPlace, ...] = (),
    side: float = 0.0,
) -> tuple[PeakMark, ...]:
    """Return the marks of a row's peaks, in pixels of the upright original; those outside the annotated box are marked.

    Args:
        places: The peaks.
        annotation: What the data set gives for the image.
        parts: The peaks that the open atlas has in the image, with their parts.
        side: The longer side of the image, in pixels; needed for the parts.
    """

    def tag(x: float, y: float) -> PartTag | None:
        part = part_at(parts, x, y, side)
        return None if part is None else PartTag(name=part.name, colour=place_colour(part))

    return tuple(
        PeakMark(
            key=(0, number),
            x=x,
            y=y,
            strength=response,
            weight_d=weight_d,
            weight_c=weight_c,
            outside=annotation.is_outside(x, y),
            part=tag(x, y),
        )
        for number, (x, y, response, weight_d, weight_c) in enumerate(places)
    )


def fitted(box: QRectF, image: QImage) -> QRectF:
    """Return the largest rectangle of an image's shape in the middle of a box."""
    place = QRectF(box.topLeft(), QSizeF(image.size()).scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio))
    place.moveCenter(box.center())
    return place


def draw_picture(
    painter: QPainter,
    place: QRectF,
    image: QImage,
    peaks: tuple[PeakMark, ...] = (),
    original: tuple[int, int] | None = None,
    box: Box | None = None,
) -> None:
    """Draw an image with its peaks.

    Args:
        painter: The painter; its clipping stays as it is.
        place: The rectangle that the image fills.
        image: The image, at any resolution.
        peaks: Its peaks; not drawn without ``original``.
        original: (width, height) of the upright original, in whose pixels the peaks and the box are.
        box: The box of the data set, to be drawn, or None.
    """
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(place, image)
    if (peaks or box is not None) and original is not None:
        scale = place.width() / original[0], place.height() / original[1]

        def to_screen(places: NDArray[np.floating]) -> NDArray[np.float64]:
            moved: NDArray[np.float64] = np.asarray(places, dtype=np.float64) * scale + (place.left(), place.top())
            return moved

        frame = None if box is None else QRectF(box.x, box.y, box.width, box.height)
        draw_marks(painter, Marks(peaks=peaks, box=frame), to_screen, (place.width() * place.height()) ** 0.5, place)
