"""Text in figures: choosing fonts that have the characters.

Inter is bundled with the program and DejaVu Sans with matplotlib, so figures look the same on every machine. Characters
that both lack (Chinese, Devanagari, ...) are drawn in any installed font that has them. A character that no font has is
drawn as a small box, which the caller can report.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import RendererAgg
from numpy.typing import NDArray

from s3n_core.system.resources import resource

BASE_FONTS = ("Inter", "DejaVu Sans")
UNDRAWABLE = "\u25af"  # a small upright box, which DejaVu Sans has

# Tried first, because they have wide coverage and match Inter; then any other installed font.
_PREFERRED = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "PingFang HK",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Nirmala UI",
    "Leelawadee UI",
    "Ebrima",
    "Noto Sans",
    "Segoe UI",
)
_UNSUITABLE = re.compile(r"emoji|last ?resort|symbol|dingbats|math|icons?$", re.IGNORECASE)
_MOST_FONTS = 400  # fonts searched for a missing character, so that a machine with thousands does not stall an export

_RENDERER: Any = RendererAgg  # its methods carry no types

# Control characters would break the line or vanish; a lone surrogate represents a byte that is not a character.
_NO_LETTER = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


@functools.lru_cache(maxsize=8192)
def drawable(text: str) -> str:
    """Return ``text`` as one line, with characters that cannot be drawn here replaced by small boxes."""
    text = one_line(text)
    if text.isascii():
        return text
    missing = {letter for letter in text if not _in_base(letter)}
    if not missing:
        return text
    for family in families(text):
        missing = {letter for letter in missing if ord(letter) not in _letters_of(family)}
    return "".join(UNDRAWABLE if letter in missing else letter for letter in text)


def one_line(text: str) -> str:
    """Return ``text`` with control and invalid characters replaced: one line that every file format can store."""
    return _NO_LETTER.sub("\ufffd", text)


def families(text: str) -> tuple[str, ...]:
    """Return the font families that together cover ``text`` as far as possible, bundled ones first."""
    if text.isascii():
        return BASE_FONTS
    return _families(frozenset(letter for letter in text if not _in_base(letter)))


@functools.lru_cache(maxsize=512)
def _families(missing: frozenset[str]) -> tuple[str, ...]:
    chosen = [*BASE_FONTS]
    left = {ord(letter) for letter in missing if not _NO_LETTER.match(letter)}
    for family in _other_families():
        if not left:
            break
        if found := left & _letters_of(family):
            chosen.append(family)
            left -= found
    return tuple(chosen)


@functools.lru_cache(maxsize=4096)
def font(size: float, bold: bool = False, chosen: tuple[str, ...] = BASE_FONTS) -> font_manager.FontProperties:
    """Return matplotlib's description of a font of ``size`` points."""
    _known_fonts()
    return font_manager.FontProperties(family=list(chosen), size=size, weight="bold" if bold else "normal")


class TextMask(NamedTuple):
    """A rendered line of text.

    Attributes:
        coverage: How much of each pixel is covered, uint8 (h, w), read-only.
        left: Pixels from its left edge to the place where the text begins.
        above: Pixels from its upper edge to the baseline.
    """

    coverage: NDArray[np.uint8]
    left: int
    above: int


def text_width(text: str, size: float, bold: bool, dpi: float) -> float:
    """Return the width of a line of drawable text in points, as it is on a page of ``dpi`` pixels per inch."""
    return _extent(text, size, bold, dpi)[0] * 72 / dpi


@functools.lru_cache(maxsize=4096)
def text_mask(text: str, size: float, bold: bool, dpi: float) -> TextMask:
    """Render a line of drawable text that begins at a whole pixel, with its baseline between two rows of pixels."""
    width, height, descent = _extent(text, size, bold, dpi)
    around = 2 + int(size * dpi / 72 / 2)  # italics and accents extend beyond the measured box
    left, above = around, around + int(height - descent) + 1
    renderer = _RENDERER(left + int(width) + 1 + around, above + int(max(descent, 0)) + 1 + around, dpi)
    context = renderer.new_gc()
    context.set_foreground("black")
    renderer.draw_text(context, left, above, text, font(size, bold, families(text)), 0)
    coverage: NDArray[np.uint8] = np.asarray(renderer.buffer_rgba())[..., 3]
    rows, columns = np.flatnonzero(coverage.any(axis=1)), np.flatnonzero(coverage.any(axis=0))
    if not len(rows):  # only spaces
        return TextMask(np.zeros((0, 0), dtype=np.uint8), 0, 0)
    part = coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
    part.flags.writeable = False
    return TextMask(part, left - int(columns[0]), above - int(rows[0]))


# Most texts of an export repeat from sheet to sheet, and laying one out takes as long as drawing twenty.
@functools.lru_cache(maxsize=8192)
def _extent(text: str, size: float, bold: bool, dpi: float) -> tuple[float, float, float]:
    """Return the width, height and descent of a line of text in pixels."""
    if not text:
        return 0.0, 0.0, 0.0
    renderer = _RENDERER(1, 1, dpi)
    width, height, descent = renderer.get_text_width_height_descent(text, font(size, bold, families(text)), False)
    return float(width), float(height), float(descent)


def _in_base(letter: str) -> bool:
    return letter.isascii() or any(ord(letter) in _letters_of(family) for family in BASE_FONTS)


@functools.lru_cache(maxsize=_MOST_FONTS)
def _letters_of(family: str) -> frozenset[int]:
    try:
        return frozenset(font_manager.get_font(_faces()[family]).get_charmap())
    except (KeyError, RuntimeError, OSError):  # not installed, or not readable by FreeType
        return frozenset()


@functools.lru_cache(maxsize=1)
def _known_fonts() -> list[font_manager.FontEntry]:
    """Return matplotlib's list of fonts, with Inter added to it."""
    known = font_manager.fontManager.ttflist
    for weight, face in ((400, "Regular"), (700, "SemiBold")):
        # Registered explicitly as bold: matplotlib would take it for a separate family and warn about its weight.
        path = str(resource(f"lettering/Inter-{face}.ttf"))
        known.insert(0, font_manager.FontEntry(fname=path, name=BASE_FONTS[0], weight=weight, size="scalable"))
    return known


@functools.lru_cache(maxsize=1)
def _faces() -> dict[str, str]:
    """Return an upright file of regular weight for every installed family that has one."""
    order = sorted(_known_fonts(), key=lambda entry: (entry.style != "normal", str(entry.weight) != "400"))
    return {entry.name: entry.fname for entry in reversed(order)}


def _other_families() -> Iterator[str]:
    installed = set(_faces())
    preferred = [name for name in _PREFERRED if name in installed]
    yield from preferred
    rest = sorted(name for name in installed.difference(preferred) if not name.startswith("DejaVu"))
    yield from [name for name in rest if not _UNSUITABLE.search(name)][:_MOST_FONTS]
