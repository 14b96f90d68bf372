"""Image formats, and encoding of images as PNG or JPEG with resolution and metadata."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Literal, get_args

from PIL import Image
from PIL.PngImagePlugin import PngInfo

PictureFormat = Literal["png", "jpeg", "pdf", "svg"]
"""PDF and SVG keep text and lines as vectors (`vector_files`)."""

PICTURE_FORMATS: tuple[PictureFormat, ...] = get_args(PictureFormat)
ENDINGS: dict[PictureFormat, str] = {"png": ".png", "jpeg": ".jpg", "pdf": ".pdf", "svg": ".svg"}

# Level 6 takes three times as long and makes files an eighth smaller (measured on sheets of photographs).
_PNG_LEVEL = 2
_JPEG_QUALITY = 93


def encode(
    picture: Image.Image, format: Literal["png", "jpeg"], *, dpi: float, about: Mapping[str, str] | None = None
) -> bytes:
    """Encode an image.

    Args:
        picture: The RGB image.
        format: "png", or "jpeg" without chroma subsampling, which keeps coloured marks sharp.
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
        extra = {"comment": comment.encode()} if comment else {}
        picture.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0, dpi=(round(dpi), round(dpi)), **extra)
    return buffer.getvalue()


def _storable(text: str) -> str:
    """Replace characters that UTF-8 cannot encode (from file names that are not valid text)."""
    return text.encode("utf-8", "replace").decode()
