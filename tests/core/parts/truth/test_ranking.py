"""Rankings of parts held against the truth: hand-made cases with known answers, and the whole measurement on small drawings."""

import json
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from known_birds import KnownScene, write_known_birds
from PIL import Image
from tiny_models import CLASSES

from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.demo.interventions import FOLDER, SceneRecord, read_interventions, write_index
from s3n_core.demo.species import PARTS, SPECIES, distinguishing_parts
from s3n_core.errors import AtlasError, DataSetError, PlaceNotHidden
from s3n_core.inspection.geometry import Place
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.hide_places import hide_places
from s3n_core.inspection.inspection import NOT_FINITE
from s3n_core.inspection.inspector import Inspector
from s3n_core.models.opening import Model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.building import build_atlas
from s3n_core.parts.comparison.comparing import compare_classes
from s3n_core.parts.truth.intervention_measures import dilated, masses
from s3n_core.parts.truth.ranking_measures import RankingRow, SpeciesMeans, majority_parts, ranking_measures
from s3n_core.parts.truth.ranking_protocol import measure_rankings


def means(correct: bool) -> SpeciesMeans:
    """Four species that differ in known parts; what is read gives each part of a species to its own logit only."""
    looks = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]])
    differ = looks[:, None] != looks
    values = np.zeros((4, 4, 3))
    for scene in range(4):
        for other in range(4):
            # The logit of another species lacks what the parts in which it differs would give, or has it.
            values[scene, other] = np.where(differ[scene, other], 0 if correct else 2, 1)
    return SpeciesMeans(
        species=("a", "b", "c", "d"),
        parts=("bill", "tail", "legs"),
        differ=differ,
        values={
            "read": values,
            "brute-force removal": np.where(differ, 0.0, 1.0),
            "area": np.tile([1.0, 9, 2], (4, 4, 1)),
        },
        scenes=np.full(4, 5),
    )


def test_a_perfect_ranking_is_right_and_a_turned_one_is_wrong() -> None:
    perfect = ranking_measures(means(correct=True), mapped={}, correct=1.0)
    rows = {row.ranking: row for row in perfect.rows}
    assert list(rows) == ["read", "brute-force removal", "area", "best constant", "chance"]
    assert (perfect.pairs, perfect.near_pairs, perfect.scenes) == (6, 5, 20)
    assert (rows["read"].near, rows["read"].all, rows["read"].near_low) == (1, 1, 1)
    assert rows["read"].spearman == pytest.approx(1)
    # The tail differs in 4 of 6 pairs, 3 of the 5 near ones, and has the largest area.
    assert rows["area"].all == pytest.approx(4 / 6)
    assert rows["best constant"].near == pytest.approx(3 / 5)
    assert perfect.constant == "tail"
    assert rows["chance"].near == pytest.approx(np.mean([1, 2, 1, 2, 1]) / 3)
    assert rows["chance"].near_low is None
    turned = {row.ranking: row for row in ranking_measures(means(correct=False), mapped={}, correct=1.0).rows}
    assert turned["read"].near == 0
    assert turned["read"].spearman == pytest.approx(-1)


def test_parts_that_no_group_stands_for_are_never_first() -> None:
    """The pairs that differ in the first part, the bill, and in nothing else tell a ranking by numbers from one by scores."""
    found = means(correct=True)

    def read(values: np.ndarray) -> RankingRow:
        measured = ranking_measures(replace(found, values={**found.values, "read": values}), mapped={}, correct=1.0)
        return next(row for row in measured.rows if row.ranking == "read")

    nothing = read(np.zeros((4, 4, 3)))
    assert (nothing.near, nothing.near_high, nothing.all, nothing.spearman) == (0, 0, 0, None)

    # Only the tail has groups, and what is read there is against the pair's first species: the others' 0 is no larger.
    against = np.zeros((4, 4, 3))
    against[..., 1] = np.where(found.differ[..., 1], 1, 0)
    assert read(against).all == 0
    for_it = read(-against)
    assert for_it.all == pytest.approx(4 / 6)  # pairs that differ in the tail; in the others no part has anything

    together = np.zeros((4, 4, 3))
    together[..., :2] = np.where(found.differ.any(axis=2), 0, 1)[..., None]
    # Bill and tail are first together in all pairs: the two differ in both, in one of them, or in the legs only.
    assert read(together).all == pytest.approx(np.mean([0.5, 1, 1, 0.5, 0.5, 0]))


def test_without_near_pairs_there_is_no_best_constant_of_them() -> None:
    found = means(correct=True)
    far = ranking_measures(
        replace(found, parts=("bill", "tail", "legs"), differ=np.ones((4, 4, 3), dtype=bool)), mapped={}, correct=1.0
    )
    assert (far.near_pairs, far.constant) == (0, None)
    assert "best constant" not in " ".join(far.sentences())


def test_goals_need_enough_pairs_and_a_lower_bound_above_the_best_constant() -> None:
    met = [goal.met for goal in ranking_measures(means(correct=True), mapped={}, correct=1.0).goals()]
    assert met == [False, True, True, True]  # five near pairs are too few
    met = [goal.met for goal in ranking_measures(means(correct=False), mapped={}, correct=1.0).goals()]
    assert met == [False, False, False, False]


def test_a_part_is_the_true_part_that_most_of_its_masked_pixels_lie_in() -> None:
    overlaps = np.array([[9, 3, 0], [0, 0, 0], [1, 5, 4], [8, 0, 0]], dtype=float)
    assert majority_parts(overlaps, (0, 1, 4, 7), frozenset({7})) == {0: (0, 0.75), 4: (1, 0.5)}


def _names_a_differing_part(scores: dict[str, float], a: int, b: int) -> float:
    """Return whether the part with the largest score above 0 differs between two species, from 0 to 1; of tied parts the mean."""
    best = max(scores.values())
    differ = distinguishing_parts(SPECIES[a], SPECIES[b])
    return float(best > 0 and np.mean([name in differ for name, score in scores.items() if score == best]))


def _right_in_masks(model: Model, root: Path, records: list[SceneRecord], known: tuple[int, ...]) -> list[float]:
    """Return for each pair whether the mask that most of the margin is painted in is a part in which they differ."""
    inspector, of_species = Inspector(model), dict[int, list[np.ndarray]]()
    for record in records:
        with Image.open(root / record.image) as file:
            resampled = inspector.resample(inspector.prepare(file.convert("RGB"), record.image))
        output = inspector.classify(resampled)
        masks = []
        for part in PARTS:
            with Image.open(root / record.part_masks[part]) as file:
                masks.append(dilated(np.asarray(file.convert("1"), dtype=bool)))
        pictures = [inspector.contributions(resampled, output, of)[0].picture() for of in range(len(model.classes))]
        of_species.setdefault(record.label - 1, []).append(np.stack([masses(picture, masks) for picture in pictures]))
    means = {species: np.mean(values, axis=0) for species, values in of_species.items()}
    right = []
    for a, b in combinations(known, 2):
        scores = means[a][a] - means[a][b] - means[b][a] + means[b][b]
        right.append(_names_a_differing_part(dict(zip(PARTS, scores, strict=True)), a, b))
    return right


KNOWN = (0, 1, 2)


@dataclass
class Birds:
    """Three drawings of each known species with their interventions, an atlas of the ranked ones, and its model."""

    root: Path
    atlas: Atlas
    model: Model
    names: tuple[str, ...]
    ranked: list[SceneRecord]
    images: list[ImageRecord]


@pytest.fixture
def birds(model: Model, tmp_path: Path) -> Birds:
    root = tmp_path / "birds"
    write_known_birds(root, [number for number in KNOWN for _ in range(3)])
    records = []
    for record in read_interventions(root):
        scene, species = KnownScene(record.scene), SPECIES[record.label - 1]
        files = {part: f"{FOLDER}/{record.scene}_without_{part}.png" for part in PARTS}
        for part, file in files.items():
            scene.draw(species, without=(part,)).image.save(root / file)
        records.append(replace(record, part_images=files))
    write_index(root, records)
    names = tuple(f"{number:03d}.{SPECIES[number].name.replace(' ', '_')}" for number in range(len(CLASSES)))
    model = replace(model, header=model.header.model_copy(update={"classes": names}))
    ranked = [record for position, record in enumerate(records) if position % 3]
    images = [
        ImageRecord(path=root / record.image, name=record.image, label=record.label - 1, split="test")
        for record in ranked
    ]
    data = DataSet(root=root, format="images", classes=names, records=tuple(images))
    list(build_atlas(model, data, images, tmp_path / "atlas", split="test", parts=4, workers=0))
    return Birds(root, Atlas(tmp_path / "atlas"), model, names, ranked, images)


def test_the_whole_measurement_gives_what_comparing_each_pair_gives(birds: Birds) -> None:
    atlas, model, root, names = birds.atlas, birds.model, birds.root, birds.names
    steps = list[tuple[int, int]]()
    found = measure_rankings(
        atlas, model, root, removal=False, workers=0, progress=lambda done, total: steps.append((done, total))
    )
    assert steps[-1][0] == steps[-1][1]
    assert (found.pairs, found.scenes) == (3, 6)
    right = []
    for a, b in combinations(KNOWN, 2):
        comparison = compare_classes(
            atlas, model, {image.name: image for image in birds.images}, names[a], names[b], removal=False, workers=0
        )
        sums = dict.fromkeys(PARTS, 0.0)
        for part in comparison.parts:
            if part.name in found.mapped:
                sums[found.mapped[part.name][0]] += part.contribution
        right.append(_names_a_differing_part(sums, a, b))
    read, in_masks = (next(row for row in found.rows if row.ranking == kind) for kind in ("read", "read in the masks"))
    assert read.all == pytest.approx(np.mean(right))
    assert in_masks.all == pytest.approx(np.mean(_right_in_masks(model, root, birds.ranked, KNOWN)))
    assert set(found.to_dict()) >= {"rows", "goals", "near_pairs"}
    with pytest.raises(DataSetError, match="at least two species"):
        measure_rankings(atlas, replace(model, header=model.header.model_copy(update={"classes": CLASSES})), root)
    with pytest.raises(AtlasError, match="another model"):
        measure_rankings(atlas, replace(model, digest="0" * 16), root)


def test_what_cannot_be_measured_is_left_out_and_counted(birds: Birds, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third, fourth, *_ = birds.ranked  # two of each species
    (birds.root / first.part_images["tail"]).unlink()
    (birds.root / fourth.image).write_bytes(b"no image")
    asked = list[tuple[str, int]]()

    def crowded(
        inspector: Inspector, image: Image.Image, places: list[Place], **options: Any
    ) -> tuple[HiddenPlace, ...]:
        asked.append((options["name"], len(places)))
        if options["name"] == first.image:
            raise PlaceNotHidden("With a place hidden, there is no finite answer.", room=True)
        if options["name"] == third.image or len(places) > 1:
            raise PlaceNotHidden("Only 3 random places.", room=False)
        return hide_places(inspector, image, places, **options)

    monkeypatch.setattr("s3n_core.parts.comparison.part_readings.hide_places", crowded)
    found = measure_rankings(birds.atlas, birds.model, birds.root, workers=0)
    assert found.scenes == 5
    ((name, reason),) = found.left_out
    assert name == fourth.image
    assert found.not_measured["read"] == found.not_measured["area"] == ()
    assert found.not_measured["brute-force removal"] == ((first.image, "a drawing without a part cannot be read"),)
    # Parts are hidden each beside its own places, as in comparisons; nothing is known where that has no room either.
    # Where an answer is not finite, the same places are not asked again.
    assert found.not_measured["relied on"] == (
        (first.image, NOT_FINITE),
        (third.image, "there is no room for random places"),
    )
    assert len([image for image, _ in asked if image == first.image]) == 1
    assert {size for image, size in asked if image == second.image} >= {1}
    pairs = {row.ranking: row.pairs for row in found.rows}
    assert pairs["relied on"] == 1  # the second species has no scene left
    assert pairs["read"] == pairs["brute-force removal"] == pairs["chance"] == 3
    said = " ".join(found.sentences())
    assert f"Left out: 1 images: {reason}." in said
    assert f"Left out of 'relied on': 1 images: {NOT_FINITE}; 1 images: there is no room for random places." in said
    assert "'relied on' is measured for 1 of 3 pairs" in said
    json.dumps(found.to_dict(), allow_nan=False)

    for record in birds.ranked[2:]:
        (birds.root / record.image).write_bytes(b"no image")
    with pytest.raises(DataSetError, match="at least two species need one each"):
        measure_rankings(birds.atlas, birds.model, birds.root, removal=False, workers=0)


def test_a_ranking_that_was_not_measured_for_a_species_is_not_compared_there() -> None:
    found = means(correct=True)
    lost = found.values["brute-force removal"].copy()
    lost[3] = np.nan
    measured = ranking_measures(
        replace(found, values={**found.values, "brute-force removal": lost}), mapped={}, correct=1.0
    )
    rows = {row.ranking: row for row in measured.rows}
    assert (rows["brute-force removal"].pairs, rows["read"].pairs) == (3, 6)
    assert rows["brute-force removal"].all == 1
    assert rows["read"].spearman == pytest.approx(1)
