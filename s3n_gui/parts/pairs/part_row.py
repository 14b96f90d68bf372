"""What the tab says of each part for two classes, one row a part. Plain data, no widgets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.examples import part_examples, spread_ranks
from s3n_core.parts.atlas.key_points import KeyPointName
from s3n_core.parts.comparison.comparison import ComparedPart, Comparison, Interval
from s3n_gui.parts.crop import Crop
from s3n_gui.parts.part_names import part_name
from s3n_gui.parts.peak_crops import with_peak

CROPS = 6
"""Crops of a part per class."""

RowKind = Literal["matters", "not shown", "background", "rest", "not compared"]
"""Hiding the part costs more than random places of the same size; that is not shown; it is background; what belongs to no part;
the classes have not been compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One row.

    Attributes:
        part: The part's number; -1 for what belongs to no part.
        name: Its name: a person's, else that of a key point, else its number.
        caption: What else there is to say of it.
        kind: Where it stands.
        found: In how many images of A and of B it is found; None for the rest.
        images: Number of images of A and of B.
        share: Its share of the sum of absolute contributions, signed as its contribution to the margin of A over B; in [-1, 1];
            None before the classes are compared.
        share_interval: 95 % interval of ``share``; None without one.
        effect: How much of the margin is lost when it is hidden, less what random places cost, in logits; None where nothing was
            hidden.
        effect_interval: 95 % interval of ``effect``; None without one.
        changed: In how many images the predicted class changes when it is hidden, of how many, and in how many for a random
            place of the same size; None where nothing was hidden.
        crops_a: Examples in images of A, from the one in which hiding the part costs most to that in which it costs least, where
            it was hidden; else from the most to the least typical.
        crops_b: Of B, alike.
        by_effect: Whether the crops are ranked by what hiding the part costs.
    """

    part: int
    name: str
    caption: str
    kind: RowKind
    found: tuple[int, int] | None
    images: tuple[int, int]
    share: float | None = None
    share_interval: Interval | None = None
    effect: float | None = None
    effect_interval: Interval | None = None
    changed: tuple[int, int, float] | None = None
    crops_a: tuple[Crop, ...] = ()
    crops_b: tuple[Crop, ...] = ()
    by_effect: bool = False


def pair_rows(
    atlas: Atlas, a: str, b: str | None, comparison: Comparison | None, names: Mapping[int, KeyPointName]
) -> tuple[PartRow, ...]:
    """Return the rows for two classes: by effect once they are compared, before that by how differently often they are found.

    Args:
        atlas: The atlas.
        a: Class A, as in ``atlas.classes``.
        b: Class B; None: all other classes.
        comparison: Their comparison; None: they are not compared.
        names: Names of parts from key points.
    """
    sizes = {image.file: (image.width, image.height) for image in atlas.images}
    shown, marks = list(atlas.listed), atlas.marks
    if comparison is not None:  # an empty part still has cells that look like it
        parts = {row.part for row in comparison.by_effect if row.part in marks and not atlas.parts.is_hidden(row.part)}
        shown += sorted(parts.difference(shown))
    others = {image.label for image in atlas.images if image.label in atlas.classes and image.label != a}
    sides = ({a}, {label for label in others if label is not None} if b is None else {b})
    crops = {part: tuple(_crops(atlas, part, side, sizes) for side in sides) for part in shown}
    ranked = set[int]()
    if comparison is not None:
        for part in shown:
            by_effect = tuple(_crops_by_effect(atlas, comparison, part, of_a, sizes) for of_a in (True, False))
            if all(map(bool, by_effect)) or (any(by_effect) and not all(crops[part])):
                crops[part] = by_effect
                ranked.add(part)
    if comparison is None:
        rows = [_uncompared(atlas, part, sides, names, marks[part], crops[part]) for part in shown]
        rows.sort(key=lambda row: (row.kind == "background", -_difference(row)))
        return tuple(rows)
    whole = sum(abs(row.contribution) for row in comparison.rows)
    rows = [
        _compared(
            part,
            comparison,
            whole,
            part_name(atlas, part.part, names),
            _caption(atlas, part.part, names, marks[part.part]),
            crops,
        )
        for part in comparison.parts
        if part.part is not None and part.part in crops
    ]
    rows = [replace(row, by_effect=row.part in ranked) for row in rows]
    order = {"matters": 0, "not shown": 1, "background": 2}
    rows.sort(key=lambda row: (order[row.kind], -(row.effect if row.effect is not None else row.share or 0.0)))
    rest = [_compared(row, comparison, whole, _REST.get(row.name, row.name), "", {}) for row in comparison.rest]
    return (*rows, *rest)


_REST = {"no part": "Elsewhere, at no part", "outside the object": "Outside the object"}


def _compared(
    found: ComparedPart,
    comparison: Comparison,
    whole: float,
    name: str,
    caption: str,
    crops: Mapping[int, Sequence[tuple[Crop, ...]]],
) -> PartRow:
    kind: RowKind = "rest"
    if found.part is not None:
        kind = "background" if found.background else "matters" if found.beats_random else "not shown"
    of_a, of_b = crops.get(-1 if found.part is None else found.part, ((), ()))
    scale = 1 / whole if whole else 0.0
    interval = found.interval
    changed = None
    if found.changed is not None and found.changed_random is not None:
        changed = (found.changed, found.hidden, found.changed_random)
    return PartRow(
        part=-1 if found.part is None else found.part,
        name=name,
        caption=caption,
        kind=kind,
        found=None if found.part is None else (found.images_a, found.images_b),
        images=(comparison.images_a, comparison.images_b),
        share=found.contribution * scale,
        share_interval=None if interval is None else (interval[0] * scale, interval[1] * scale),
        effect=found.relied_on,
        effect_interval=found.relied_interval,
        changed=changed,
        crops_a=tuple(of_a),
        crops_b=tuple(of_b),
    )


def _uncompared(
    atlas: Atlas,
    part: int,
    sides: Sequence[Collection[str]],
    names: Mapping[int, KeyPointName],
    marks: Sequence[str],
    crops: Sequence[tuple[Crop, ...]],
) -> PartRow:
    of_a, of_b = (
        {number for number, image in enumerate(atlas.images) if image.label in side and not image.error}
        for side in sides
    )
    own = (atlas.part_of == part) & ~atlas.places["background"]
    with_it = set(atlas.places["image"][own].tolist())
    return PartRow(
        part=part,
        name=part_name(atlas, part, names),
        caption=_caption(atlas, part, names, marks),
        kind="background" if "background" in marks else "not compared",
        found=(len(with_it & of_a), len(with_it & of_b)),
        images=(len(of_a), len(of_b)),
        crops_a=crops[0],
        crops_b=crops[1],
    )


def _caption(atlas: Atlas, part: int, names: Mapping[int, KeyPointName], marks: Sequence[str]) -> str:
    near, plain, shown = names.get(part), f"part {part + 1}", part_name(atlas, part, names)
    words = [] if shown == plain else [plain]
    if near is not None:
        from_key_point = shown not in (plain, atlas.parts.name(part))
        words.append(f"of {near.peaks:,} peaks" if from_key_point else f"{near.name} {100 * near.share:.0f} %")
    return " · ".join((*words, *marks))


def _difference(row: PartRow) -> float:
    if row.found is None:
        return 0.0
    of_a, of_b = (found / max(total, 1) for found, total in zip(row.found, row.images, strict=True))
    return abs(of_a - of_b)


def _crops(atlas: Atlas, part: int, labels: Collection[str], sizes: Mapping[str, tuple[int, int]]) -> tuple[Crop, ...]:
    return tuple(
        Crop(
            file=example.file,
            x=example.x,
            y=example.y,
            width=sizes[example.file][0],
            height=sizes[example.file][1],
            note=f"rank {example.rank} of {example.of} by how typical it is of the part",
            row=example.row,
        )
        for example in part_examples(atlas, part, labels, CROPS)
    )


def _crops_by_effect(
    atlas: Atlas, comparison: Comparison, part: int, of_a: bool, sizes: Mapping[str, tuple[int, int]]
) -> tuple[Crop, ...]:
    """Return places of a part in images of A or B, evenly spaced by what hiding it costs; none if it was not hidden."""
    hidden = list[tuple[float, str, float, float]]()
    for image in comparison.images:
        if image.of_a == of_a and image.losses is not None and part in image.parts and image.file in sizes:
            at = image.parts.index(part)
            loss = image.losses[at] if of_a else -image.losses[at]
            hidden.append((loss, image.file, image.x[at], image.y[at]))
    hidden.sort(key=lambda one: -one[0])
    found = [
        Crop(
            file=hidden[rank][1],
            x=hidden[rank][2],
            y=hidden[rank][3],
            width=sizes[hidden[rank][1]][0],
            height=sizes[hidden[rank][1]][1],
            note=f"rank {rank + 1} of {len(hidden)} by what hiding the part costs the image's class",
        )
        for rank in spread_ranks(len(hidden), CROPS)
    ]
    return tuple(with_peak(atlas, crop, part) for crop in found)
