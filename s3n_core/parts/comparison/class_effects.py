"""What hiding each part costs each class, beside random places: the second measure of the classes by parts. Without torch.

The values are those of the kept comparisons of each class with all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_core.errors import AtlasError
from s3n_core.method.weight_licences import COLUMN
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.class_matrix import ClassMatrix
from s3n_core.parts.comparison.stored_comparisons import newest_comparison
from s3n_core.system.atomic_files import write_bytes
from s3n_core.system.csv_tables import csv_text

COLUMNS = (
    "class",
    "part",
    "background",
    "images",
    "found",
    "contribution",
    "share",
    "effect",
    "effect_low",
    "effect_high",
    "beats_random",
    "hidden",
    "changed",
    "changed_random",
)
"""Columns of the table: a row a class and part, and one a class for what is read elsewhere; ``effect`` in logits."""


IMAGES_OF_A_SIDE = 20
"""Images of each class, and of all others, in which parts are hidden for the table of all classes."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassEffects:
    """Classes by parts, in the order of a `ClassMatrix`; C classes, P parts. Logits.

    Attributes:
        measured: Which classes are measured with the parts as they are now, bool (C,).
        outdated: Which were measured before the parts were edited, bool (C,).
        effects: How much of the margin of the class over the mean of all others is lost when a part is hidden, less the loss for
            random places of the same size, mean over images of the class less that over images of others; float64 (C, P), NaN
            where the class is not measured, or the part was nowhere hidden.
        low: Lower end of the 95 % interval, alike; NaN also with too few images.
        high: Upper end.
        hidden: Images of both sides, int64 (C, P); those without the part count as unchanged.
        changed: In how many of them the predicted class changes, int64 (C, P).
        changed_random: The same for a random place, as the mean over the random places, float64 (C, P).
    """

    measured: NDArray[np.bool_]
    outdated: NDArray[np.bool_]
    effects: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    hidden: NDArray[np.int64]
    changed: NDArray[np.int64]
    changed_random: NDArray[np.float64]

    @property
    def beats_random(self) -> NDArray[np.bool_]:
        """Where hiding the part was shown to cost more than random places: the interval lies above 0, bool (C, P)."""
        return np.nan_to_num(self.low, nan=-1.0) > 0


def class_effects(atlas: Atlas, matrix: ClassMatrix) -> ClassEffects:
    """Return what an atlas keeps of the effects. A damaged comparison counts as none: measuring again replaces it."""
    shape = len(matrix.classes), len(matrix.parts)
    effects, low, high, random = (np.full(shape, np.nan) for _ in range(4))
    hidden, changed = (np.zeros(shape, dtype=np.int64) for _ in range(2))
    measured, outdated = (np.zeros(shape[0], dtype=bool) for _ in range(2))
    column_of = {part: column for column, part in enumerate(matrix.parts)}
    for row, name in enumerate(matrix.classes):
        try:
            kept = newest_comparison(atlas, name, None)
        except AtlasError:
            continue
        if kept is None or not kept.current:
            outdated[row] = kept is not None
            continue
        measured[row] = True
        for part in kept.comparison.parts:
            column = column_of.get(-1 if part.part is None else part.part)
            if column is None or part.relied_on is None:
                continue
            effects[row, column] = part.relied_on
            low[row, column], high[row, column] = part.relied_interval or (np.nan, np.nan)
            hidden[row, column], changed[row, column] = part.hidden, part.changed or 0
            random[row, column] = np.nan if part.changed_random is None else part.changed_random
    return ClassEffects(
        measured=measured,
        outdated=outdated,
        effects=effects,
        low=low,
        high=high,
        hidden=hidden,
        changed=changed,
        changed_random=random,
    )


def write_class_table(path: Path, atlas: Atlas, matrix: ClassMatrix, *, excel: bool = False) -> None:
    """Write the classes by parts as CSV, atomically: `COLUMNS`, and the licence if it must be told.

    Cells that are not measured are empty.

    Raises:
        OutputError: The file cannot be written.
    """
    found, background = class_effects(atlas, matrix), atlas.background
    beats = found.beats_random
    rows: list[tuple[object, ...]] = []
    for row, name in enumerate(matrix.classes):
        for column, part in enumerate(matrix.parts):
            known = bool(np.isfinite(found.effects[row, column]))
            has_interval = bool(np.isfinite(found.low[row, column]))
            rows.append(
                (
                    name,
                    atlas.parts.name(part),
                    int(part in background),
                    int(matrix.images[row]),
                    int(matrix.found[row, column]),
                    _number(matrix.contributions[row, column]),
                    _number(matrix.shares[row, column]),
                    _number(found.effects[row, column]),
                    _number(found.low[row, column]),
                    _number(found.high[row, column]),
                    int(beats[row, column]) if has_interval else "",
                    int(found.hidden[row, column]) if known else "",
                    int(found.changed[row, column]) if known else "",
                    _number(found.changed_random[row, column]),
                )
            )
        rest = _number(matrix.rest[row]), _number(matrix.rest_shares[row])
        rows.append((name, "elsewhere", "", int(matrix.images[row]), "", *rest, *[""] * 7))
    licence = {COLUMN: atlas.licence} if atlas.licence else {}
    rows = [(*row, *licence.values()) for row in rows]
    write_bytes(path, csv_text((*COLUMNS, *licence), rows, excel=excel).encode("utf-8", "surrogateescape"))


def effect_table(atlas: Atlas, matrix: ClassMatrix, found: ClassEffects) -> list[list[str]]:
    """Return the effects as a table of text; in brackets where they do not beat random places, empty where not measured."""
    beats = found.beats_random

    def text(row: int, column: int) -> str:
        value = float(found.effects[row, column])
        if not np.isfinite(value):
            return ""
        return f"{value:+.2f}" if beats[row, column] else f"({value:+.2f})"

    columns = range(len(matrix.parts))
    return [
        ["class", *matrix.titles(atlas)],
        *(
            [displayed_class(name), *(text(row, column) for column in columns)]
            for row, name in enumerate(matrix.classes)
        ),
    ]


def _number(value: float) -> object:
    return float(f"{value:.6g}") if np.isfinite(value) else ""
