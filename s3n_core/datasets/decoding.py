"""The single image decoder of engine and window, so that the user sees what the network sees.

Any supported file becomes an upright 8-bit RGB image: the EXIF orientation is applied, transparency is composited onto
white, values of more than 8 bits are scaled by the range that the caller passes (a model's), the first frame of an
animation is used, and a banner below the photograph is cut off if the caller gives its height. Colour profiles are not
applied. A broken file raises ``UnreadableImage`` with a reason; it is never padded or repaired silently.

No global state of Pillow is read or changed: the pixel limit is our own and is checked against the header, before any
pixel is decoded. ``Image.open`` warns from half that limit, so Pillow's format readers are called directly. Readers
that start other programs (EPS) are never called.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from s3n_core.datasets.file_formats import SIGNATURE, format_of
from s3n_core.datasets.image_opening import use_image
from s3n_core.datasets.value_ranges import NO_RANGES, ValueCounts, ValueRanges, range_of, scaled
from s3n_core.datasets.wide_values import WideValues, has_planes, is_white_zero, wide_kind, wide_values
from s3n_core.errors import UnreadableImage

PIXEL_LIMIT = 178_956_970
"""Largest number of pixels that a header may declare. Pillow, too, refuses more by default (683 MiB in memory)."""

_NARROW_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpe", ".jpeg", ".jpg", ".mpo", ".pbm", ".ppm", ".webp"}
)  # files of which Pillow returns 8 bits, whatever they hold
_WIDE_FORMATS = frozenset(
    {"TIFF", "PPM", "JPEG2000"}
)  # whose headers must be read; a PNG's depth is in its first bytes
_PNG_DEPTH = 24

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset({5, 6, 7, 8})

_TRANSPARENT_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_LADDER = (255.0, 65535.0, 2147483647.0)


def read_image(
    path: Path,
    *,
    banner: int = 0,
    pixel_limit: int = PIXEL_LIMIT,
    ranges: ValueRanges = NO_RANGES,
    own_range: bool = False,
    seen: Callable[[WideValues], None] | None = None,
) -> Image.Image:
    """Decode an image file.

    Args:
        path: The file.
        banner: Rows to cut off at the lower edge of the upright image (`ImageRecord.banner`); an image that is no
            higher than that is not cut.
        pixel_limit: Largest number of pixels that the header may declare.
        ranges: Ranges of values of more than 8 bits. Without one, whole numbers are scaled by 65535, and colours are
            reduced to their upper byte.
        own_range: Find the range of such values in the image itself where ``ranges`` has none for their kind: for thumbnails
            and whatever else is looked at, not learned from.
        seen: Called with the values of an image that has more than 8 bits.

    Returns:
        An upright image of mode RGB without metadata.

    Raises:
        UnreadableImage: The file is missing, empty, truncated, too large, or not an image; the reason says which.
    """

    def decoded(image: ImageFile.ImageFile) -> Image.Image:
        _check_size(path, image.size, pixel_limit)
        wanted = bool(ranges) or own_range or seen is not None or has_planes(image)
        wide = _wide_values(path, image) if wanted else None  # before the pixels are decoded
        alone = own_range and wide is not None and ranges.of(wide.kind) is None
        rgb = _upright_rgb(path, image, wide, _own_ranges(wide) if alone and wide is not None else ranges)
        if wide is not None and seen is not None:
            seen(wide)
        return rgb

    try:
        with _open_regular_file(path) as file:
            whole = use_image(path, file, decoded)
        rows = _without(banner, whole.height)
        result = whole if rows == whole.height else whole.crop((0, 0, whole.width, rows))
        result.info = {}  # else a later save would store the orientation that has just been applied
        return result
    except UnreadableImage:
        raise
    except Exception as error:  # Pillow's format readers raise almost any type on malformed input
        raise UnreadableImage(path, _reason(error)) from error


def upright_rgb(image: Image.Image | NDArray[np.uint8], path: Path, *, ranges: ValueRanges = NO_RANGES) -> Image.Image:
    """Convert an image in memory to what `read_image` returns for a file.

    Args:
        image: A Pillow image of any mode, or RGB pixels, uint8, shape (h, w, 3).
        path: Name of the image in error messages.
        ranges: As in `read_image`.

    Raises:
        UnreadableImage: It has no pixels, or its data are damaged.
        ValueError: The array has another shape or type.
    """
    if not isinstance(image, Image.Image):
        pixels = np.asarray(image)
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ValueError(f"pixels must be uint8 of shape (h, w, 3), not {pixels.dtype} of shape {pixels.shape}")
        if not pixels.size:
            raise UnreadableImage(path, f"it is only {pixels.shape[1]} x {pixels.shape[0]} pixels")
        return Image.fromarray(pixels)
    try:
        _check_size(path, image.size, PIXEL_LIMIT)
        wide = _wide_values(path, image) if ranges or has_planes(image) else None
        result = _upright_rgb(path, image, wide, ranges)
    except UnreadableImage:
        raise
    except Exception as error:  # Pillow reads the pixels of an open file only now
        raise UnreadableImage(path, _reason(error)) from error
    if result is image:
        result = image.copy()
    result.info = {}
    return result


def image_size(path: Path, *, banner: int = 0, pixel_limit: int = PIXEL_LIMIT) -> tuple[int, int]:
    """Return (width, height) in pixels of the upright image without its banner, from the file's header alone.

    An EXIF block after a PNG's pixels is ignored; writers put it before them.

    Raises:
        UnreadableImage: As ``read_image``, except for damage after the header.
    """

    def upright_size(image: ImageFile.ImageFile) -> tuple[int, int]:
        _check_size(path, image.size, pixel_limit)
        width, height = image.size
        # Pillow's TIFF reader has swapped the sides already.
        is_sideways = image.format != "TIFF" and _orientation(image) in _SIDEWAYS
        return (height, width) if is_sideways else (width, height)

    try:
        with _open_regular_file(path) as file:
            width, height = use_image(path, file, upright_size)
            return (width, _without(banner, height))
    except UnreadableImage:
        raise
    except Exception as error:
        raise UnreadableImage(path, _reason(error)) from error


def _without(banner: int, height: int) -> int:
    return height - banner if height > banner else height


def _open_regular_file(path: Path) -> IO[bytes]:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableImage(path, "it is a folder, not an image")
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for a writer forever
        raise UnreadableImage(path, "it is not a regular file")
    if status.st_size == 0:
        raise UnreadableImage(path, "the file is empty")
    return path.open("rb")


def has_wide_values(path: Path) -> bool:
    """Return whether an image has more than 8 bits per value, from the header of a file whose suffix allows it.

    False for a file that cannot be read: decoding it gives the reason.
    """
    if path.suffix.lower() in _NARROW_SUFFIXES:
        return False
    try:
        with _open_regular_file(path) as file:
            prefix = file.read(SIGNATURE)
            format = format_of(prefix)
            if format == "PNG":
                return prefix[_PNG_DEPTH : _PNG_DEPTH + 1] == b"\x10"  # 16 bits
            if format not in _WIDE_FORMATS:
                return False
            file.seek(0)
            return use_image(path, file, wide_kind) is not None
    except Exception:  # Pillow's format readers raise almost any type on malformed input
        return False


def read_wide_values(path: Path, *, pixel_limit: int = PIXEL_LIMIT) -> WideValues | None:
    """Return the values of an image that has more than 8 bits, as its file stores them; None of an image that has not.

    Raises:
        UnreadableImage: As `read_image`.
    """

    def values(image: ImageFile.ImageFile) -> WideValues | None:
        _check_size(path, image.size, pixel_limit)
        return _wide_values(path, image)

    try:
        with _open_regular_file(path) as file:
            return use_image(path, file, values)
    except UnreadableImage:
        raise
    except Exception as error:
        raise UnreadableImage(path, _reason(error)) from error


def _wide_values(path: Path, image: Image.Image) -> WideValues | None:
    wide = wide_values(image)
    if wide is not None and not np.isfinite(wide.values).any():
        raise UnreadableImage(path, "none of its values is a finite number")
    return wide


def _upright_rgb(
    path: Path, image: Image.Image, wide: WideValues | None = None, ranges: ValueRanges = NO_RANGES
) -> Image.Image:
    planes = has_planes(image)
    image.load()
    upright = _UPRIGHT.get(_orientation(image))
    rgb = None if wide is None else _ranged_rgb(wide, ranges, planes=planes)
    if rgb is None:
        rgb = _to_rgb(path, image)
    return rgb if upright is None else rgb.transpose(upright)


def _check_size(path: Path, size: tuple[int, int], pixel_limit: int) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise UnreadableImage(path, f"it declares {width} x {height} pixels")
    if width * height > pixel_limit:
        raise UnreadableImage(path, f"it declares {width} x {height} pixels, more than the limit of {pixel_limit}")


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation; 1 (upright) if there is none or the EXIF block is damaged."""
    try:
        # The base class's method: PNG's own would decode the whole image to look for a block after the pixels.
        value = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except Exception:  # a damaged EXIF block does not affect the pixels
        return 1
    return value if isinstance(value, int) else 1


def _to_rgb(path: Path, image: Image.Image) -> Image.Image:
    mode = image.mode
    if mode == "RGB" and "transparency" not in image.info:
        return image
    if mode == "F" or mode.startswith("I"):
        return _scaled_to_8_bits(path, image).convert("RGB")
    if mode in _TRANSPARENT_MODES or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _own_ranges(wide: WideValues) -> ValueRanges:
    counts = ValueCounts()
    counts.add(wide.values)
    found = range_of(counts, wide.kind)
    return ValueRanges(integers=found) if wide.kind == "integers" else ValueRanges(floats=found)


def _ranged_rgb(wide: WideValues, ranges: ValueRanges, *, planes: bool) -> Image.Image | None:
    """Return values scaled by their range, or None where there is none and Pillow reads the image well enough."""
    found = ranges.of(wide.kind) or ((0.0, 65535.0) if planes else None)
    if found is None:
        return None
    rgb = Image.fromarray(scaled(wide.values, found, inverted=wide.inverted)).convert("RGB")
    if wide.alpha is None:
        return rgb
    white = Image.new("RGB", rgb.size, "white")
    return Image.composite(rgb, white, Image.fromarray(wide.alpha))


def _scaled_to_8_bits(path: Path, image: Image.Image) -> Image.Image:
    """Scale a one-channel image of more than 8 bits to 0 ... 255 by the range of its type, if no other range is known.

    16-bit images are scaled by 65535. 32-bit integers and floats have no fixed range in practice, so theirs is the
    smallest of 1 (floats only), 255, 65535 and 2^31 - 1 that no value exceeds. If there are negative or still larger
    values, it is the image's own minimum and maximum. Where a file says that its smallest value is white, low is white.
    """
    values = np.asarray(image).astype(np.float64)  # (H, W)
    finite = np.isfinite(values)
    if not finite.any():
        raise UnreadableImage(path, "none of its values is a finite number")
    low, high = 0.0, 65535.0
    least, largest = float(values[finite].min()), float(values[finite].max())
    if not image.mode.startswith("I;16") and image.format not in ("PNG", "PPM"):  # those two hold at most 16 bits
        ladder = (1.0, *_LADDER) if image.mode == "F" else _LADDER
        fitting = [top for top in ladder if largest <= top]
        low, high = (0.0, fitting[0]) if least >= 0 and fitting else (least, largest)
    scaled = (np.where(finite, values, low) - low) * 255.0 / ((high - low) or 1.0)
    pixels = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return Image.fromarray(255 - pixels if is_white_zero(image) else pixels)


def _reason(error: Exception) -> str:
    """Return why decoding failed, as a clause."""
    if isinstance(error, UnidentifiedImageError):
        return "it is not an image of a known format"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"it declares more pixels than the limit of {PIXEL_LIMIT}"
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it"
    if isinstance(error, OSError) and error.errno is not None:
        if error.errno == errno.ENOENT:
            return "the file does not exist"
        if error.errno in (errno.EACCES, errno.EPERM):
            return "there is no permission to read it"
        return f"it cannot be read ({error.strerror})"
    if "truncated" in str(error).lower():
        return "the file is truncated"
    return f"it cannot be decoded ({type(error).__name__}: {' '.join(str(error).split())})"
