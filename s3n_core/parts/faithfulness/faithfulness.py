"""Measuring how faithful contributions are, on any images, without annotation.

The patches that contribute most are removed from what the network sees, or put into an otherwise removed image, and all
branches see the changed image: O finds its peaks anew, D and C are warped anew. The same is done with random patches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from s3n_core.datasets.loading import Batch, Sample, SampleReader
from s3n_core.datasets.records import Box, ImageRecord
from s3n_core.datasets.transforms import source_box, test_view
from s3n_core.errors import DataSetError, UnreadableImage
from s3n_core.evaluation.evaluate import class_indices
from s3n_core.inspection.contribution_rows import splat_of
from s3n_core.inspection.inspection import NOT_FINITE, Scores, strongest
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.inspection.stages import scores_of
from s3n_core.models.batches import FittingPieces, default_batch_size
from s3n_core.models.model_images import over_model_images
from s3n_core.models.opening import Model
from s3n_core.parts.faithfulness.faithfulness_result import (
    REMOVAL_FILLS,
    Baseline,
    Faithfulness,
    Group,
    ImageFaithfulness,
    Measure,
    RemovalFill,
)
from s3n_core.parts.faithfulness.removal_curves import (
    FRACTIONS,
    area_under,
    random_order,
    relative_drop,
    removal_order,
    removed,
)
from s3n_core.system.seeding import keyed_generator

PATCHES = 20
"""Patches along each side of what the network sees: 5 % of the area are 20 patches."""

RANDOM_ORDERS = 2
"""Random orders of the patches per image, whose measures are averaged."""

BLUR = 0.1
"""Standard deviation of the blur, as a fraction of the side of what the network sees."""


_Pair = tuple[float, float]


def measure_faithfulness(
    model: Model,
    records: Sequence[ImageRecord],
    classes: Sequence[str],
    *,
    split: str = "all",
    total: int | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Faithfulness:
    """Measure insertion and deletion curves, and the relative drop of pairs, for contributions and random patches.

    Args:
        model: The model.
        records: The images, at least two; those without a label form a group of their own.
        classes: Names of the records' labels (``DataSet.classes``); matched with the model's by name.
        split: Which images these are.
        total: Number of images of the split, if ``records`` are only some of them.
        workers: Loading threads.
        progress: Called after every image with the number of images done and the total.

    Returns:
        The measures of every image that could be read.

    Raises:
        DataSetError: There are fewer than two images, none could be read, or a class is not the model's.
        OutOfMemory: The device has too little memory for one image.
    """
    if len(records) < 2:
        raise DataSetError("Faithfulness needs at least two images: patches of one are replaced by those of another.")
    indices = class_indices(model, classes, {record.label for record in records if record.label is not None})
    inspector, pieces = Inspector(model), FittingPieces()
    read = SampleReader(model.preprocess.ranges, watched=False)
    samples = [Sample.of(record) for record in records]

    def work(batch: Batch) -> Sequence[ImageFaithfulness | None]:
        (position,) = batch.positions.tolist()
        (width, height), record = batch.sizes[0].tolist(), records[position]
        other = _other_view(model, samples, position, read)
        target = None if record.label is None else indices[record.label]
        return [_measure(inspector, pieces, batch.images[0], (width, height), other, record, target)]

    loop = over_model_images(
        model,
        samples,
        work,
        batch_size=1,
        workers=workers,
        read=read,
    )
    images, left_out, done = list[ImageFaithfulness](), list[tuple[str, str]](), 0
    with closing(loop) as batches:
        for results in batches:
            for position, result in results:
                if isinstance(result, ImageFaithfulness):
                    images.append(result)
                else:
                    reason = result.reason if isinstance(result, UnreadableImage) else NOT_FINITE
                    left_out.append((records[position].name, reason))
            done += len(results)
            if progress is not None:
                progress(done, len(records))
    if not images:
        raise DataSetError(f"None of the {len(records)} images could be measured (the first: {left_out[0][1]}).")
    return Faithfulness(
        images=tuple(images),
        total=len(records) if total is None else total,
        unreadable=tuple(left_out),
        split=split,
        model=model.digest,
        precision=model.precision,
        sampling=model.sampling,
    )


def contribution_map(found: Contributions, frame_box: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Return contributions on the patches of what the network sees, shape (PATCHES, PATCHES), in logits.

    Args:
        found: The contributions.
        frame_box: What the network sees, (x0, y0, x1, y1) in original pixels.
    """
    start, span = np.array(frame_box[:2]), np.subtract(frame_box[2:], frame_box[:2])
    places, corners = (
        {branch: ((of_cells - start) / span).astype(np.float32) for branch, of_cells in cells.items()}
        for cells in (found.places, found.corners)
    )
    return splat_of(found.values, places, corners, (1, 1), (PATCHES, PATCHES)).picture()


def _measure(
    inspector: Inspector,
    pieces: FittingPieces,
    view: NDArray[np.uint8],
    size: tuple[int, int],
    other: NDArray[np.uint8],
    record: ImageRecord,
    target: int | None,
) -> ImageFaithfulness | None:
    """Measure one image; None if its scores are not finite."""
    model = inspector.model
    resampled = inspector.resample(inspector.prepare_views(view[None], [record.name], [size]))
    output = inspector.classify(resampled)
    (scores,) = scores_of(output)
    if not scores.is_finite:
        return None
    ranked = strongest(scores.logits[scores.answer], 2).tolist()
    first, rival = ranked[0], ranked[min(1, len(ranked) - 1)]
    seen = source_box(size, model.preprocess)
    asked_for = (("class", None), ("margin", rival))
    found = {name: inspector.contributions(resampled, output, first, versus)[0] for name, versus in asked_for}
    baselines = _baselines(model, found["class"])
    if "original" in baselines:
        found |= {
            f"{name} original": replace(found[name], values={"O": found[name].values["O"]}) for name in list(found)
        }
    if "unwarped" in baselines:
        for name, versus in asked_for:
            found[f"{name} unwarped"] = inspector.contributions(resampled, output, first, versus, warped=False)[0]
    by_contributions = {name: removal_order(contribution_map(of, seen)) for name, of in found.items()}
    inside = _inside(record.box, seen)
    if not (on_box := bool(inside.any())):
        inside = ~inside
    generator = keyed_generator(0, "faithfulness", record.name)
    by_chance = {f"random {n}": random_order(generator, inside) for n in range(RANDOM_ORDERS)}
    orders = {name: of for name, of in by_contributions.items() if name.startswith("class")} | by_chance
    margins = {name: of for name, of in by_contributions.items() if name.startswith("margin")}

    def asked() -> Iterator[tuple[tuple[RemovalFill, str, str, float], NDArray[np.bool_]]]:
        """Return what is removed in every changed image; the unchanged one and the whole fill belong to all curves."""
        for fill in REMOVAL_FILLS:
            yield (fill, "whole", "", 1.0), np.ones((PATCHES, PATCHES), dtype=bool)
            for name, order in margins.items():
                for fraction in FRACTIONS[1:3]:
                    yield (fill, "deletion", name, fraction), removed(order, fraction, inside.shape)
            for name, order in orders.items():
                for fraction in FRACTIONS[1:-1]:
                    gone = removed(order, fraction, inside.shape)
                    yield (fill, "deletion", name, fraction), gone
                    yield (fill, "insertion", name, fraction), ~gone

    fills = dict(zip(REMOVAL_FILLS, (_blurred(view), other), strict=True))
    questions = list(asked())
    pixels = np.arange(len(view)) * PATCHES // len(view)  # the patch of each pixel
    answers = list[_Pair]()
    at_once = default_batch_size(model.device)
    for begin in range(0, len(questions), at_once):
        some = questions[begin : begin + at_once]
        views = np.stack([np.where(gone[pixels][:, pixels, None], fills[key[0]], view) for key, gone in some])
        for part in pieces.over(len(views), partial(_scores, inspector, views, record.name)):
            answers += [_pair(said, first, rival) for said in part]
    said = {key: answer for (key, _), answer in zip(questions, answers, strict=True)}

    before = _pair(scores, first, rival)
    values: dict[RemovalFill, dict[Measure, _Pair]] = {}
    of_baselines: dict[Baseline, dict[RemovalFill, dict[Measure, float]]] = {name: {} for name in baselines}
    for fill in REMOVAL_FILLS:
        whole = said[fill, "whole", "", 1.0]

        def curve(kind: str, name: str, fill: RemovalFill = fill, whole: _Pair = whole) -> float:
            ends = (before, whole) if kind == "deletion" else (whole, before)
            between = [said[fill, kind, name, fraction] for fraction in FRACTIONS[1:-1]]
            return area_under(FRACTIONS, [pair[0] for pair in (ends[0], *between, ends[1])])

        def drop(name: str, fraction: float, fill: RemovalFill = fill) -> float:
            return relative_drop(before, said[fill, "deletion", name, fraction])

        measures: dict[Measure, tuple[str, Callable[[str], float]]] = {
            "insertion AUC": ("class", partial(curve, "insertion")),
            "deletion AUC": ("class", partial(curve, "deletion")),
            "RD@5 %": ("margin", partial(drop, fraction=0.05)),
            "RD@10 %": ("margin", partial(drop, fraction=0.1)),
        }
        values[fill] = {
            measure: (of(own), float(np.mean([of(name) for name in by_chance])))
            for measure, (own, of) in measures.items()
        }
        for baseline, by_fill in of_baselines.items():
            by_fill[fill] = {measure: of(f"{own} {baseline}") for measure, (own, of) in measures.items()}
    group: Group = "unlabelled" if target is None else "correct" if target == first else "wrong"
    return ImageFaithfulness(name=record.name, group=group, on_box=on_box, values=values, baselines=of_baselines)


def _baselines(model: Model, found: Contributions) -> tuple[Baseline, ...]:
    """Return what the contributions of all branches are held against: nothing where there is one branch only."""
    if len(found.values) < 2 or "O" not in found.values:
        return ()
    unwarped = "identity" in (model.network.config.control, model.sampling)
    return ("original",) if unwarped else ("original", "unwarped")


def _scores(inspector: Inspector, views: NDArray[np.uint8], name: str, piece: slice) -> tuple[Scores, ...]:
    some = views[piece]
    return inspector.scores(some, [name] * len(some))


def _pair(scores: Scores, first: int, rival: int) -> _Pair:
    """Return the probabilities of two classes according to the network's prediction."""
    shares = scores.probabilities(scores.answer)
    return float(shares[first]), float(shares[rival])


def _blurred(view: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(view).filter(ImageFilter.GaussianBlur(BLUR * len(view))))


def _other_view(model: Model, samples: Sequence[Sample], position: int, read: SampleReader) -> NDArray[np.uint8]:
    """Return the view of another image, drawn by this one's name.

    Raises:
        DataSetError: No other image can be read.
    """
    drawn = keyed_generator(0, "another image", samples[position].name).permutation(len(samples)).tolist()
    for other in drawn:
        if other != position:
            try:
                return test_view(read(samples[other]), model.preprocess)
            except UnreadableImage:
                continue
    raise DataSetError("Faithfulness needs at least two images that can be read.")


def _inside(box: Box | None, seen: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    """Return which patches have their centre in the object's box, bool (PATCHES, PATCHES); none without a box."""
    if box is None:
        return np.zeros((PATCHES, PATCHES), dtype=bool)
    share = (np.arange(PATCHES) + 0.5) / PATCHES
    x, y = seen[0] + share * (seen[2] - seen[0]), seen[1] + share * (seen[3] - seen[1])
    across, down = (box.x <= x) & (x <= box.x + box.width), (box.y <= y) & (y <= box.y + box.height)
    inside: NDArray[np.bool_] = down[:, None] & across
    return inside
