"""Opening an image file with the format reader that its first bytes name: among a fixed set, without Pillow's global state.

Pillow's own ``Image.open`` warns of large images and asks every reader that any module has registered. Readers that start
other programs (EPS) are never called. HEIC is read by pillow-heif (the extra ``heic``), which is not registered either.
"""

from __future__ import annotations

import contextlib
import importlib.util
import struct
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar, cast

from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from s3n_core.datasets.bare_files import black_is_zero, tiff_samples, without_metadata
from s3n_core.datasets.file_formats import HEIC, HEIC_REMEDY, SIGNATURE, format_of, suffix_of
from s3n_core.errors import UnreadableImage

MOST_CHANNELS = 4

_FORMATS = [
    JpegImagePlugin.JpegImageFile.format,
    PngImagePlugin.PngImageFile.format,
    WebPImagePlugin.WebPImageFile.format,
    GifImagePlugin.GifImageFile.format,
    BmpImagePlugin.BmpImageFile.format,
    TiffImagePlugin.TiffImageFile.format,
    PpmImagePlugin.PpmImageFile.format,
    Jpeg2KImagePlugin.Jpeg2KImageFile.format,
]
with contextlib.suppress(ImportError):  # Pillow has it since 11.3
    from PIL import AvifImagePlugin

    _FORMATS.append(AvifImagePlugin.AvifImageFile.format)

_TGA_SUFFIX = ".tga"
_TGA_FLAGS, _TGA_ALPHA_BITS = 17, 0x0F
_NOT_THIS_FORMAT = (SyntaxError, IndexError, TypeError, struct.error)

_Result = TypeVar("_Result")


def is_decoded(format: str) -> bool:
    """Return whether this installation reads a format that `format_of` names."""
    return _has_heic_reader() if format == HEIC else format in _FORMATS


def use_image(path: Path, file: IO[bytes], use: Callable[[ImageFile.ImageFile], _Result]) -> _Result:
    """Open an image and use it; if that fails and its metadata may be why, once more without them.

    Args:
        path: What the file is called; its suffix tells TGA, which has no signature.
        file: The file, at its beginning.
        use: Gets the image with its header read, and decodes as much as it needs. Called a second time if it fails.

    Raises:
        UnreadableImage: The image has channels that no rule turns into colours, or `use` says so.
        Exception: Pillow's readers raise almost any type for malformed files.
    """
    try:
        with _opened(path, file) as image:
            return use(image)
    except UnreadableImage:
        raise
    except Exception as error:
        bare = without_metadata(file)
        if bare is None:
            raise
        try:
            with _opened(path, bare) as image:
                return use(image)
        except UnreadableImage:
            raise
        except Exception:
            raise error from None


def _opened(path: Path, file: IO[bytes]) -> ImageFile.ImageFile:
    """Read the header, like ``Image.open``."""
    prefix = file.read(SIGNATURE)
    file.seek(0)
    format = format_of(prefix)
    if format == HEIC:
        return _opened_heic(path, file)
    if format is None and suffix_of(path.name) == _TGA_SUFFIX:
        return _opened_tga(file, prefix)
    if format == TiffImagePlugin.TiffImageFile.format:
        _check_samples(path, file)
    for name in _FORMATS:
        factory, accept = Image.OPEN[name]
        accepted = accept is None or accept(prefix)
        if accepted and not isinstance(accepted, str):  # a string says why this Pillow lacks the format
            file.seek(0)
            with contextlib.suppress(*_NOT_THIS_FORMAT):
                return factory(file, "")
    turned = black_is_zero(file) if format == TiffImagePlugin.TiffImageFile.format else None
    if turned is None:
        raise UnidentifiedImageError
    return _opened_white_is_zero(turned)


def _opened_white_is_zero(turned: IO[bytes]) -> ImageFile.ImageFile:
    """Open a TIFF in which white is 0 with values that Pillow knows only with black as 0: 16 bits in big-endian order.

    Args:
        turned: Its file, with black as 0. The image says that white is 0, as Pillow's own image of such a file does.
    """
    try:
        image = TiffImagePlugin.TiffImageFile(turned, "")
    except _NOT_THIS_FORMAT:
        raise UnidentifiedImageError from None
    image.tag_v2[ExifTags.Base.PhotometricInterpretation] = 0
    return image


def _opened_tga(file: IO[bytes], prefix: bytes) -> ImageFile.ImageFile:
    try:
        image = TgaImagePlugin.TgaImageFile(file, "")
    except _NOT_THIS_FORMAT:
        raise UnidentifiedImageError from None
    if image.mode == "RGBA" and not prefix[_TGA_FLAGS] & _TGA_ALPHA_BITS:
        # The fourth byte is padding, often 0: as opacity it would make the whole image disappear.
        image._mode = "RGB"
        image.tile = [tile._replace(args=_without_alpha(tile.args)) for tile in image.tile]
    return image


def _without_alpha(arguments: object) -> tuple[object, ...]:
    layout, *rest = cast("tuple[object, ...]", arguments)
    return ("BGRX" if layout == "BGRA" else layout, *rest)


def _has_heic_reader() -> bool:
    return importlib.util.find_spec("pillow_heif") is not None


def _opened_heic(path: Path, file: IO[bytes]) -> ImageFile.ImageFile:
    if not _has_heic_reader():
        raise UnreadableImage(path, f"it is a HEIC photograph; to read these, run: {HEIC_REMEDY}")
    from pillow_heif import HeifImageFile  # an extra, and slow to load

    return cast("ImageFile.ImageFile", HeifImageFile(file, ""))


def _check_samples(path: Path, file: IO[bytes]) -> None:
    """Refuse a TIFF whose channels have no meaning here: more than four, or several that are not marked as colours.

    Raises:
        UnreadableImage: With the number of channels.
    """
    found = tiff_samples(file)
    file.seek(0)
    if found is None:
        return
    if found.channels > MOST_CHANNELS:
        reason = f"it has {found.channels} channels, and at most {MOST_CHANNELS} are read"
    elif found.is_unmarked:
        reason = f"it has {found.channels} channels that are not marked as colours"
    elif found.is_lab:
        raise UnreadableImage(path, "its colours are CIE L*a*b*, which are not read: save it as RGB")
    else:
        return
    raise UnreadableImage(path, f"{reason}: save the three that are to be red, green and blue as an RGB image")
