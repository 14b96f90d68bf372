"""The formats of pictures; and pixels as the bytes of a PNG or JPEG file, with their resolution and where they come from."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Literal, get_args

from PIL import Image
from PIL.PngImagePlugin import PngInfo

PictureFormat = Literal["png", "jpeg", "pdf", "svg"]
"""PDF and SVG keep text and lines as such (`vector_files`)."""

PICTURE_FORMATS: tuple[PictureFormat, ...] = get_args(PictureFormat)
ENDINGS: dict[PictureFormat, str] = {"png": ".png", "jpeg": ".jpg", "pdf": ".pdf", "svg": ".svg"}

# Level 6 takes three times as long for files an eighth smaller (measured on sheets of photographs).
_PNG_LEVEL = 2
_JPEG_QUALITY = 93


def encode(
    picture: Image.Image, format: Literal["png", "jpeg"], *, dpi: float, about: Mapping[str, str] | None = None
) -> bytes:
    """Return a picture as a file's content.

    Args:
        picture: RGB.
        format: "png", or "jpeg" with full colour resolution (coloured marks stay sharp).
        dpi: Stored in the file, so that programs show and print it at the size meant.
        about: Facts stored in the file, by name; in a JPEG file as one comment.
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
        extra = {"comment": comment.encode()} if comment else {}
        picture.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0, dpi=(round(dpi), round(dpi)), **extra)
    return buffer.getvalue()


def _storable(text: str) -> str:
    """Replace what UTF-8 cannot carry (file names that are no valid text)."""
    return text.encode("utf-8", "replace").decode()
