"""The report: one self-contained HTML page for browsing a folder's predictions and inspections.

It is assembled from the images' parts (`report_image`) in two passes, so that memory holds an image's row of the table,
but never its pictures. Untrusted text never becomes markup: names are escaped in the page's head and are JSON strings
elsewhere, and a content security policy allows only the page's own script and forbids loading anything.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_core.datasets.records import displayed_class
from s3n_core.evaluation.intervals import accuracy_text, wilson_interval
from s3n_core.evaluation.label_check import unknown_labels
from s3n_core.export.figures.lettering import one_line
from s3n_core.export.figures.web_fonts import font_face
from s3n_core.export.report.report_image import ReportImage
from s3n_core.inspection.palettes import DIVERGING, PaletteName, palette_bytes
from s3n_core.models.seen_images import SeenCounts
from s3n_core.system.atomic_files import open_atomic
from s3n_core.system.resources import resource
from s3n_core.version import __version__

_MOST_CONFUSIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHead:
    """The data of a report that is common to all images.

    Attributes:
        data: Description of the data set.
        model: The model's name.
        made_with: Description of sampling, precision and the model's digest.
        classes: The model's classes, by index; an image with another true class counts as unlabelled.
        palette: Colour map of maps.
        opacity: Opacity of maps over the grey image.
    """

    data: str
    model: str
    made_with: str
    classes: Sequence[str]
    palette: PaletteName
    opacity: float


def write_report(path: Path, parts: Sequence[Path], head: ReportHead, left_out: Sequence[tuple[str, str]] = ()) -> None:
    """Write a report atomically.

    Args:
        path: The HTML file.
        parts: The images' parts, in order.
        head: What is common to all images.
        left_out: (name, reason) of images without a part.

    Raises:
        OutputError: The report cannot be written.
        OSError: A part cannot be read.
    """
    summaries = []
    for part in parts:
        with open(part, "rb") as file:
            summaries.append(ReportImage.from_line(file.readline()))
    data = report_data(summaries, head, left_out)
    title = f"{head.model} on {head.data}"
    about = [f"{len(summaries)} images", head.made_with, f"S3N Studio {__version__}"]
    script = resource("report/report.js").read_text(encoding="utf-8")
    letters = set(title).union(*data["classes"], *(row[0] for row in data["images"]))
    style = "".join(font_face(letters, bold) for bold in (False, True)).replace("font-weight:700", "font-weight:600")
    style += resource("report/report.css").read_text(encoding="utf-8")
    policy = [
        "default-src 'none'",
        "img-src data:",
        "font-src data:",
        f"script-src {_hash(script)}",
        f"style-src {_hash(style)}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    fields = {
        "POLICY": "; ".join(policy),
        "PROGRAM": f"S3N Studio {__version__}",
        "TITLE": html.escape(one_line(title)),
        "ABOUT": html.escape(one_line(" · ".join(about))),
        "STYLE": style,
        "SCRIPT": script,
        "DATA": _for_script(json.dumps(data, separators=(",", ":"))),
    }
    template = resource("report/report.html").read_text(encoding="utf-8")
    # Split first: a name may contain the mark.
    before, after = (
        re.sub(r"@@([A-Z]+)@@", lambda match: fields.get(match[1], match[0]), half)
        for half in template.split("@@PARTS@@")
    )
    with open_atomic(path) as page:
        page.write(before.encode())
        for index, part in enumerate(parts):
            with open(part, encoding="ascii") as file:
                file.readline()
                content = _for_script(file.readline().rstrip())
            page.write(f'<script type="application/json" id="part-{index}">{content}</script>\n'.encode())
        page.write(after.encode())


def report_data(
    summaries: Sequence[ReportImage], head: ReportHead, left_out: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """Return the tables of a report: classes, figures, and one row per image, with classes as indices."""
    others = sorted({one.truth for one in summaries if one.truth is not None}.difference(head.classes))
    names = (*head.classes, *others)
    index = {name: position for position, name in enumerate(names)}
    known = len(head.classes)
    labelled = [one for one in summaries if one.truth is not None and index[one.truth] < known]
    seen = SeenCounts.count(one.seen for one in labelled)
    right = sum(one.truth == one.answer for one in labelled)
    answers = {"joint": [one.answer for one in labelled or summaries]}
    for branch in dict.fromkeys(branch for one in summaries for branch in one.branches):
        answers[branch] = [one.branches.get(branch, "") for one in labelled or summaries]
    wanted = [one.truth for one in labelled] or answers["joint"]
    return {
        "classes": [one_line(displayed_class(name)) for name in names],
        "known": [position < known for position in range(len(names))],
        "labelled": len(labelled),
        "right": right,
        "unknown_labels": unknown_labels((one.truth for one in summaries if one.truth is not None), head.classes),
        "seen": {**seen.to_dict(), "fair": seen.is_fair},
        "accuracy": accuracy_text(right, len(labelled)),
        "interval": wilson_interval(right, len(labelled)) if labelled else None,
        "branches": [
            _branch(branch, sum(a == w for a, w in zip(said, wanted, strict=True)), len(wanted))
            for branch, said in answers.items()
            if labelled or branch != "joint"
        ],
        "confusions": _confusions(labelled, index),
        "by_class": _by_class(labelled, index) if labelled else _taken_for(summaries, index),
        "left_out": [(one_line(name), one_line(reason)) for name, reason in left_out],
        "palette": base64.b64encode(palette_bytes(head.palette)).decode("ascii"),
        "diverging": base64.b64encode(palette_bytes(DIVERGING)).decode("ascii"),
        "opacity": head.opacity,
        "images": [
            (
                one.name,
                -1 if one.truth is None else index[one.truth],
                index[one.answer],
                one.probability,
                one.margin,
                one.entropy,
                one.rule,
                one.peaks,
                {branch: index[name] for branch, name in one.branches.items()},
                *one.size,
            )
            for one in summaries
        ],
    }


def _confusions(labelled: Sequence[ReportImage], index: dict[str, int]) -> list[tuple[int, int, int]]:
    """Return (true class, predicted class, images), most frequent first."""
    counts = Counter((index[one.truth or ""], index[one.answer]) for one in labelled if one.truth != one.answer)
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(truth, answer, count) for (truth, answer), count in order[:_MOST_CONFUSIONS]]


def _branch(name: str, correct: int, count: int) -> tuple[str, float, str]:
    """Return (branch, share, its text with the interval)."""
    return name, correct / max(1, count), accuracy_text(correct, count)


def _by_class(labelled: Sequence[ReportImage], index: dict[str, int]) -> list[tuple[int, int, int, str]]:
    """Return (class, images, correct, the recall's text with its interval) of the classes with images."""
    images = Counter(index[one.truth or ""] for one in labelled)
    right = Counter(index[one.truth or ""] for one in labelled if one.truth == one.answer)
    return [
        (position, count, right[position], accuracy_text(right[position], count))
        for position, count in sorted(images.items())
    ]


def _taken_for(summaries: Sequence[ReportImage], index: dict[str, int]) -> list[tuple[int, int, int, str]]:
    """Return (class, images predicted as it, 0, no text)."""
    return [
        (position, count, 0, "") for position, count in sorted(Counter(index[one.answer] for one in summaries).items())
    ]


def _for_script(text: str) -> str:
    """Escape JSON so that it cannot end the script element that contains it."""
    return text.replace("<", "\\u003c")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
