"""Image formats, and encoding of images as PNG or JPEG with resolution and metadata."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Literal, get_args

from PIL import Image
from PIL.PngImagePlugin import PngInfo

PictureFormat = Literal["png", "jpeg", "pdf", "svg"]
"""PDF and SVG keep text and lines as vectors (`vector_files`)."""

PICTURE_FORMATS: tuple[PictureFormat, ...] = get_args(PictureFormat)
STANDARD_FORMAT: PictureFormat = "jpeg"

ENDINGS: dict[PictureFormat, str] = {"png": ".png", "jpeg": ".jpg", "pdf": ".pdf", "svg": ".svg"}

# Level 6 takes three times as long and makes files an eighth smaller (measured on sheets of photographs).
_PNG_LEVEL = 2

# A page is mostly smooth pixels (enlarged photographs, coloured maps) and sharp words, so its fine detail costs little and
# matters most. The usual tables of JPEG spend their bits the other way round: at 400 KB a sheet, words are 5 dB and
# photographs 2 dB closer to the original with these, which grow evenly from low to high frequencies.
_STEPS = [16 * (1 + 2 * (row + column) / 14) for row in range(8) for column in range(8)]
_COLOUR_STEPS = 1.75  # of the colour differences, relative to those of brightness
_FINEST, _COARSEST = 0.4, 8.0  # scales of the steps
_MOST_BYTES, _MOST_PIXELS = 400_000, 3_500_000
_SHARE, _POWER = 0.96, 0.53  # measured on sheets: optimised tables, and how bytes fall with the scale


def encode(
    picture: Image.Image, format: Literal["png", "jpeg"], *, dpi: float, about: Mapping[str, str] | None = None
) -> bytes:
    """Encode an image.

    Args:
        picture: The RGB image.
        format: "png" without loss, or "jpeg" with at most 400 KB for up to 3.5 megapixels, in proportion above; both in
            full colour resolution, which keeps coloured marks sharp.
        dpi: Resolution stored in the file, so that programs display and print it at the intended size.
        about: Metadata stored in the file, by name; in a JPEG file as one comment.
    """
    buffer = io.BytesIO()
    facts = {name: _storable(text) for name, text in (about or {}).items() if text}
    if format == "png":
        info = PngInfo()
        for name, text in facts.items():
            info.add_itxt(name, text)
        picture.save(buffer, "PNG", compress_level=_PNG_LEVEL, dpi=(dpi, dpi), pnginfo=info)
    else:
        comment = "; ".join(f"{name}: {text}" for name, text in facts.items())
        return _jpeg(picture, round(dpi), {"comment": comment.encode()} if comment else {})
    return buffer.getvalue()


def _jpeg(picture: Image.Image, dpi: int, extra: Mapping[str, Any]) -> bytes:
    """Encode as finely as the size allows."""
    most = _MOST_BYTES * max(1.0, picture.width * picture.height / _MOST_PIXELS)

    def encoded(scale: float, *, optimize: bool) -> bytes:
        tables = [[min(255, round(scale * share * step)) for step in _STEPS] for share in (1.0, _COLOUR_STEPS)]
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", qtables=tables, subsampling=0, optimize=optimize, dpi=(dpi, dpi), **extra)
        return buffer.getvalue()

    # A first try without optimising takes a third of the time of a second one with it.
    excess = _SHARE * len(encoded(_FINEST, optimize=False)) / most
    scale = _FINEST * max(1.0, excess) ** (1 / _POWER)
    while len(data := encoded(min(scale, _COARSEST), optimize=True)) > most and scale < _COARSEST:
        scale *= 1.02 * (len(data) / most) ** (1 / _POWER)
    return data


def _storable(text: str) -> str:
    """Replace characters that UTF-8 cannot encode (from file names that are not valid text)."""
    return text.encode("utf-8", "replace").decode()
