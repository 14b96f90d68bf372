"""The shipped font inside files that a browser shows: the letters of western languages, and others that the file uses."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Iterable

from fontTools import subset
from fontTools.ttLib import TTFont

from s3n_core.system.resources import resource

FAMILY = "Inter"

# In every file, so that most need no subset of their own: choosing the letters takes half a second, for the kerning.
_ALWAYS = frozenset(chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x180))) | frozenset("–—‘’“”…≤≥×·δ✓✗→±")


def font_face(letters: Iterable[str], bold: bool) -> str:
    """Return a style rule that brings Inter with the letters given, in ordinary or bold weight.

    Letters that it lacks are left to the reader's own fonts. Tabular figures and kerning are kept.
    """
    return _font_face(frozenset(letters) - _ALWAYS, bold)


@functools.lru_cache(maxsize=32)
def _font_face(more: frozenset[str], bold: bool) -> str:
    font = TTFont(resource(f"lettering/Inter-{'SemiBold' if bold else 'Regular'}.ttf"), recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = ["kern", "tnum"]
    options.name_IDs = []
    options.notdef_outline = True
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=sorted(map(ord, _ALWAYS | more)))
    subsetter.subset(font)
    font.flavor = "woff"
    buffer = io.BytesIO()
    font.save(buffer)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    weight = 700 if bold else 400
    source = f'url(data:font/woff;base64,{data}) format("woff")'
    return f'@font-face{{font-family:"{FAMILY}";font-weight:{weight};src:{source}}}'
