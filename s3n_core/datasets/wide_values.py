"""The values of an image that has more than 8 bits, before they are scaled to 8.

Pillow has no mode for colours of 16 bits: it keeps the upper byte of each value. The lower bytes come from decoding the file a
second time with the bytes taken in the other order, so that all formats that Pillow decodes stay its own.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from s3n_core.datasets.value_ranges import ValueKind

_PHOTOMETRIC, _BITS, _PLANAR_CONFIGURATION, _SAMPLE_FORMAT = 262, 258, 284, 339  # tags of TIFF
_WHITE_IS_ZERO, _UNSIGNED, _SEPARATE = 0, 1, 2
_NATIVE, _FOREIGN = ("L", "B") if sys.byteorder == "little" else ("B", "L")
_OTHER_ORDER = {
    f"{layout};16{order}": f"{layout};16{other}"
    for layout in ("RGB", "RGBA", "RGBX")
    for order, other in (("L", "B"), ("B", "L"), ("N", _FOREIGN))
}
"""By Pillow's name of a file's layout, which gives the upper bytes: the layout that gives the lower ones."""
_GREY_WITH_ALPHA = "LA;16B"


@dataclass(frozen=True, slots=True, eq=False)
class WideValues:
    """The values of one image, as its file stores them, not yet upright.

    Attributes:
        kind: Whole or floating point numbers.
        values: Shape (h, w), or (h, w, 3) of a colour image.
        alpha: Opacity, uint8, shape (h, w); None where all is opaque.
        inverted: The smallest value is white.
    """

    kind: ValueKind
    values: NDArray[np.generic]
    alpha: NDArray[np.uint8] | None = None
    inverted: bool = False


def wide_kind(image: Image.Image) -> ValueKind | None:
    """Return the kind of an image's values where they have more than 8 bits, else None, from its header.

    Of a colour image whose pixels Pillow has decoded already, only 8 bits are left.
    """
    if image.mode == "F":
        return "floats"
    if image.mode.startswith("I") or _layout(image) in (*_OTHER_ORDER, _GREY_WITH_ALPHA) or has_planes(image):
        return "integers"
    return None


def has_planes(image: Image.Image) -> bool:
    """Say whether an uncompressed TIFF keeps each colour of 16 bits by itself, which Pillow alone would misread."""
    return (
        _layout(image) in ("R", "G", "B", "A")
        and _tag(image, _PLANAR_CONFIGURATION) == _SEPARATE
        and _tag(image, _BITS) == 16
        and image.mode in ("RGB", "RGBA")
    )


def wide_values(image: Image.Image) -> WideValues | None:
    """Decode an image that has more than 8 bits.

    Args:
        image: The image; if it is a file's, its pixels must not have been decoded.

    Returns:
        Its values, or None where it has 8 bits. The image itself is decoded after it, or still to be.
    """
    kind = wide_kind(image)
    if kind is None:
        return None
    layout = _layout(image)
    if layout in (*_OTHER_ORDER, _GREY_WITH_ALPHA):
        assert isinstance(image, ImageFile.ImageFile)
        return _colour_values(image, layout)
    if has_planes(image):
        assert isinstance(image, ImageFile.ImageFile)
        return _plane_values(image)
    stored_top = _stored_top(image)  # known only until the pixels are decoded
    values: NDArray[np.generic] = np.asarray(image)
    if image.mode.startswith("I;16"):
        values = values.astype(np.uint16)
    elif kind == "integers" and image.format in ("PNG", "PPM"):
        scaled_up = values.astype(np.float64)
        values = np.rint(scaled_up * (stored_top / 65535)).astype(np.uint16)
    elif kind == "integers" and _is_unsigned_32_bit(image):
        values = values.view(np.uint32)
    return WideValues(kind, values, inverted=is_white_zero(image))


def is_white_zero(image: Image.Image) -> bool:
    """Return whether a TIFF file says that its smallest value is white. Pillow turns such values only where they have 8 bits."""
    return _tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO


def _colour_values(image: ImageFile.ImageFile, layout: str) -> WideValues:
    mode = "RGBA" if layout == _GREY_WITH_ALPHA else image.mode
    lower = _decoded_again(image, mode, _OTHER_ORDER.get(layout, "RGBA")).astype(np.uint16)
    upper = np.asarray(image).astype(np.uint16)
    if layout == _GREY_WITH_ALPHA:  # read as four bytes: both of the grey value, both of the opacity
        grey = (lower[..., 0] << 8) | lower[..., 1]
        return WideValues("integers", np.repeat(grey[..., None], 3, axis=2), lower[..., 2].astype(np.uint8))
    values = (upper[..., :3] << 8) | lower[..., :3]
    alpha = upper[..., 3].astype(np.uint8) if upper.shape[2] == 4 else None
    return WideValues("integers", values, alpha)


def _plane_values(image: ImageFile.ImageFile) -> WideValues:
    """Decode each colour as a grey image of its own."""
    big_endian = getattr(image, "tag_v2").prefix == b"MM"  # noqa: B009  mypy knows no tags of an ImageFile
    mode = "I;16B" if big_endian else "I;16"
    count = len(image.getbands())
    planes = [_decoded_again(image, mode, mode, (plane, count)).astype(np.uint16) for plane in range(count)]
    alpha = (planes[3] >> 8).astype(np.uint8) if count == 4 else None
    return WideValues("integers", np.stack(planes[:3], axis=-1), alpha)


def _decoded_again(
    image: ImageFile.ImageFile, mode: str, layout: str, plane: tuple[int, int] = (0, 1)
) -> NDArray[np.generic]:
    """Decode an image's file once more, its bytes laid out otherwise; the image is not changed.

    Args:
        image: The image.
        mode: What is decoded, a mode of Pillow.
        layout: How it lies in the file.
        plane: Which of how many consecutive parts of the file; (0, 1) is the whole.
    """
    file = image.fp
    assert file is not None
    place = file.tell()
    file.seek(0)
    again = type(image)(file, "")
    again._mode = mode
    size = len(again.tile) // plane[1]
    tiles = again.tile[plane[0] * size : (plane[0] + 1) * size]
    again.tile = [tile._replace(args=_with_layout(tile.args, layout)) for tile in tiles]
    pixels: NDArray[np.generic] = np.array(again)
    file.seek(place)
    return pixels


def _layout(image: Image.Image) -> str:
    """Return Pillow's name of the layout of a file whose pixels are not decoded; empty for any other image."""
    tiles = getattr(image, "tile", None)
    if not tiles or getattr(image, "fp", None) is None:
        return ""
    args = tiles[0].args
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _with_layout(args: tuple[Any, ...] | str | None, layout: str) -> tuple[Any, ...] | str:
    return (layout, *args[1:]) if isinstance(args, tuple) else layout


def _stored_top(image: Image.Image) -> int:
    """Return the largest value that the file says it may hold, from which Pillow has scaled up to 65535."""
    tiles = getattr(image, "tile", None)
    args = tiles[0].args if tiles else ()
    top = args[1] if image.format == "PPM" and isinstance(args, tuple) and len(args) > 1 else None
    return top if isinstance(top, int) and top > 255 else 65535


def _is_unsigned_32_bit(image: Image.Image) -> bool:
    return _tag(image, _BITS) == 32 and (_tag(image, _SAMPLE_FORMAT) or _UNSIGNED) == _UNSIGNED


def _tag(image: Image.Image, number: int) -> object:
    """Return the first value of a TIFF file's tag, or None."""
    tags = getattr(image, "tag_v2", None)
    value = None if tags is None else tags.get(number)
    return value[0] if isinstance(value, tuple) and value else value
