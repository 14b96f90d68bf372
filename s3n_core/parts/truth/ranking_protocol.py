"""Measuring whether the parts of an atlas that tell two species apart are those in which synthetic birds truly differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.loading import Batch, Sample, SampleReader
from s3n_core.datasets.records import Box, displayed_class
from s3n_core.datasets.transforms import source_box
from s3n_core.demo.interventions import SceneRecord, read_interventions
from s3n_core.demo.species import PARTS, SPECIES, distinguishing_parts
from s3n_core.errors import DataSetError, UnreadableImage
from s3n_core.inspection.geometry import Place, ViewFrame
from s3n_core.inspection.inspection import NOT_FINITE
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.inspection.stages import scores_of
from s3n_core.method.contributions import OTHERS
from s3n_core.models.model_images import over_model_images
from s3n_core.models.opening import Model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.descriptors import StageFeatures
from s3n_core.parts.comparison.part_readings import hide_beside_random, owners_of, part_places
from s3n_core.parts.truth.intervention_measures import dilated
from s3n_core.parts.truth.ranking_measures import (
    Ranking,
    RankingMeasures,
    SpeciesMeans,
    majority_parts,
    ranking_measures,
)

MAPPING = 3
"""Every so many scenes of a species tell which true part an atlas's part is; the others are ranked."""


@dataclass(frozen=True, eq=False)
class _Scene:
    """What is read in one scene.

    Attributes:
        contributions: What each part of the atlas contributes to each logit, float64 (C, parts).
        in_masks: What is read in the mask of each true part, for each logit, (C, P).
        overlaps: Pixels of each part of the atlas in the mask of each true part, (parts, P).
        areas: Pixels of each true part's mask, (P,).
        places: Where each part of the atlas is.
        logits: Of the whole image, (C,).
    """

    contributions: NDArray[np.float64]
    in_masks: NDArray[np.float64]
    overlaps: NDArray[np.float64]
    areas: NDArray[np.float64]
    places: Mapping[int, Place]
    logits: NDArray[np.float64]


def measure_rankings(
    atlas: Atlas,
    model: Model,
    root: Path,
    *,
    removal: bool = True,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RankingMeasures:
    """Measure how often the part that an atlas ranks first for a pair of species is one in which they differ.

    Which true part a part of the atlas is (the mask that most of its masked pixels lie in) is found in every third scene of each
    species; the others are ranked. What the parts of one true part contribute is summed.

    Args:
        atlas: The atlas, built with other images.
        model: Its model, of the synthetic birds' species or of some of them.
        root: A data set drawn with interventions.
        removal: Also rank by what is lost when parts are hidden, less random places: 21 predictions or more an image.
        workers: Loading threads.
        progress: Called with (done, total) numbers of steps.

    Raises:
        DataSetError: There are no interventions, or too few scenes of species that the model knows.
        AtlasError: The model is another one.
        OutOfMemory: The device has too little memory for one image.
    """
    atlas.require(model.digest)
    named = {species.name: species for species in SPECIES}
    index = {displayed_class(name): position for position, name in enumerate(model.classes)}
    records = [record for record in read_interventions(root) if record.species in index]
    position_of: dict[str, int] = {}
    mapping = list[bool]()
    for record in records:
        position = position_of[record.species] = position_of.get(record.species, -1) + 1
        mapping.append(position % MAPPING == 0)
    enough = [species for species, last in position_of.items() if last >= 1]
    if len(enough) < 2:
        raise DataSetError(
            f"{root} has two images or more of only {len(enough)} species that the model knows; at least two species are needed."
        )
    ranked = [record for record, maps in zip(records, mapping, strict=True) if not maps]
    total, done = len(records) + len(ranked) * (2 if removal else 1), 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    inspector, read = Inspector(model), SampleReader(model.preprocess.ranges, watched=False)
    scenes = _read_scenes(atlas, inspector, root, records, index, workers, read, step)
    numbers = atlas.parts.numbers
    hidden = frozenset(part for part in numbers if atlas.parts.is_hidden(part))
    summed = np.zeros((len(numbers), len(PARTS)))
    for scene, maps in zip(scenes, mapping, strict=True):
        if maps and not isinstance(scene, str):
            summed += scene.overlaps
    true_part = majority_parts(summed, numbers, atlas.background | hidden)
    of_part = np.zeros((len(numbers), len(PARTS)))  # which true part each atlas part is
    for row, number in enumerate(numbers):
        if number in true_part:
            of_part[row, true_part[number][0]] = 1

    known = len(model.classes)
    kept = [
        (record, scene)
        for record, scene, maps in zip(records, scenes, mapping, strict=True)
        if not maps and not isinstance(scene, str)
    ]
    left_out = tuple(
        (record.image, scene) for record, scene in zip(records, scenes, strict=True) if isinstance(scene, str)
    )
    label = np.array([index[record.species] for record, _ in kept], dtype=np.int64)
    counts = np.bincount(label, minlength=known)
    if (counts > 0).sum() < 2:
        raise DataSetError(
            f"Too few of the {len(records)} images could be measured: at least two species need one each that is ranked (the "
            f"first that could not: {left_out[0][1]})."
        )
    not_measured = dict[Ranking, tuple[tuple[str, str], ...]]()
    values = dict[Ranking, NDArray[np.float64]]()

    def add(ranking: Ranking, of_scenes: Sequence[NDArray[np.float64] | str]) -> None:
        """Add the mean over the scenes of each species of values (C, P), or why a scene has none."""
        measured = np.array([not isinstance(value, str) for value in of_scenes])
        sums = np.zeros((known, known, len(PARTS)))
        for of, value in zip(label.tolist(), of_scenes, strict=True):
            if not isinstance(value, str):
                sums[of] += value
        number = np.bincount(label[measured], minlength=known)
        values[ranking] = sums / np.where(number, number, np.nan)[:, None, None]
        not_measured[ranking] = tuple(
            (record.image, value) for (record, _), value in zip(kept, of_scenes, strict=True) if isinstance(value, str)
        )

    add("read", [scene.contributions @ of_part for _, scene in kept])
    if removal:
        lost = list[NDArray[np.float64] | str]()
        for record, scene in kept:
            losses = _losses(inspector, root, record, scene, numbers, known, read)
            lost.append(losses if isinstance(losses, str) else losses @ of_part)
            step(1)
        add("relied on", lost)
    add("read in the masks", [scene.in_masks for _, scene in kept])
    add("brute-force removal", _drops(inspector, root, kept, workers, read, step))
    add("area", [np.tile(scene.areas, (known, 1)) for _, scene in kept])
    species = [named.get(displayed_class(name)) for name in model.classes]
    differ = np.zeros((known, known, len(PARTS)), dtype=bool)
    for a, one in enumerate(species):
        for b, other in enumerate(species):
            if one is not None and other is not None:
                differ[a, b] = [part in distinguishing_parts(one, other) for part in PARTS]
    found = SpeciesMeans(
        species=tuple(displayed_class(name) for name in model.classes),
        parts=PARTS,
        differ=differ,
        values=values,
        scenes=counts,
    )
    return ranking_measures(
        found,
        mapped={atlas.parts.name(part): (PARTS[of], share) for part, (of, share) in true_part.items()},
        correct=float(np.mean([scene.logits.argmax() == of for (_, scene), of in zip(kept, label, strict=True)])),
        left_out=left_out,
        not_measured=not_measured,
        seed=atlas.collection.seed,
    )


def _read_scenes(
    atlas: Atlas,
    inspector: Inspector,
    root: Path,
    records: Sequence[SceneRecord],
    index: Mapping[str, int],
    workers: int | None,
    read: Callable[[Sample], Image.Image],
    step: Callable[[int], None],
) -> list[_Scene | str]:
    """Return what is read in each scene, or why it could not be."""
    model, numbers = inspector.model, atlas.parts.numbers
    row_of = {number: row for row, number in enumerate(numbers)}
    found: list[_Scene | str] = [NOT_FINITE] * len(records)
    with StageFeatures(model) as stage:

        def work(batch: Batch) -> Sequence[_Scene | None]:
            stage.forget()
            sizes = [(width, height) for width, height in batch.sizes.tolist()]
            resampled = inspector.resample(inspector.prepare_views(batch.images, batch.names, sizes))
            output = inspector.classify(resampled)
            targets = [index[records[position].species] for position in batch.positions.tolist()]
            of_classes = [inspector.contributions(resampled, output, of) for of in range(len(model.classes))]
            against = inspector.contributions(resampled, output, targets, [OTHERS] * len(targets))
            results = list[_Scene | None]()
            for row, scores in enumerate(scores_of(output)):
                logits = scores.logits[scores.answer].astype(np.float64)
                if not np.isfinite(logits).all():
                    results.append(None)
                    continue
                frame = ViewFrame(box=source_box(sizes[row], model.preprocess), size=model.preprocess.source_size)
                predicted = int(logits.argmax())
                owners = owners_of(atlas, stage, row, against[row], frame, predicted)
                contributions = np.zeros((len(model.classes), len(numbers)))
                for branch, parts in owners.cells.items():
                    own = parts.reshape(-1) >= 0
                    rows = [row_of[part] for part in parts.reshape(-1)[own].tolist()]
                    for of, by_image in enumerate(of_classes):
                        np.add.at(contributions[of], rows, by_image[row].values[branch].reshape(-1)[own])
                record = records[int(batch.positions[row])]
                masks = _masks(root, record, sizes[row])
                shares = _shares_in_masks(against[row], masks)
                in_masks = np.stack(
                    [
                        np.sum(
                            [shares[branch] @ values.reshape(-1) for branch, values in by_image[row].values.items()],
                            axis=0,
                        )
                        for by_image in of_classes
                    ]
                )
                cells = stage.cell_places(row, frame)
                parts, within = atlas.parts.of(atlas.compared(stage.at(row, frame, cells), predicted))
                side = (
                    stage.stride * (frame.box[2] - frame.box[0]) / stage.side,
                    stage.stride * (frame.box[3] - frame.box[1]) / stage.side,
                )
                overlaps = np.zeros((len(numbers), len(PARTS)))
                for part, place in zip(parts[within].tolist(), cells[within].tolist(), strict=True):
                    overlaps[row_of[part]] += _inside(masks, place, side)
                results.append(
                    _Scene(
                        contributions=contributions,
                        in_masks=in_masks,
                        overlaps=overlaps,
                        areas=masks.sum(axis=(1, 2)).astype(np.float64),
                        places=part_places(against[row], owners, frame),
                        logits=logits,
                    )
                )
            return results

        loop = over_model_images(
            model,
            [Sample(root / record.image, record.image) for record in records],
            work,
            workers=workers,
            read=read,
        )
        with closing(loop) as batches:
            for results in batches:
                for position, result in results:
                    if isinstance(result, UnreadableImage):
                        found[position] = result.reason
                    elif result is not None:
                        found[position] = result
                step(len(results))
    return found


def _drops(
    inspector: Inspector,
    root: Path,
    scenes: Sequence[tuple[SceneRecord, _Scene]],
    workers: int | None,
    read: Callable[[Sample], Image.Image],
    step: Callable[[int], None],
) -> list[NDArray[np.float64] | str]:
    """Return by how much each logit drops without each true part, (C, P), of each scene, or why it is not known."""
    model = inspector.model
    samples = [Sample(root / record.part_images[part], record.image) for record, _ in scenes for part in PARTS]

    def work(batch: Batch) -> Sequence[NDArray[np.float64]]:
        # All drawings of a scene have the draws of its image, where the model needs any.
        scores = inspector.scores(batch.images, list(batch.names))
        return [of_image.logits[of_image.answer].astype(np.float64) for of_image in scores]

    found = [np.zeros((len(scene.logits), len(PARTS))) for _, scene in scenes]
    reasons: dict[int, str] = {}
    loop = over_model_images(
        model,
        samples,
        work,
        workers=workers,
        read=read,
    )
    finished = 0
    with closing(loop) as batches:
        for results in batches:
            for position, logits in results:
                number, part = divmod(position, len(PARTS))
                if isinstance(logits, UnreadableImage):
                    reasons[number] = "a drawing without a part cannot be read"
                elif not np.isfinite(logits).all():
                    reasons[number] = NOT_FINITE
                else:
                    found[number][:, part] = scenes[number][1].logits - logits
            step((finished + len(results)) // len(PARTS) - finished // len(PARTS))
            finished += len(results)
    return [reasons.get(number, drops) for number, drops in enumerate(found)]


def _losses(
    inspector: Inspector,
    root: Path,
    record: SceneRecord,
    scene: _Scene,
    numbers: Sequence[int],
    classes: int,
    read: Callable[[Sample], Image.Image],
) -> NDArray[np.float64] | str:
    """Return how much each logit loses when each part of the atlas is hidden, less random places, (C, parts), or why not.

    A part that the scene does not have loses nothing.
    """
    try:
        image = read(Sample(root / record.image, record.image))
    except UnreadableImage as error:
        return error.reason
    x, y, width, height = record.box
    box = Box(x=x, y=y, width=width, height=height)
    hidden = hide_beside_random(inspector, image, scene.places, name=record.image, box=box)
    if isinstance(hidden, str):
        return hidden
    found = np.zeros((classes, len(numbers)))
    for part, result in hidden.items():
        logits = result.logits[result.answer].astype(np.float64)
        found[:, numbers.index(part)] = (logits[0] - logits[1]) - (logits[0] - logits[2:]).mean(axis=0)
    return found


def _masks(root: Path, record: SceneRecord, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the masks of all parts, bool (P, height, width).

    Raises:
        DataSetError: One is missing or damaged.
    """
    found = np.zeros((len(PARTS), size[1], size[0]), dtype=bool)
    for number, part in enumerate(PARTS):
        path = root / record.part_masks[part]
        try:
            with Image.open(path) as image:
                found[number] = np.asarray(image.convert("1"), dtype=bool)
        except (OSError, ValueError, SyntaxError) as error:
            raise DataSetError(f"{path} cannot be read ({error}). Draw the data set again.") from None
    return found


def _shares_in_masks(found: Contributions, masks: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    """Return by branch how much of each cell's footprint lies in each mask, dilated, (P, cells), in [0, 1]."""
    wide = np.stack([dilated(mask).reshape(-1) for mask in masks])
    whole = replace(found, values={branch: np.ones_like(values) for branch, values in found.values.items()})
    splat = whole.splat(masks.shape[2], masks.shape[1])
    return {
        branch: np.stack(
            [
                np.bincount(splat.cells[branch], shares * mask[splat.pixels[branch]], found.values[branch].size)
                for mask in wide
            ]
        )
        for branch, shares in splat.shares.items()
    }


def _inside(masks: NDArray[np.bool_], place: Sequence[float], side: tuple[float, float]) -> NDArray[np.int64]:
    """Return the pixels of each mask in a rectangle around a place, (P,)."""
    x0, y0 = (max(0, round(middle - length / 2)) for middle, length in zip(place, side, strict=True))
    x1, y1 = (round(middle + length / 2) for middle, length in zip(place, side, strict=True))
    return np.asarray(masks[:, y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)].sum(axis=(1, 2)))
