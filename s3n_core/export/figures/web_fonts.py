"""Embedding the bundled font in SVG and HTML: letters of western languages, and other letters that the file uses."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Iterable

from fontTools import subset
from fontTools.ttLib import TTFont

from s3n_core.system.resources import resource

FAMILY = "Inter"

# In every file, so that most files share one subset: subsetting takes half a second, because of the kerning.
_ALWAYS = frozenset(chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x180))) | frozenset("−–—‘’“”…≤≥×·δ✓✗→±")


def font_face(letters: Iterable[str], bold: bool) -> str:
    """Return a ``@font-face`` rule that embeds Inter with the given letters, in regular or bold weight.

    The browser's own fonts provide letters that Inter lacks. Tabular figures and kerning are kept.
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
