"""An image's part of a report: two lines of JSON, the first for tables and filters, the second for the images.

Peaks, maps and the view are stored as numbers and drawn by the page, so that an image takes about 30 KB in total.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.records import Annotation, displayed_class
from s3n_core.export.figures.lettering import one_line
from s3n_core.export.figures.panels import PanelName
from s3n_core.export.figures.rasters import Rasters
from s3n_core.export.figures.sheet import answers_of
from s3n_core.export.hidden_peaks import HiddenPeaks
from s3n_core.inspection.contribution_view import DENSITY_UNIT, ContributionView
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.ledger import ledger_of
from s3n_core.inspection.map_display import ValueRange, contribution_range
from s3n_core.inspection.view import view_labels
from s3n_core.prediction.inspected import prediction_of
from s3n_core.prediction.schema import BRANCH_LETTERS

IMAGE_SIDE = 416
"""Longest side of the original in a report, in pixels: sharp in the grid on high-resolution screens."""

BRANCH_SIDE = 256
"""Longest side of the D and C images, in pixels."""

MAP_SIDE = 64
"""Longest side of the map of contributions, in pixels: finer than any network's cells."""

HIDDEN_SIDE = 224
"""Longest side of the images with a hidden place, in pixels."""

_QUALITY = 78
_MAPS: dict[str, PanelName] = {"r": "response", "d": "map_d", "c": "map_c"}
_LISTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportImage:
    """The data of one image for tables and filters.

    Attributes:
        name: The image's name.
        truth: Its true class, or None.
        answer: The predicted class.
        probability: Its probability.
        margin: Difference from the second highest probability, in [0, 1].
        entropy: H of Eq. 2, in nats.
        rule: The rule of Eq. 3, as in tables.
        peaks: Number of peaks.
        branches: The class that each branch predicts, by letter.
        size: (width, height) of the original, in pixels.
        seen: Whether the model has seen it before, as ``Prediction.seen``.
    """

    name: str
    truth: str | None
    answer: str
    probability: float
    margin: float
    entropy: float
    rule: str
    peaks: int
    branches: dict[str, str]
    size: tuple[int, int]
    seen: str = "unknown"

    @classmethod
    def from_line(cls, line: bytes) -> ReportImage:
        """Read the first line of a part."""
        return cls(**json.loads(line))


def part_bytes(
    inspection: Inspection,
    truth: str | None,
    seen: str = "unknown",
    annotation: Annotation | None = None,
    hidden: HiddenPeaks | None = None,
    contributions: ContributionView | None = None,
    branches: Sequence[str] = BRANCH_LETTERS,
) -> bytes:
    """Return an image's part of a report.

    Args:
        inspection: The image's inspection.
        truth: Name of the true class, or None if unknown.
        seen: Whether the model has seen the image before, as ``Prediction.seen``.
        annotation: The image's box and key points, if its data set has any.
        hidden: Its hidden peaks, if the export hides any.
        contributions: What to show of its contributions; None shows none.
        branches: The letters of the branches that are reported, as in `prediction_of`.
    """
    row = prediction_of(inspection, branches=branches, label=truth, seen=seen)
    summary = {
        "name": one_line(row.file),
        "truth": row.label,
        "answer": row.class_name,
        "probability": row.probability,
        "margin": row.margin,
        "entropy": row.entropy,
        "rule": row.rule,
        "peaks": row.peaks,
        "branches": dict(row.branches),
        "size": list(inspection.response.image_size),
        "seen": row.seen,
    }
    pictures = _pictures(inspection, annotation or Annotation(), hidden)
    pictures["why"] = None if contributions is None else _why(contributions, inspection, hidden)
    parts = (summary, pictures)
    return b"".join(json.dumps(part, separators=(",", ":")).encode("ascii") + b"\n" for part in parts)


def _pictures(inspection: Inspection, annotation: Annotation, hidden: HiddenPeaks | None) -> dict[str, Any]:
    """Return the data for showing an image, with positions as fractions of the original's sides."""
    width, height = inspection.response.image_size
    x0, y0, x1, y1 = inspection.response.source_box
    first, last = inspection.response.frame.to_original(np.array([[-1.0, -1.0], [1.0, 1.0]]))
    rasters = Rasters(inspection, "viridis", 1.0)
    ranges = {name: limits for name, panel in _MAPS.items() if (limits := rasters.range_of(panel)) is not None}
    accuracy, box = inspection.response.place_accuracy, annotation.box
    return {
        "view_text": inspection.response.view_text,
        "labels": list(view_labels(inspection.response.view_share)),
        "accuracy": accuracy.text,
        "warning": accuracy.warning,
        "box": None
        if box is None
        else [_rounded(v) for v in (box.x / width, box.y / height, box.width / width, box.height / height)],
        "parts": [[_rounded(part.x / width), _rounded(part.y / height)] for part in annotation.parts],
        "outside": [annotation.is_outside(p.x, p.y) for p in inspection.warps.peaks],
        "view": [_rounded(share) for share in (x0 / width, y0 / height, x1 / width, y1 / height)],
        # From the centre of a map's first cell to that of its last.
        "cells_view": [
            _rounded(share) for share in (first[0] / width, first[1] / height, last[0] / width, last[1] / height)
        ],
        "image": _webp(inspection.response.image, IMAGE_SIDE),
        "d": _webp(inspection.warps.image_d, BRANCH_SIDE),
        "c": _webp(inspection.warps.image_c, BRANCH_SIDE),
        "cells": list(inspection.response.map.shape),
        "maps": {
            "r": _levels(inspection.response.map, ranges["r"]),
            "d": _levels(inspection.warps.map_d, ranges["d"]),
            "c": _levels(inspection.warps.map_c, ranges["c"]),
        },
        # Positions of the tick labels, as fractions of the bar.
        "ticks": {name: _ticks(limits) for name, limits in ranges.items()},
        "peaks": [
            [round(float(v), 4) for v in (p.x / width, p.y / height, p.response, p.weight_d, p.weight_c)]
            for p in inspection.warps.peaks
        ],
        "scores": {
            answer: [
                [one_line(displayed_class(score.name)), _rounded(score.probability)]
                for score in inspection.top(answer, _LISTED)
            ]
            for answer in answers_of(inspection)
        },
        "rule": inspection.response.shown_rule,
        "hidden": None if hidden is None else _hidden(hidden),
    }


def _hidden(hidden: HiddenPeaks) -> dict[str, Any]:
    """Return the hidden places, with positions and sizes as fractions of the original's sides."""
    places = []
    for one in hidden.hidden:
        height, width = (side / one.image_scale for side in one.image.shape[:2])
        size = one.settings.size or 0.0
        places.append(
            {
                "place": [
                    _rounded(v) for v in (one.place[0] / width, one.place[1] / height, size / width, size / height)
                ],
                "round": one.settings.shape == "disc",
                "image": _webp(one.image, HIDDEN_SIDE),
                "lines": [one_line(line) for line in one.lines()],
            }
        )
    return {"error": hidden.error, "how": hidden.hidden[0].how() if hidden.hidden else "", "places": places}


def _why(view: ContributionView, inspection: Inspection, hidden: HiddenPeaks | None) -> dict[str, Any]:
    """Return the map and the ledger of contributions, with positions as fractions of the original's sides."""
    found, (width, height) = view.contributions, inspection.response.image_size
    margin = inspection.scores.margin(found.target, found.versus, found.head)
    ledger, limits = ledger_of(view, () if hidden is None else hidden.hidden, margin), contribution_range(view.density)
    image = Image.fromarray(view.density)
    image.thumbnail((MAP_SIDE, MAP_SIDE), Image.Resampling.BOX)  # means, so that the sum stays
    values = np.asarray(image)
    return {
        "question": one_line(ledger.question),
        "unit": DENSITY_UNIT,
        "cells": list(values.shape),
        "map": _levels(values, limits),
        "ticks": _ticks(limits),
        "most": _rounded(ledger.most),
        "rows": [
            {
                "label": row.label,
                "text": row.text,
                "value": _rounded(row.row.total),
                "relied": None if row.hidden is None else _rounded(row.hidden.relied_on),
                "relied_text": row.relied_text,
                "clear": row.is_clear,
                "details": row.details,
                "place": None
                if row.row.place is None
                else [_rounded(row.row.place[0] / width), _rounded(row.row.place[1] / height)],
            }
            for row in ledger.rows
        ],
        "total_label": ledger.total_label,
        "total": ledger.total_text,
        "sentence": ledger.sentence,
    }


def _ticks(limits: ValueRange) -> list[tuple[float, str]]:
    return [(_rounded(limits.share(np.array(value)).item()), text) for value, text in limits.ticks(2)]


def _webp(pixels: NDArray[np.uint8], side: int) -> str:
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY, method=4)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _levels(values: NDArray[np.floating], limits: ValueRange) -> str:
    """Return a map quantised to 256 levels, in row-major order."""
    levels = np.rint(255 * limits.share(values)).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode("ascii")


def _rounded(value: float) -> float:
    return round(float(value), 6)
