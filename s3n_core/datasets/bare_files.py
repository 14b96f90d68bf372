"""Image files as Pillow's readers take them: without metadata over which they give up, or with the other scale of grey."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

_PNG_START = b"\x89PNG\r\n\x1a\n"
_KEPT_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})

_TIFF_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}  # not BigTIFF
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES, _EXTRA_SAMPLES, _YCBCR_FACTORS = 256, 257, 258, 262, 277, 338, 530
_PIXEL_TAGS = frozenset(
    {_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES, _EXTRA_SAMPLES, _YCBCR_FACTORS}
    | {
        254,
        259,
        266,
        273,
        274,
        278,
        279,
        284,
        292,
        293,
        301,
        317,
        320,
        322,
        323,
        324,
        325,
        332,
        339,
        347,
        529,
        531,
        532,
    }
)
"""Tags of TIFF that say where the pixels lie and what their values mean."""
_SHORT, _LONG = 3, 4
_SIZES = {_SHORT: 2, _LONG: 4}  # bytes
_ENTRY = 12  # bytes
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1
_GREYS = (_WHITE_IS_ZERO, _BLACK_IS_ZERO)
_LAB_SPACES = (8, 9, 10)
_MOST_ENTRIES = 4096


@dataclass(frozen=True, slots=True)
class TiffSamples:
    """How many values a pixel of a TIFF has, and what they are.

    Attributes:
        channels: Values of a pixel.
        photometric: What the first of them mean, as TIFF numbers it: 0 and 1 grey, 2 RGB, 5 CMYK, 6 YCbCr, 8 L*a*b*.
    """

    channels: int
    photometric: int

    @property
    def is_unmarked(self) -> bool:
        """Whether the image is grey by its header and has more than a value and an opacity."""
        return self.photometric in _GREYS and self.channels > 2

    @property
    def is_lab(self) -> bool:
        """Whether the colours are L*a*b*."""
        return self.photometric in _LAB_SPACES


def without_metadata(file: IO[bytes]) -> IO[bytes] | None:
    """Return a PNG or TIFF file with nothing but what its pixels need, in memory; None for other formats.

    Orientation is kept where it is whole. Damage of the pixels themselves stays as it is.
    """
    file.seek(0)
    data = file.read()
    if data.startswith(_PNG_START):
        return io.BytesIO(_bare_png(data))
    if data[:4] in _TIFF_ORDERS:
        bare = _bare_tiff(data)
        return None if bare is None else io.BytesIO(bare)
    return None


def tiff_samples(file: IO[bytes]) -> TiffSamples | None:
    """Return the channels of a TIFF file's first image; None if the header does not say. Moves the file's position."""
    tags = _samples_and_photometric(file)
    if tags is None:
        return None
    return TiffSamples(tags.get(_SAMPLES, (1, 0))[0], tags.get(_PHOTOMETRIC, (-1, 0))[0])


def black_is_zero(file: IO[bytes]) -> IO[bytes] | None:
    """Return a TIFF whose smallest value is white as one whose smallest value is black, in memory; None for other files.

    Its values stay as they are: whoever reads it turns them.
    """
    tags = _samples_and_photometric(file)
    meaning, place = (tags or {}).get(_PHOTOMETRIC, (-1, 0))
    if meaning != _WHITE_IS_ZERO:
        return None
    file.seek(0)
    data = bytearray(file.read())
    data[place] = _BLACK_IS_ZERO
    return io.BytesIO(data)


def _samples_and_photometric(file: IO[bytes]) -> dict[int, tuple[int, int]] | None:
    """Return value and place of the lowest byte of these tags of a TIFF's first image, by tag; None without a directory."""
    file.seek(0)
    head = file.read(8)
    order = _TIFF_ORDERS.get(head[:4])
    if order is None or len(head) < 8:
        return None
    (offset,) = struct.unpack(f"{order}I", head[4:])
    try:
        file.seek(offset)
        (count,) = struct.unpack(f"{order}H", file.read(2))
        directory = file.read(_ENTRY * min(count, _MOST_ENTRIES))
    except (OSError, struct.error):
        return None
    found = {}
    for start in range(0, len(directory) - _ENTRY + 1, _ENTRY):
        tag, kind = struct.unpack_from(f"{order}HH", directory, start)
        if tag in (_SAMPLES, _PHOTOMETRIC) and kind in _SIZES:
            (value,) = struct.unpack_from(f"{order}{'H' if kind == _SHORT else 'I'}", directory, start + 8)
            found[tag] = value, offset + 2 + start + 8 + (0 if order == "<" else _SIZES[kind] - 1)
    return found


def _bare_png(data: bytes) -> bytes:
    parts = [_PNG_START]
    for kind, chunk in _chunks(data):
        is_whole = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")
        if kind in _KEPT_CHUNKS or (kind == b"eXIf" and is_whole):
            parts.append(chunk)
    return b"".join(parts)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and bytes of each chunk of a PNG; the last one may be cut off."""
    place = len(_PNG_START)
    while place + 8 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        yield data[place + 4 : place + 8], data[place : place + 12 + length]
        place += 12 + length


def _bare_tiff(data: bytes) -> bytes | None:
    """Return a TIFF with a new directory of its first image at the end, which holds the pixels' tags alone."""
    order = _TIFF_ORDERS[data[:4]]
    try:
        (offset,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, offset)
        entries = [data[start : start + _ENTRY] for start in range(offset + 2, offset + 2 + _ENTRY * count, _ENTRY)]
        kept: dict[int, bytes] = {}
        for entry in entries:
            (tag,) = struct.unpack_from(f"{order}H", entry)
            if tag in _PIXEL_TAGS:
                kept.setdefault(tag, entry)
    except struct.error:
        return None
    place = len(data) + len(data) % 2
    directory = struct.pack(f"{order}H", len(kept)) + b"".join(kept[tag] for tag in sorted(kept)) + bytes(4)
    return data[:4] + struct.pack(f"{order}I", place) + data[8:].ljust(place - 8, b"\0") + directory
