"""Why one image was predicted as A and not as its rival B, by the parts of an atlas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from s3n_core.datasets.loading import SampleReader
from s3n_core.datasets.records import ImageRecord, displayed_class
from s3n_core.errors import AtlasError, UnreadableImage
from s3n_core.inspection.geometry import Place
from s3n_core.inspection.inspection import NOT_FINITE, Scores
from s3n_core.inspection.inspector import Inspector
from s3n_core.models.opening import Model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.part_readings import Pair, hide_parts, read_parts
from s3n_core.system.json_values import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePart:
    """A part in one image, or a row of the rest. All values in logits.

    Attributes:
        part: Its number, from 0; None for the rest.
        name: Its name; "no part" and "bias" for the rest.
        background: Whether it holds background.
        place: Where it is, (x, y) in original pixels; None for the rest.
        contribution: What is read there of the margin.
        loss: How much of the margin is lost when it is hidden; None where nothing was hidden.
        random: The mean loss for random places of the same size; None alike.
        random_range: The range of the middle 95 % of these losses; None alike.
        stronger_than: How many random places lose less; None alike.
        random_places: Number of random places; 0 alike.
        changed: Whether the predicted class changes; None alike.
    """

    part: int | None
    name: str
    background: bool = False
    place: Place | None = None
    contribution: float
    loss: float | None = None
    random: float | None = None
    random_range: tuple[float, float] | None = None
    stronger_than: int | None = None
    random_places: int = 0
    changed: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ImageComparison:
    """What speaks for class A over class B in one image.

    Attributes:
        file: The image's name.
        a: Class A.
        b: Class B, its rival.
        predicted: The predicted class.
        margin: The margin of A over B, in logits, to which the contributions of all rows sum.
        parts: The parts that are found, the largest contribution first.
        rest: What is read at no part, and the bias.
        not_hidden: Why no part was hidden although that was asked for; empty otherwise.
    """

    file: str
    a: str
    b: str
    predicted: str
    margin: float
    parts: tuple[ImagePart, ...]
    rest: tuple[ImagePart, ...]
    not_hidden: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        found: dict[str, Any] = to_json(self)
        return found

    def header(self) -> list[str]:
        """Return the titles of the table."""
        return ["part", "contribution", "lost when hidden", "random places", "stronger than"]

    def cells(self) -> list[list[str]]:
        """Return the rows of the table, the rest and the sum included."""
        rows = []
        for row in (*self.parts, *self.rest):
            hidden = ["", "", ""]
            if row.loss is not None and row.random_range is not None:
                low, high = row.random_range
                hidden = [
                    f"{row.loss:+.2f}" + (", prediction changes" if row.changed else ""),
                    f"{row.random:+.2f} ({low:+.2f} to {high:+.2f})",
                    f"{row.stronger_than} of {row.random_places}",
                ]
            rows.append([row.name + (" (background)" if row.background else ""), f"{row.contribution:+.2f}", *hidden])
        return [*rows, ["sum = margin", f"{self.margin:+.2f}", "", "", ""]]

    def sentences(self) -> list[str]:
        """Return what the table says, in words."""
        said = [
            f"{self.file}: predicted {displayed_class(self.predicted)}. The margin of {displayed_class(self.a)} over "
            f"{displayed_class(self.b)} in this one image, in logits."
        ]
        hidden = [part for part in self.parts if part.loss is not None]
        beyond = [part for part in hidden if part.stronger_than == part.random_places]
        if beyond:
            names = ", ".join(part.name for part in sorted(beyond, key=lambda part: -(part.loss or 0.0)))
            said.append(f"Hiding these costs more than every random place of the same size: {names}.")
        elif hidden:
            said.append("Hiding no part costs more than every random place of the same size.")
        if self.not_hidden:
            said.append(f"Nothing was hidden: {self.not_hidden}.")
        return said


def compare_image(
    atlas: Atlas,
    model: Model,
    record: ImageRecord,
    a: str | None = None,
    b: str | None = None,
    *,
    removal: bool = True,
) -> ImageComparison:
    """Say what speaks for a class over its rival in one image.

    Args:
        atlas: The atlas.
        model: Its model.
        record: The image; it need not be one of the atlas's.
        a: The class; None: the predicted one.
        b: Its rival; None: the strongest of the others.
        removal: Also hide each part that is found, beside random places of the same size.

    Raises:
        AtlasError: There is no such class, the model is another one, or the image's scores are not finite.
        UnreadableImage: The image cannot be read.
        OutOfMemory: The device has too little memory for one image.
    """
    atlas.require(model.digest)
    target, rival = (None if name is None else atlas.class_index(name) for name in (a, b))
    if target is not None and target == rival:
        raise AtlasError("A class cannot be compared with itself; name two classes.")

    def ask(scores: Scores) -> Pair:
        def strongest_beside(index: int) -> int:
            found = scores.rival(index)
            return index if found is None else found

        chosen = target if target is not None else scores.predicted
        chosen = strongest_beside(chosen) if chosen == rival else chosen
        return chosen, rival if rival is not None else strongest_beside(chosen)

    inspector, decode = Inspector(model), SampleReader(model.preprocess.ranges, watched=False)
    (found,) = read_parts(atlas, inspector, [record], ask, decode, workers=0)
    if isinstance(found, UnreadableImage):
        raise found
    if found is None:
        raise AtlasError(f"{record.name}: {NOT_FINITE}.")
    results = hide_parts(inspector, record, found, lambda sample: decode(sample)) if removal else {}
    hidden, not_hidden = ({}, results) if isinstance(results, str) else (results, "")
    parts, background = [], atlas.background
    for part, contribution in found.contributions.items():
        row = ImagePart(
            part=part,
            name=atlas.parts.name(part),
            background=part in background,
            place=found.places.get(part),
            contribution=contribution,
        )
        if (of := hidden.get(part)) is not None:
            low, high = np.quantile(of.random_losses, (0.025, 0.975)).tolist()
            row = ImagePart(
                part=part,
                name=row.name,
                background=row.background,
                place=row.place,
                contribution=contribution,
                loss=of.loss,
                random=float(of.random_losses.mean()),
                random_range=(low, high),
                stronger_than=int((of.random_losses < of.loss).sum()),
                random_places=len(of.random_losses),
                changed=of.changed,
            )
        parts.append(row)
    rest = (
        ImagePart(part=None, name="no part", contribution=found.rest + found.outside),
        ImagePart(part=None, name="bias", contribution=found.bias),
    )
    rows = sorted(parts, key=lambda part: -part.contribution)
    names = atlas.classes
    return ImageComparison(
        file=record.name,
        a=names[found.pair[0]],
        b=names[found.pair[1]],
        predicted=names[found.predicted],
        margin=sum(row.contribution for row in (*rows, *rest)),
        parts=tuple(rows),
        rest=rest,
        not_hidden=not_hidden,
    )
