"""Writing a page as PDF or SVG: text and shapes as vectors, photographs and maps as embedded images.

The output is reproducible: files contain no date, and ids inside an SVG depend only on its content.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from typing import Any, Literal

import matplotlib
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.text import Text

from s3n_core.export.figures.canvas import Canvas
from s3n_core.export.figures.lettering import one_line
from s3n_core.export.figures.web_fonts import font_face

VectorFormat = Literal["pdf", "svg"]

# Type 42 embeds TrueType fonts unchanged: the text is editable, and publishers that reject Type 3 fonts accept it.
_SETTINGS: Any = {"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "s3n"}
_settings_lock = threading.Lock()  # matplotlib's rcParams are global
_STYLE = b'<style type="text/css">'


def vector_bytes(page: Canvas, format: VectorFormat, about: Mapping[str, str]) -> bytes:
    """Return a page as the content of a file.

    Args:
        page: The page; its dpi is the resolution of embedded images.
        format: "pdf" or "svg".
        about: Metadata to store, by name: "Title" and "Software" in their own fields, the others as a description.
    """
    facts = {name: one_line(text) for name, text in about.items() if text}
    known = {"Title": facts.pop("Title", ""), "Creator": facts.pop("Software", "")}
    rest = "; ".join(f"{name}: {text}" for name, text in facts.items())
    known |= {"Subject" if format == "pdf" else "Description": rest}
    metadata = {name: text for name, text in known.items() if text}
    buffer = io.BytesIO()
    canvas: Any = (FigureCanvasPdf if format == "pdf" else FigureCanvasSVG)(page.figure)  # its methods carry no types
    with _settings_lock, matplotlib.rc_context(_SETTINGS):
        try:
            if format == "pdf":
                canvas.print_pdf(buffer, metadata={**metadata, "CreationDate": None})
                return buffer.getvalue()
            canvas.print_svg(buffer, metadata={**metadata, "Date": None})
        finally:
            page.figure.dpi = page.dpi  # both set it to 72
    # Names may contain several consecutive spaces, which SVG would collapse.
    return buffer.getvalue().replace(_STYLE, _STYLE + b"text{white-space:pre}" + _font_faces(page).encode(), 1)


def _font_faces(page: Canvas) -> str:
    """Return style rules that embed the font, for viewers without it."""
    letters: dict[bool, set[str]] = {}
    for artist in page.figure.findobj(Text):
        assert isinstance(artist, Text)
        letters.setdefault(artist.get_fontweight() == "bold", set()).update(artist.get_text())
    return "".join(font_face(letters[bold], bold) for bold in sorted(letters))
