"""Writing frames as a flicker-free GIF: one palette for all frames, and dithering that depends only on the position."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

_COLOURS = 255  # plus one for unchanged pixels
_SPREAD = 8.0  # of 256 levels; about the distance between neighbouring palette colours
_BAYER = np.array(
    [
        [0, 32, 8, 40, 2, 34, 10, 42],
        [48, 16, 56, 24, 50, 18, 58, 26],
        [12, 44, 4, 36, 14, 46, 6, 38],
        [60, 28, 52, 20, 62, 30, 54, 22],
        [3, 35, 11, 43, 1, 33, 9, 41],
        [51, 19, 59, 27, 49, 17, 57, 25],
        [15, 47, 7, 39, 13, 45, 5, 37],
        [63, 31, 55, 23, 61, 29, 53, 21],
    ]
)


def common_palette(frames: Sequence[Image.Image], fixed: Sequence[str]) -> Image.Image:
    """Return a palette image for `gif_bytes`: some fixed colours, the others chosen from the frames.

    Args:
        frames: Some of the animation's frames, RGB.
        fixed: Colours that must be exact, as ``#RRGGBB``: backgrounds, text, marks.
    """
    first = [ImageColor.getrgb(colour)[:3] for colour in dict.fromkeys(fixed)]
    pixels = np.concatenate([np.asarray(frame).reshape(-1, 3) for frame in frames]) & 0xF8 | 4
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    # A colour close to a fixed one needs no entry and would be mistaken for it.
    apart = np.abs(colours[:, None].astype(int) - np.array(first)[None]).max(axis=-1).min(axis=1) > 8
    colours, counts = colours[apart], counts[apart]
    # Rare colours get extra weight: a mark or a map's maximum is small but matters more than a background.
    weighed = np.repeat(colours, np.ceil(counts**0.65).astype(np.intp), axis=0)
    chosen = Image.fromarray(weighed[None]).quantize(_COLOURS - len(first), method=Image.Quantize.MEDIANCUT)
    found = (chosen.getpalette() or [])[: 3 * (_COLOURS - len(first))]
    result = Image.new("P", (1, 1))
    result.putpalette([channel for colour in first for channel in colour] + found)
    return result


def gif_bytes(
    frames: Iterable[Image.Image], palette: Image.Image, milliseconds: Sequence[int], comment: str = ""
) -> bytes:
    """Return a GIF that loops forever.

    Args:
        frames: RGB images of the same size; consumed one by one.
        palette: The result of `common_palette`.
        milliseconds: Duration of each frame.
        comment: Stored in the file, if it is not empty.
    """
    changes = _changes(frames, palette)
    first = next(changes)
    buffer = io.BytesIO()
    first.save(
        buffer,
        "GIF",
        save_all=True,
        append_images=changes,
        duration=list(milliseconds),
        loop=0,
        optimize=False,
        disposal=1,
        transparency=_COLOURS,
        **({"comment": comment.encode("utf-8", "replace")} if comment else {}),
    )
    return buffer.getvalue()


def _changes(frames: Iterable[Image.Image], palette: Image.Image) -> Iterator[Image.Image]:
    """Map frames to the palette; after the first, unchanged pixels are transparent, which compresses well."""
    exact = np.array(palette.getpalette() or []).reshape(-1, 3)
    before: NDArray[np.uint8] | None = None
    for frame in frames:
        reduced = _reduced(frame, palette, exact)
        indices = np.asarray(reduced)
        if before is not None:
            reduced.putdata(np.where(indices == before, _COLOURS, indices).ravel())
        before = indices
        yield reduced


def _reduced(frame: Image.Image, palette: Image.Image, exact: NDArray[np.int64]) -> Image.Image:
    """Map a frame to the palette; a pixel that does not change between frames keeps its colour."""
    pixels = np.asarray(frame, dtype=np.float32)
    height, width = pixels.shape[:2]
    pattern = np.tile(_BAYER / 63 - 0.5, (height // 8 + 1, width // 8 + 1))[:height, :width]
    dithered = np.clip(pixels + _SPREAD * pattern[..., None], 0, 255)
    # Colours that are in the palette, such as the background, are not dithered.
    code = pixels.astype(np.int64) @ (65536, 256, 1)
    plain = np.isin(code, exact @ (65536, 256, 1))
    dithered[plain] = pixels[plain]
    return Image.fromarray(dithered.astype(np.uint8)).quantize(palette=palette, dither=Image.Dither.NONE)
