"""FunnyBirds' protocols with the seven parts of the synthetic birds, for several attributions of a model side by side.

The truth comes from exact drawings of each scene without parts and without objects of the background. What the protocols
need is drawn when it is asked for: several parts at once only where some attribution finds just these important.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_core.datasets.transforms import test_view
from s3n_core.demo.interventions import SceneRecord, read_interventions
from s3n_core.demo.species import PARTS, SPECIES, Species, contrasts, fitting, shared_parts, sufficient_parts
from s3n_core.errors import DataSetError, UnreadableImage
from s3n_core.inspection.inspection import NOT_FINITE
from s3n_core.inspection.inspector import Inspector
from s3n_core.models.batches import within_memory
from s3n_core.models.opening import Model
from s3n_core.parts.truth.intervened_scene import WHOLE, IntervenedScene, Removal
from s3n_core.parts.truth.intervention_measures import (
    areas,
    densities,
    dilated,
    distractibility,
    important,
    irrelevant,
    masses,
    premise_holds,
    read_at_cells,
    single_deletion,
    spread,
    sufficiency,
    target_sensitivity,
)
from s3n_core.parts.truth.intervention_result import (
    CEILING,
    DELETION,
    HALF,
    KINDS,
    ONES,
    RANDOM,
    Clip,
    Curves,
    InterventionMeasures,
    Key,
    Kind,
    SceneAttribution,
    SceneMeasures,
)
from s3n_core.parts.truth.network_attributions import NetworkAttributions
from s3n_core.parts.truth.random_networks import randomised
from s3n_core.system.seeding import keyed_generator

_Mask = NDArray[np.bool_]
_Numbers = NDArray[np.float64]


def measure_interventions(
    model: Model,
    root: Path,
    *,
    images: int | None = None,
    sanity: bool = False,
    shuffled: Model | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> InterventionMeasures:
    """Hold a model's attributions against exact interventions on synthetic birds.

    Args:
        model: A model of the synthetic birds' species, or of some of them.
        root: A data set drawn with interventions.
        images: Measure only so many scenes, evenly spaced in their list; None: all.
        sanity: Also measure the attributions of the network with random heads, and with random weights throughout,
            against the same truth.
        shuffled: A model of the same classes that was trained on shuffled labels, whose attributions are measured against
            the same truth, too.
        progress: Called after every scene with the number of scenes done and the total.

    Returns:
        The measures of every scene of a species that the model knows.

    Raises:
        DataSetError: There are no interventions, another version drew them, there are fewer than two scenes, or the two
            models have different classes.
        OutOfMemory: The device has too little memory for one image.
    """
    records = read_interventions(root)
    named = {species.name: species for species in SPECIES}
    known = {
        species: index
        for index, name in enumerate(model.classes)
        if (species := named.get(displayed_class(name))) is not None
    }
    usable = [record for record in records if named.get(record.species) in known]
    count = len(usable) if images is None else min(images, len(usable))
    if count < 2 or len(known) < 2:
        raise DataSetError(
            f"Of the {len(records)} images with interventions in {root}, {len(usable)} show a species that the model knows; "
            "at least two are needed. Choose a model that was trained on synthetic birds."
        )
    random: dict[Kind, Model] = {}
    if sanity:
        random |= {"random heads": randomised(model), "random network": randomised(model, backbone=True)}
    if shuffled is not None:
        if [displayed_class(name) for name in shuffled.classes] != [displayed_class(name) for name in model.classes]:
            raise DataSetError(
                f"The model {shuffled.path} has other classes than {model.path}; train it on the same data set with shuffled "
                "labels (s3n shuffle-labels)."
            )
        random["shuffled labels"] = shuffled
    protocol = _Protocol(Inspector(model), {kind: Inspector(of) for kind, of in random.items()}, known)
    scenes, left_out = list[SceneMeasures](), list[tuple[str, str]]()
    for done in range(count):
        record = usable[done * len(usable) // count]
        try:
            measured = protocol.measure(root, record, named[record.species])
        except UnreadableImage as error:
            left_out.append((record.image, error.reason))
        else:
            if measured is None:
                left_out.append((record.image, NOT_FINITE))
            else:
                scenes.append(measured)
        if progress is not None:
            progress(done + 1, count)
    if len(scenes) < 2:
        raise DataSetError(f"Only {len(scenes)} of {count} images could be measured (the first: {left_out[0][1]}).")
    return InterventionMeasures(
        scenes=tuple(scenes),
        total=len(records),
        unknown=len(records) - len(usable),
        left_out=tuple(left_out),
        species=len(known),
        model=model.digest,
        precision=model.precision,
        sampling=model.sampling,
    )


@dataclass(frozen=True)
class _Importances:
    """The importances of an attribution of a class for the regions of a scene: parts, then background objects.

    Attributes:
        sums: Sums in the dilated masks, and of the whole, of the signed and of the clipped attribution.
        means: Means in the masks of the parts.
    """

    sums: Mapping[Clip, tuple[_Numbers, float]]
    means: _Numbers

    @classmethod
    def of_picture(cls, picture: _Numbers, wide: Sequence[_Mask], parts: Sequence[_Mask]) -> _Importances:
        clipped = np.maximum(picture, 0)
        return cls(
            {
                "clipped": (masses(clipped, wide), float(clipped.sum())),
                "unclipped": (masses(picture, wide), float(picture.sum())),
            },
            densities(picture, parts),
        )

    @classmethod
    def of_drops(cls, drops: _Numbers, parts: Sequence[_Mask]) -> _Importances:
        clipped = np.maximum(drops, 0)
        return cls(
            {"clipped": (clipped, float(clipped.sum())), "unclipped": (drops, float(drops.sum()))},
            drops[: len(parts)] / areas(parts),
        )

    @property
    def of_parts(self) -> tuple[_Numbers, _Numbers]:
        """The signed importances of the parts: sums, and means."""
        return self.sums["unclipped"][0][: len(PARTS)], self.means


@dataclass(frozen=True)
class _Regions:
    """What can be removed from a scene.

    Attributes:
        numbers: The numbers of its background objects.
        masks: The masks of the parts, then of the background objects.
        wide: The same, dilated.
        without: Logits without each region, shape (regions, C).
        whole: Logits of the whole scene, shape (C,).
    """

    numbers: tuple[str, ...]
    masks: tuple[_Mask, ...]
    wide: tuple[_Mask, ...]
    without: _Numbers
    whole: _Numbers

    @cached_property
    def drops(self) -> _Numbers:
        """By how much each logit drops without each region, shape (regions, C)."""
        return self.whole - self.without


class _Protocol:
    """Measures scenes with a model, and with networks beside it that have not learnt the classes."""

    def __init__(self, inspector: Inspector, random: Mapping[Kind, Inspector], known: Mapping[Species, int]) -> None:
        self._inspector, self._random, self._known = inspector, random, known

    def measure(self, root: Path, record: SceneRecord, species: Species) -> SceneMeasures | None:
        """Measure one scene; None if its scores are not finite."""
        scene = IntervenedScene(self._inspector, root, record, species)
        regions = _regions(scene)
        if not np.isfinite(regions.without).all() or not np.isfinite(regions.whole).all():
            return None
        others, target = list(self._known), self._known[species]
        predicted = int(regions.whole.argmax())
        logit, drops = float(regions.whole[target]), regions.drops[:, target]

        sets = [np.array([part in chosen for part in PARTS]) for chosen in sufficient_parts(species, others)]
        background = irrelevant(logit, regions.without[:, target]) if logit > 0 else None
        contrast, premise = next(iter(contrasts(species, others)), None), None
        if contrast is not None:
            shared = tuple(frozenset(shared_parts(species, other)) for other in contrast)
            classes = tuple(self._known[other] for other in contrast)
            first, second = scene.logits([(parts, None) for parts in shared]).values()
            premise = premise_holds(
                (float(first[classes[0]]), float(first[classes[1]])),
                (float(second[classes[0]]), float(second[classes[1]])),
            )

        sources = {
            key: (importances, importances(target), importances(predicted))
            for key, importances in self._importances(scene, regions)
        }
        # All at once, so that the next bird is drawn while the network looks at the last ones.
        scene.logits(
            removal
            for _, _, of_predicted in sources.values()
            for sums in of_predicted.sums.values()
            for chosen in _important_parts(sums)
            for removal in ((chosen, None), (frozenset(PARTS) - chosen, None))
        )
        found: dict[Key, SceneAttribution] = {}
        for key, (importances, of_target, of_predicted) in sources.items():
            curves = {
                clip: self._curves(
                    scene, of_target.sums[clip], of_predicted.sums[clip], predicted, target, sets, background
                )
                for clip in get_args(Clip)
            }
            part_drops = drops[: len(PARTS)]
            by_sum, by_mean = (single_deletion(of_parts, part_drops) for of_parts in of_target.of_parts)
            ts = None
            if premise:
                ts = _target_sensitivity([importances(index) for index in classes], shared)
            found[key] = SceneAttribution(curves=curves, sd=(by_sum, by_mean), ts=ts)
        return SceneMeasures(
            name=record.image,
            species=species.name,
            correct=predicted == target,
            logit=logit,
            drops=dict(zip(PARTS, drops[: len(PARTS)].tolist(), strict=True)),
            background_drops=dict(zip(regions.numbers, drops[len(PARTS) :].tolist(), strict=True)),
            told={
                part: int(regions.without[number].argmax()) == target
                for number, part in enumerate(PARTS)
                if fitting(species.look((part,)), others) == [species]
            },
            premise=premise,
            attributions=found,
        )

    def _importances(
        self, scene: IntervenedScene, regions: _Regions
    ) -> Iterator[tuple[Key, Callable[[int], _Importances]]]:
        """Return a function from a class to importances, by attribution."""
        parts = regions.masks[: len(PARTS)]

        def painted(picture: Callable[[int], _Numbers]) -> Callable[[int], _Importances]:
            known: dict[int, _Importances] = {}

            def of(target: int) -> _Importances:
                if target not in known:
                    known[target] = _Importances.of_picture(picture(target), regions.wide, parts)
                return known[target]

            return of

        own = self._attributions(self._inspector, scene)
        for name in own.names:
            yield (KINDS[name], name), painted(lambda target, name=name: own.picture(name, target))  # type: ignore[misc]
        yield (
            (KINDS[DELETION], DELETION),
            lambda target: _Importances.of_drops(regions.drops[:, target], parts),
        )
        pixels, cells = own.cells
        shape = regions.masks[0].shape

        def noise(target: int) -> _Numbers:
            drawn = keyed_generator(0, "random map", scene.record.image, target).random(int(cells.max()) + 1)
            picture = np.zeros(regions.masks[0].size)
            picture[pixels] = drawn[cells]
            return picture.reshape(shape)

        half = np.zeros(shape)
        half[:, : shape[1] // 2] = 1
        controls: dict[str, Callable[[int], _Numbers]] = {
            RANDOM: noise,
            ONES: lambda _: np.ones(shape),
            HALF: lambda _: half,
            CEILING: lambda target: read_at_cells(spread(regions.drops[:, target], regions.masks), pixels, cells),
        }
        for name, picture in controls.items():
            yield (KINDS[name], name), painted(picture)
        for kind, inspector in self._random.items():
            of_random = self._attributions(inspector, scene)
            for name in of_random.names:
                yield (
                    (kind, name),
                    painted(lambda target, name=name, of=of_random: of.picture(name, target)),  # type: ignore[misc]
                )

    def _attributions(self, inspector: Inspector, scene: IntervenedScene) -> NetworkAttributions:
        model = inspector.model

        def run() -> NetworkAttributions:
            view = test_view(scene.whole, model.preprocess)
            prepared = inspector.prepare_views(view[None], [scene.record.image], [scene.whole.size])
            resampled = inspector.resample(prepared)
            return NetworkAttributions(inspector, resampled, inspector.classify(resampled))

        return within_memory(run)

    def _curves(
        self,
        scene: IntervenedScene,
        of_target: tuple[_Numbers, float],
        of_predicted: tuple[_Numbers, float],
        predicted: int,
        target: int,
        sets: Sequence[_Mask],
        background: _Mask | None,
    ) -> Curves:
        regions = important(*of_target)
        chosen = _important_parts(of_predicted)

        def answers(removed: Callable[[frozenset[str]], frozenset[str]]) -> _Numbers:
            removals: list[Removal] = [(removed(parts), None) for parts in chosen]
            said = scene.logits(removals)
            return np.array([int(said[removal].argmax()) == predicted for removal in removals], dtype=np.float64)

        return Curves(
            csdc=sufficiency(regions[:, : len(PARTS)], sets) if predicted == target else None,
            pc=answers(lambda kept: frozenset(PARTS) - kept),
            dc=1 - answers(lambda gone: gone),
            d=None if background is None else distractibility(regions, background),
        )


def _target_sensitivity(of_classes: Sequence[_Importances], shared: Sequence[frozenset[str]]) -> tuple[float, float]:
    """Return TS of an attribution for two classes, by sums and by means; ``shared`` are the parts shared with each."""
    chosen = [np.array([part in parts for part in PARTS]) for parts in shared]
    scores = []
    for sides in zip(*(of.of_parts for of in of_classes), strict=True):
        first, second = ((float(side[chosen[0]].sum()), float(side[chosen[1]].sum())) for side in sides)
        scores.append(target_sensitivity(first, second))
    return scores[0], scores[1]


def _important_parts(sums: tuple[_Numbers, float]) -> list[frozenset[str]]:
    """Return the important parts at every threshold."""
    importances, total = sums
    rows = important(importances[: len(PARTS)], total).tolist()
    return [frozenset(part for part, is_in in zip(PARTS, row, strict=True) if is_in) for row in rows]


def _regions(scene: IntervenedScene) -> _Regions:
    """Draw a scene without each part and each background object, and ask the model about all of them."""
    record = scene.record
    masks = scene.masks({part: record.part_masks[part] for part in PARTS})
    masks |= scene.masks(record.background_masks)
    removals: list[Removal] = [(frozenset((part,)), None) for part in PARTS]
    removals += [(frozenset(), int(number)) for number in record.background_masks]
    said = scene.logits([WHOLE, *removals])
    return _Regions(
        numbers=tuple(record.background_masks),
        masks=tuple(masks.values()),
        wide=tuple(dilated(mask) for mask in masks.values()),
        without=np.stack([said[removal] for removal in removals]),
        whole=said[WHOLE],
    )
