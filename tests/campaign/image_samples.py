"""Small images in every format that this Pillow can write and read, in all variants that are decoded differently."""

import io
import warnings
from functools import cache
from typing import Any

import numpy as np
from PIL import ExifTags, Image

_WIDTH, _HEIGHT = 96, 64


def picture() -> Image.Image:
    """An image with gradients, edges and noise, so that compressed files are not trivially short."""
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    noise = np.random.default_rng(0).integers(0, 40, (_HEIGHT, _WIDTH))
    channels = [x * 2 + noise, 200 - y * 2 + noise, np.where((x - 48) ** 2 + (y - 32) ** 2 < 400, 200, 30) + noise]
    return Image.fromarray(np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8))


@cache
def samples() -> dict[str, bytes]:
    """Return the image files by name, without formats that this Pillow cannot write."""
    rgb = picture()
    found: dict[str, bytes] = {}
    Image.init()
    for name in sorted(set(Image.OPEN) & set(Image.SAVE)):
        for mode in ("RGB", "P", "1"):
            if data := _saved(rgb.convert(mode), name):
                found[name] = data
                break
    orientation = Image.Exif()
    orientation[ExifTags.Base.Orientation] = 6
    grey16 = Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 257)
    frames: dict[str, Any] = {"save_all": True, "append_images": [rgb.rotate(90), rgb.rotate(180)]}
    forms: list[tuple[str, Image.Image, str, dict[str, Any]]] = [
        ("JPEG progressive", rgb, "JPEG", {"progressive": True, "quality": 90}),
        ("JPEG sideways", rgb, "JPEG", {"exif": orientation}),
        ("JPEG CMYK", rgb.convert("CMYK"), "JPEG", {}),
        ("JPEG grey", rgb.convert("L"), "JPEG", {}),
        ("PNG 16 bits", grey16, "PNG", {}),
        ("PNG palette", rgb.quantize(32), "PNG", {"transparency": 3}),
        ("PNG transparent", _transparent(rgb), "PNG", {"exif": orientation}),
        ("PNG animated", rgb, "PNG", frames),
        ("GIF animated", rgb.quantize(64), "GIF", {"save_all": True, "append_images": [rgb.rotate(180).quantize(64)]}),
        ("WEBP lossless", _transparent(rgb), "WEBP", {"lossless": True}),
        ("WEBP animated", rgb, "WEBP", frames),
        ("TIFF LZW", rgb, "TIFF", {"compression": "tiff_lzw"}),
        ("TIFF deflate", rgb, "TIFF", {"compression": "tiff_adobe_deflate"}),
        ("TIFF JPEG", rgb, "TIFF", {"compression": "jpeg"}),
        ("TIFF fax", rgb.convert("1"), "TIFF", {"compression": "group4"}),
        ("TIFF 16 bits", grey16, "TIFF", {}),
        ("TIFF float", rgb.convert("F"), "TIFF", {"exif": orientation}),
        ("TIFF pages", rgb, "TIFF", frames),
        ("PPM grey 16 bits", grey16, "PPM", {}),
        ("PPM bits", rgb.convert("1"), "PPM", {}),
        ("JPEG2000 tiled", rgb, "JPEG2000", {"tile_size": (32, 32)}),
        ("AVIF transparent", _transparent(rgb), "AVIF", {}),
    ]
    for name, image, format, options in forms:
        if data := _saved(image, format, **options):
            found[name] = data
    return found


def _transparent(image: Image.Image) -> Image.Image:
    image = image.copy()
    image.putalpha(image.getchannel("R"))
    return image


def _saved(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    try:
        # Formats that Pillow has deprecated are samples until it drops them.
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            image.save(file, format, **options)
    except (OSError, ValueError, KeyError):  # a format that needs a missing program or library
        return b""
    return file.getvalue()
