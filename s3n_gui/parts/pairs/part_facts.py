"""What the card at the right says of one part. Plain data, no widgets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_core.parts.comparison.comparison import ComparedImage
from s3n_core.parts.steadiness.steadiness_result import Statement, accuracy_statement
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.parts.crop import Crop
from s3n_gui.parts.pairs.pair_content import PairContent
from s3n_gui.parts.part_names import part_name
from s3n_gui.parts.peak_crops import with_peak

_NOTHING = 0.02
"""Hiding a part changes nothing where the margin then differs by less than this share of the mean margin."""


@dataclass(frozen=True, eq=False)
class PartFacts:
    """One part.

    Attributes:
        part: Its number.
        name: Its name.
        places: Where its peaks are, as fractions of the object's box or of the image, (n, 2).
        on_object: Whether they are fractions of the box.
        sentences: What is known of it.
        steady: How steady it is, in words.
        is_measured: Whether that was measured.
        is_outdated: Whether that was measured before its peaks, or what makes it up, were edited.
        absent: Images of the two classes in which it is not found.
        idle: Places at which hiding it changes nothing.
        is_background: Whether it holds background.
    """

    part: int
    name: str
    places: NDArray[np.float64]
    on_object: bool
    sentences: tuple[str, ...]
    steady: tuple[Statement, ...]
    is_measured: bool
    is_outdated: bool
    absent: tuple[Crop, ...]
    idle: tuple[Crop, ...]
    is_background: bool


def part_facts(content: AtlasContent, part: int, pair: PairContent | None) -> PartFacts:
    """Return what the card says.

    Args:
        content: The atlas.
        part: The part.
        pair: The two classes, or None.
    """
    atlas = content.atlas
    own = (atlas.part_of == part) & ~np.asarray(atlas.places["background"])
    places = atlas.places[own]
    summary = next(summary for summary in content.parts if summary.part == part)
    shares, on_object = _places(content, places)
    sentences = [f"{summary.found_text[0].upper()}{summary.found_text[1:]}."]
    if not summary.peaks:
        sentences.append("In each image some cells without a peak are drawn; those that look alike make this group.")
    if len(shares):
        spread = shares.std(axis=0)
        what = "object's box" if on_object else "image"
        sentences.append(
            f"Spread: {100 * spread[0]:.0f} % of the {what}'s width, {100 * spread[1]:.0f} % of its height."
        )
    if summary.classes:
        common = ", ".join(f"{displayed_class(name)} {some} of {total}" for name, some, total in summary.classes[:3])
        sentences.append(f"Most frequent in {common}.")
    absent, idle = _counter_examples(content, part, pair)
    measured = content.steadiness is not None and content.steadiness.of(part) is not None
    return PartFacts(
        part=part,
        name=part_name(atlas, part, content.names),
        places=shares,
        on_object=on_object,
        sentences=tuple(sentences),
        steady=_steady(content, part),
        is_measured=measured,
        is_outdated=content.steadiness is not None and not measured,
        absent=absent,
        idle=idle,
        is_background=part in atlas.background,
    )


def _steady(content: AtlasContent, part: int) -> tuple[Statement, ...]:
    """Return how steady a part is; before that is measured, only how far its peaks are from its key point."""
    measured = None if content.steadiness is None else content.steadiness.of(part)
    if measured is not None:
        return measured.statements()
    accuracy = content.accuracy.get(part)
    return () if accuracy is None else (accuracy_statement(accuracy),)


def _places(content: AtlasContent, places: NDArray[np.void]) -> tuple[NDArray[np.float64], bool]:
    """Return places as fractions of the objects' boxes, if all images have one, else of the images."""
    images = content.atlas.images
    numbers = places["image"].tolist()
    records = [content.records.get(images[number].file) for number in numbers]
    boxes = [None if record is None else record.box for record in records]
    points = np.stack([places["x"], places["y"]], axis=1).astype(np.float64).reshape(-1, 2)
    if boxes and all(box is not None for box in boxes):
        corners = np.array([(box.x, box.y, box.width, box.height) for box in boxes if box is not None])
        return (points - corners[:, :2]) / np.maximum(corners[:, 2:], 1), True
    sizes = np.array([(images[number].width, images[number].height) for number in numbers]).reshape(-1, 2)
    return points / np.maximum(sizes, 1), False


def _counter_examples(
    content: AtlasContent, part: int, pair: PairContent | None
) -> tuple[tuple[Crop, ...], tuple[Crop, ...]]:
    """Return images of the two classes without the part, and places at which hiding it changes nothing."""
    if pair is None or pair.comparison is None:
        return (), ()
    images = {image.file: image for image in content.atlas.images}
    comparison, absent, idle = pair.comparison, list[Crop](), list[tuple[float, Crop]]()

    def crop(image: ComparedImage, x: float, y: float, note: str) -> Crop:
        of_atlas = images[image.file]
        return Crop(file=image.file, x=x, y=y, width=of_atlas.width, height=of_atlas.height, note=note)

    least = _NOTHING * abs(comparison.margin)
    for image in comparison.images:
        of_atlas = images.get(image.file)
        if of_atlas is None:
            continue
        label = displayed_class(of_atlas.label or "")  # of its own class where B is all others
        if part not in image.parts:
            absent.append(crop(image, of_atlas.width / 2, of_atlas.height / 2, f"{label}: not found"))
        elif image.losses is not None and image.changed is not None:
            at = image.parts.index(part)
            change = abs(image.losses[at])  # a margin that becomes larger is changed, too
            if not image.changed[at] and change < least:
                found = crop(image, image.x[at], image.y[at], f"{label}: hiding it changes nothing")
                idle.append((change, with_peak(content.atlas, found, part)))
    idle.sort(key=lambda pair: pair[0])
    return tuple(absent), tuple(found for _, found in idle)
