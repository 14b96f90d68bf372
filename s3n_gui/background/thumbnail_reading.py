"""Fast reading of thumbnails, with the same orientation and colours as from the engine's decoder."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage, QImageReader

from s3n_core.datasets.decoding import PIXEL_LIMIT, read_image
from s3n_core.datasets.value_ranges import NO_RANGES, ValueRanges

_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


def read_thumbnail(path: Path, side: int, *, banner: int = 0, ranges: ValueRanges = NO_RANGES) -> QImage:
    """Read an image scaled to fit into a square; smaller images are not enlarged. Thread-safe.

    Qt decodes JPEG files at a reduced size, which is several times as fast. The engine's decoder reads all other files,
    and JPEG files that Qt rejects, that are truncated or that have a banner to crop, so that orientation, transparency
    and error messages are the same everywhere.

    Args:
        path: The file.
        side: Side of the square, in pixels.
        banner: Rows to crop at the bottom (`ImageRecord.banner`).
        ranges: Of values of more than 8 bits, those of the open model; where it has none, the image's own.

    Returns:
        An opaque RGB image.

    Raises:
        UnreadableImage: The file cannot be decoded.
    """
    if _is_whole_jpeg(path) and not banner:
        image = _read_jpeg(path, side)
        if image is not None:
            return image
    picture = read_image(path, banner=banner, ranges=ranges, own_range=True)
    # ``reducing_gap`` reduces by an integer factor before filtering: ten times as fast for a photograph.
    picture.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return to_qimage(picture)


def to_qimage(picture: Image.Image) -> QImage:
    """Return a copy of an RGB image as a ``QImage``."""
    width, height = picture.size
    return QImage(picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def _is_whole_jpeg(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            if file.read(len(_JPEG_START)) != _JPEG_START:
                return False
            file.seek(-len(_JPEG_END), 2)
            return file.read() == _JPEG_END
    except OSError:
        return False  # the engine's decoder reports why


def _read_jpeg(path: Path, side: int) -> QImage | None:
    reader = QImageReader(str(path), b"jpeg")
    reader.setAutoTransform(True)  # EXIF orientation, as the engine's decoder applies it
    size = reader.size()
    if not size.isValid() or size.width() * size.height() > PIXEL_LIMIT:
        return None
    if reader.imageFormat() not in (QImage.Format.Format_RGB32, QImage.Format.Format_Grayscale8):
        return None  # CMYK, for which decoders differ in inversion
    scale = side / max(size.width(), size.height())
    if scale < 1:  # the size in the file, before rotation
        reader.setScaledSize(QSize(max(1, round(size.width() * scale)), max(1, round(size.height() * scale))))
    image = reader.read()
    return None if image.isNull() else image.convertToFormat(QImage.Format.Format_RGB888)
