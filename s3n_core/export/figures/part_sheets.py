"""Sheets of an atlas for print: one part, or what tells two classes apart, with crops, effects and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from s3n_core.datasets.records import displayed_class
from s3n_core.errors import AtlasError
from s3n_core.export.figures import tokens
from s3n_core.export.figures.canvas import Area, Canvas
from s3n_core.export.figures.encoding import encode
from s3n_core.export.figures.pixel_page import drawn_pixels
from s3n_core.export.figures.vector_files import vector_bytes
from s3n_core.export.part_crops import PartCrops
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.examples import PartExample, part_examples
from s3n_core.parts.comparison.answer import answer
from s3n_core.parts.comparison.comparison import ComparedPart, Comparison, value_text
from s3n_core.parts.comparison.stored_comparisons import kept_comparison
from s3n_core.system.atomic_files import write_bytes
from s3n_core.version import __version__

DPI = 300.0

_WIDTH, _MARGIN, _GAP = 520.0, 18.0, 3.0  # points
_CROP = 34.0
_PER_CLASS = 4
_COLUMNS, _ROWS = 10, 3  # of a part's sheet


def pair_sheet(atlas: Atlas, a: str, b: str | None, *, crops: PartCrops | None = None, dpi: float = DPI) -> Canvas:
    """Draw what tells two classes apart, from the comparison that the atlas keeps: a row per part, the strongest first.

    Args:
        atlas: The atlas.
        a: A class.
        b: Another class; None: all others.
        crops: Of the atlas's images; None: of those where they lay when it was built.
        dpi: Resolution of pixels, and of the crops in a vector file.

    Raises:
        AtlasError: There is no such class, or the atlas keeps no comparison of the two that is still valid.
    """
    kept = kept_comparison(atlas, a, b)
    if kept is None or not kept.current:
        raise AtlasError(
            "These classes have not been compared since the last change of the parts; run s3n parts compare first."
        )
    crops = crops or PartCrops(atlas)
    comparison = kept.comparison
    parts = comparison.by_effect
    lines = answer(comparison)
    words = [
        line
        for text, bold in ((lines.first, True), (lines.second, False))
        for line in ((piece, bold) for piece in _wrapped(text, _WIDTH - 2 * _MARGIN))
    ]
    row_height = _CROP + 14
    top = _MARGIN + 20 + 11 * len(words) + 26
    canvas = Canvas(_WIDTH, top + row_height * len(parts) + 12 * len(comparison.rest) + 40, dpi)
    names = comparison.names
    canvas.text(
        _MARGIN, _MARGIN + 10, f"{names[0]} and {names[1]}", size=tokens.TITLE, bold=True, room=_WIDTH - 2 * _MARGIN
    )
    y = _MARGIN + 26
    for text, bold in words:
        canvas.text(_MARGIN, y, text, bold=bold)
        y += 11
    wide = _PER_CLASS * (_CROP + _GAP)
    left = _MARGIN + 62
    columns = left, left + wide + 6, left + 2 * wide + 12
    titles = (
        (names[0], wide),
        (names[1], wide),
        ("Read; lost when hidden; predictions", _WIDTH - _MARGIN - columns[2]),
    )
    for x, (title, room) in zip(columns, titles, strict=True):
        canvas.text(x, top - 6, title, size=tokens.CAPTION, colour=tokens.QUIET, room=room)
    for row, part in enumerate(parts):
        at = top + row * row_height
        colour = tokens.TEXT if part.beats_random else tokens.QUIET
        canvas.lines([[(_MARGIN, at - 2), (_WIDTH - _MARGIN, at - 2)]], tokens.BORDER, width=0.5)
        canvas.text(_MARGIN, at + 12, part.name, size=tokens.SECTION, bold=True, colour=colour, room=58)
        if part.background:
            canvas.text(_MARGIN, at + 22, "background", size=tokens.CAPTION, colour=tokens.QUIET)
        for x, label, images, total in (
            (columns[0], comparison.a, part.images_a, comparison.images_a),
            (columns[1], comparison.b, part.images_b, comparison.images_b),
        ):
            if label is not None and part.part is not None:
                _crops(canvas, crops, part_examples(atlas, part.part, (label,), _PER_CLASS), x, at, _PER_CLASS)
            canvas.text(x, at + _CROP + 7, f"found in {images} of {total}", size=tokens.CAPTION, colour=tokens.QUIET)
        for line, text in enumerate(_effects(part)):
            canvas.text(columns[2], at + 7 + 10 * line, text, colour=colour, room=_WIDTH - _MARGIN - columns[2])
    y = top + row_height * len(parts) + 8
    for rest in comparison.rest:
        canvas.text(
            _MARGIN, y, f"{rest.name}: {value_text(rest.contribution, rest.interval, decimals=1)}", colour=tokens.QUIET
        )
        y += 12
    canvas.text(
        _MARGIN, y + 6, _foot(atlas, comparison), size=tokens.CAPTION, colour=tokens.QUIET, room=_WIDTH - 2 * _MARGIN
    )
    return canvas


def part_sheet(atlas: Atlas, part: int, *, crops: PartCrops | None = None, dpi: float = DPI) -> Canvas:
    """Draw one part: crops from the most to the least typical, and the classes in which it is found.

    Args:
        atlas: The atlas.
        part: Its number.
        crops: As for `pair_sheet`.
        dpi: As for `pair_sheet`.

    Raises:
        AtlasError: There is no such part.
    """
    summary = next((one for one in atlas.summaries() if one.part == part), None)
    if summary is None:
        raise AtlasError(f"The atlas has no part {part + 1}.")
    crops = crops or PartCrops(atlas)
    examples = part_examples(atlas, part, None, _COLUMNS * _ROWS)
    rows = -(-len(examples) // _COLUMNS)
    side = (_WIDTH - 2 * _MARGIN + _GAP) / _COLUMNS - _GAP
    classes = summary.classes[:8]
    canvas = Canvas(_WIDTH, _MARGIN + 44 + rows * (side + _GAP) + 22 + 11 * len(classes) + 30, dpi)
    canvas.text(_MARGIN, _MARGIN + 10, summary.title, size=tokens.TITLE, bold=True, room=_WIDTH - 2 * _MARGIN)
    facts = [summary.found_text]
    if summary.contribution is not None:
        facts.append(f"contribution {summary.contribution:+.2f} logits per peak")
    if summary.strong is not None and atlas.collection.mode != "all":  # all peaks are in both D and C, then
        facts.append(f"{100 * summary.strong:.0f} % in D")
    if examples:
        facts.append("crops from the most to the least typical")
    canvas.text(_MARGIN, _MARGIN + 26, " · ".join(facts), colour=tokens.QUIET, room=_WIDTH - 2 * _MARGIN)
    top = _MARGIN + 36
    for row in range(rows):
        some = examples[row * _COLUMNS : (row + 1) * _COLUMNS]
        _crops(canvas, crops, some, _MARGIN, top + row * (side + _GAP), _COLUMNS, side)
    y = top + rows * (side + _GAP) + 16
    if classes:
        canvas.text(_MARGIN, y, "Most frequent in", size=tokens.SECTION, bold=True)
    for name, some_images, total in classes:
        y += 11
        width = max(120 * some_images / max(total, 1), 1.5)  # a class in this list has at least one image
        canvas.text(_MARGIN, y, displayed_class(name), room=150)
        canvas.rectangle(Area(_MARGIN + 160, y - 6, 120, 6), tokens.TRACK, radius=2)
        canvas.rectangle(Area(_MARGIN + 160, y - 6, width, 6), tokens.BRANCH_COLOURS["joint"], radius=min(2, width / 2))
        canvas.text(_MARGIN + 288, y, f"{some_images} of {total}")
    canvas.text(_MARGIN, y + 20, _foot(atlas), size=tokens.CAPTION, colour=tokens.QUIET, room=_WIDTH - 2 * _MARGIN)
    return canvas


def write_sheet(canvas: Canvas, path: Path, title: str, licence: str = "") -> None:
    """Write a sheet as .png or .pdf.

    Args:
        canvas: The sheet.
        path: The file.
        title: Its title in the metadata.
        licence: What they say of the licence of the model's weights (`Atlas.licence_notice`); may be empty.

    Raises:
        OutputError: The file cannot be written.
        ValueError: The file has another suffix.
    """
    about = {"Title": title, "Software": f"S3N Studio {__version__}", "Licence": licence}
    match path.suffix.lower():
        case ".pdf":
            write_bytes(path, vector_bytes(canvas, "pdf", about))
        case ".png":
            write_bytes(path, encode(drawn_pixels(canvas), "png", dpi=canvas.dpi, about=about))
        case _:
            raise ValueError("a sheet is written as .png or .pdf")


def _crops(
    canvas: Canvas,
    crops: PartCrops,
    examples: Sequence[PartExample],
    x: float,
    y: float,
    most: int,
    side: float = _CROP,
) -> None:
    for number, example in enumerate(examples[:most]):
        area = canvas.snapped(Area(x + number * (side + _GAP), y, side, side))
        width, height = canvas.size_of(area)
        image = crops.of(example, max(width, height))
        if image is None:
            canvas.rectangle(area, tokens.SURROUND)
        else:
            canvas.image(area, np.asarray(image.resize((width, height)), dtype=np.uint8))


def _effects(part: ComparedPart) -> list[str]:
    lines = [f"read {value_text(part.contribution, part.interval, decimals=1)}"]
    if part.relied_on is not None:
        lines.append(f"lost {value_text(part.relied_on, part.relied_interval, decimals=1)}")
    if part.changed is not None and part.changed_random is not None:
        lines.append(f"changes {part.changed} of {part.hidden}")
        lines.append(f"(random {part.changed_random:.1f})")
    return lines


def _foot(atlas: Atlas, comparison: Comparison | None = None) -> str:
    images = (
        f"{sum(not image.error for image in atlas.images)} images"
        if comparison is None
        else f"{comparison.images_a} and {comparison.images_b} images, 95 % intervals"
    )
    split = atlas.header.split if comparison is None else comparison.split
    return f"{images} (split {split}) · in logits · model {atlas.collection.model} · S3N Studio {__version__}"


def _wrapped(text: str, room: float) -> list[str]:
    """Return text in lines that fit, measured on a small page."""
    canvas, lines = Canvas(10, 10, 72), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and canvas.width_of(longer, size=tokens.BODY, bold=True) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
