"""An atlas as one self-contained HTML page: its parts with crops, classes by parts, and the pairs that were compared.

The page has no script. Names are escaped, and a content security policy forbids loading anything.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from s3n_core.datasets.records import displayed_class
from s3n_core.export.figures.lettering import one_line
from s3n_core.export.figures.web_fonts import font_face
from s3n_core.export.part_crops import PartCrops, jpeg_bytes
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.examples import part_examples
from s3n_core.parts.atlas.part_summaries import PartSummary
from s3n_core.parts.comparison.answer import answer
from s3n_core.parts.comparison.class_effects import ClassEffects, class_effects
from s3n_core.parts.comparison.class_matrix import ClassMatrix, class_matrix
from s3n_core.parts.comparison.comparison import ComparedPart, Comparison, value_text
from s3n_core.parts.comparison.stored_comparisons import kept_comparisons
from s3n_core.parts.steadiness.steadiness_result import PartSteadiness
from s3n_core.parts.steadiness.stored_steadiness import kept_steadiness
from s3n_core.system.atomic_files import open_atomic
from s3n_core.system.resources import resource
from s3n_core.version import __version__

CROPS, PAIR_CROPS = 10, 4
CROP_PIXELS = 112

_MOST_CLASSES = 60  # in the table of classes by parts


def write_atlas_page(
    atlas: Atlas,
    path: Path,
    *,
    crops: PartCrops | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write an atlas as one HTML page, atomically; crops of images that cannot be read are left out.

    Args:
        atlas: The atlas.
        path: The HTML file.
        crops: Of its images; None: of those where they lay when it was built.
        progress: Called with (done, total) numbers of parts and pairs.

    Raises:
        AtlasError: A comparison or the steadiness that the atlas keeps is damaged.
        OutputError: The file cannot be written.
    """
    summaries = [summary for summary in atlas.summaries() if not summary.is_empty]
    kept = [one for one in kept_comparisons(atlas) if one.current]
    steady, matrix = kept_steadiness(atlas), class_matrix(atlas)
    crops = crops or PartCrops(atlas)
    total, done = len(summaries) + len(kept), 0

    def counted(pieces: Iterator[str]) -> str:
        nonlocal done
        text = "".join(pieces)
        done += 1
        if progress is not None:
            progress(done, total)
        return text

    used = sum(not image.error for image in atlas.images)
    title = f"Parts of {Path(atlas.header.model_path).stem} on {Path(atlas.header.data).name}"
    about = (
        f"{len(summaries)} parts in {used} images (split {atlas.header.split}) · model {atlas.collection.model} · "
        f"S3N Studio {__version__}"
    )
    head = "".join(f'<p class="quiet">{_text(line)}</p>' for line in (about, atlas.licence_notice) if line)
    body = [
        '<section><h2>Parts</h2><p class="quiet">Peaks that look alike, with crops from the most to the least typical. '
        "Contributions say where a margin is read, in logits; what a model relies on is shown by hiding.</p>",
        *(
            counted(_part(atlas, crops, summary, None if steady is None else steady.of(summary.part)))
            for summary in summaries
        ),
        "</section>",
        '<section><h2>Classes by parts</h2><p class="quiet">Contribution of each part to the margin of the class over its '
        "strongest rival, mean over its images; the rest is read at no peak of a shown part.</p>",
        "".join(_matrix(atlas, matrix)),
        "".join(_effects(atlas, matrix, class_effects(atlas, matrix))),
        "</section>",
    ]
    if kept:
        body += [
            "<section><h2>Compared classes</h2>",
            *(counted(_pair(atlas, crops, one.comparison)) for one in kept),
            "</section>",
        ]
    content = "".join(body)
    letters = set(title).union(*(displayed_class(name) for name in atlas.classes), *(one.name for one in summaries))
    style = "".join(font_face(letters, bold) for bold in (False, True)).replace("font-weight:700", "font-weight:600")
    style += resource("report/report.css").read_text(encoding="utf-8") + resource("report/atlas.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; img-src data:; font-src data:; style-src 'sha256-{digest}'; base-uri 'none'"
    with open_atomic(path) as file:
        file.write(
            (
                f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
                f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
                f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
                f'<meta name="color-scheme" content="light dark">\n<title>{_text(title)}</title>\n<style>{style}</style>\n'
                f'</head>\n<body>\n<header class="top"><h1>{_text(title)}</h1>{head}</header>\n'
                f"<main>{content}</main>\n</body>\n</html>\n"
            ).encode()
        )


def _part(atlas: Atlas, crops: PartCrops, summary: PartSummary, steady: PartSteadiness | None) -> Iterator[str]:
    marks = "".join(f' <span class="word">{mark}</span>' for mark in summary.marks)
    yield f'<article class="part"><h3>{_text(summary.name)}{marks}</h3><p class="quiet small">'
    facts = [summary.found_text]
    if summary.contribution is not None:
        facts.append(f"contribution {summary.contribution:+.2f} per peak")
    if summary.strong is not None and atlas.collection.mode != "all":  # all peaks are in both D and C, then
        facts.append(f"{100 * summary.strong:.0f} % in D")
    if summary.place is not None:
        facts.append(f"at {100 * summary.place[0]:.0f} %, {100 * summary.place[1]:.0f} % of the image")
    facts += [f"{displayed_class(name)} {some} of {total}" for name, some, total in summary.classes[:4]]
    yield _text(" · ".join(facts)) + "</p>"
    if steady is not None:
        yield f'<p class="quiet small">{_text(" ".join(said.text for said in steady.statements()))}</p>'
    yield from _crops(atlas, crops, summary.part, None, CROPS)
    yield "</article>"


def _crops(atlas: Atlas, crops: PartCrops, part: int, labels: tuple[str, ...] | None, count: int) -> Iterator[str]:
    yield '<div class="crops">'
    for example in part_examples(atlas, part, labels, count):
        image = crops.of(example, CROP_PIXELS)
        if image is not None:
            data = base64.b64encode(jpeg_bytes(image)).decode("ascii")
            tip = html.escape(one_line(f"{example.file}: typical {example.rank} of {example.of}"), quote=True)
            yield f'<img src="data:image/jpeg;base64,{data}" width="84" height="84" alt="{tip}" title="{tip}">'
    yield "</div>"


def _matrix(atlas: Atlas, matrix: ClassMatrix) -> Iterator[str]:
    strongest = float(np.abs(matrix.contributions).max(initial=0)) or 1.0
    yield '<div class="wide"><table class="matrix"><thead><tr><th>Class</th><th>Images</th>'
    yield ("".join(f"<th>{_text(title)}</th>" for title in matrix.titles(atlas)) + "<th>Rest</th></tr></thead><tbody>")
    for row, name in enumerate(matrix.classes[:_MOST_CLASSES]):
        yield f"<tr><td>{_text(displayed_class(name))}</td><td>{matrix.images[row]}</td>"
        for column, value in enumerate(matrix.contributions[row].tolist()):
            level = min(9, round(9 * abs(value) / strongest))
            yield f'<td class="{"p" if value >= 0 else "n"}{level}">{matrix.contribution_text(row, column)}</td>'
        yield f"<td>{matrix.rest[row]:+.2f}</td></tr>"
    yield "</tbody></table></div>"
    if len(matrix.classes) > _MOST_CLASSES:
        yield f'<p class="quiet small">and {len(matrix.classes) - _MOST_CLASSES} more classes.</p>'


def _effects(atlas: Atlas, matrix: ClassMatrix, found: ClassEffects) -> Iterator[str]:
    """Return what hiding each part costs the classes that are measured; nothing if none is."""
    rows = np.flatnonzero(found.measured)
    if not rows.size:
        return
    strongest, beats = float(np.nanmax(np.abs(found.effects), initial=0)) or 1.0, found.beats_random
    yield (
        '<p class="quiet">What hiding a part costs the margin of the class over all other classes, in logits, beyond random '
        "patches of the same size. Without colour: not shown to cost more than those (95 % interval).</p>"
        '<div class="wide"><table class="matrix"><thead><tr><th>Class</th>'
        + "".join(f"<th>{_text(title)}</th>" for title in matrix.titles(atlas))
        + "</tr></thead><tbody>"
    )
    for row in rows[:_MOST_CLASSES].tolist():
        yield f"<tr><td>{_text(displayed_class(matrix.classes[row]))}</td>"
        for column, value in enumerate(found.effects[row].tolist()):
            level = min(9, round(9 * abs(value) / strongest)) if beats[row, column] else 0
            kind = f"p{level}" if beats[row, column] else "quiet"
            low, high = found.low[row, column], found.high[row, column]
            tip = f' title="95 % interval {low:+.2f} to {high:+.2f}"' if np.isfinite(low) else ""
            yield f'<td class="{kind}"{tip}>{value:+.2f}</td>' if np.isfinite(value) else "<td></td>"
        yield "</tr>"
    yield "</tbody></table></div>"
    if found.measured.sum() < len(matrix.classes):
        yield f'<p class="quiet small">{len(matrix.classes) - int(found.measured.sum())} more classes are not measured.</p>'


def _pair(atlas: Atlas, crops: PartCrops, comparison: Comparison) -> Iterator[str]:
    a, b = comparison.names
    yield f'<article class="compared"><h3>{_text(a)} <span class="quiet">and</span> {_text(b)}</h3>'
    said = answer(comparison)
    yield f"<p><b>{_text(said.first)}</b></p><p>{_text(said.second)}</p>"
    yield f'<div class="wide"><table class="rows"><thead><tr><th>Part</th><th>In {_text(a)}</th><th>In {_text(b)}</th>'
    yield "<th>Contribution</th><th>Lost when hidden, beyond random places</th><th>Predictions that change</th>"
    yield "</tr></thead><tbody>"
    for part in (*comparison.by_effect, *comparison.rest):
        yield f"<tr{'' if part.beats_random or part.part is None else _QUIET}><td>{_text(part.name)}</td>"
        for label, images, total in (
            (comparison.a, part.images_a, comparison.images_a),
            (comparison.b, part.images_b, comparison.images_b),
        ):
            yield f'<td><span class="small quiet">{images} of {total}</span>'
            if part.part is not None and label is not None:
                yield from _crops(atlas, crops, part.part, (label,), PAIR_CROPS)
            yield "</td>"
        yield f"<td>{_text(value_text(part.contribution, part.interval))}</td>"
        yield f"<td>{'' if part.relied_on is None else _text(value_text(part.relied_on, part.relied_interval))}</td>"
        yield f"<td>{_text(_changes(part))}</td></tr>"
    yield f"</tbody></table></div><p class='quiet small'>{_text(' '.join(comparison.sentences()))}</p></article>"


_QUIET = ' class="unproven"'


def _changes(part: ComparedPart) -> str:
    if part.changed is None or part.changed_random is None:
        return ""
    return f"{part.changed} of {part.hidden}; random {part.changed_random:.1f}"


def _text(text: str) -> str:
    return html.escape(one_line(text))
