"""The protocols with interventions, on birds and a network whose answers are known."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from known_birds import STRENGTHS, KnownScene, knowing_model, write_known_birds

from s3n_core.commands.intervention_text import interventions_text
from s3n_core.demo.species import PARTS, SPECIES
from s3n_core.errors import DataSetError
from s3n_core.method.network import S3N
from s3n_core.models.opening import Model
from s3n_core.parts.truth.intervention_protocol import measure_interventions
from s3n_core.parts.truth.intervention_result import (
    CEILING,
    DELETION,
    GRAD_CAM,
    HALF,
    NOT_TRAINED,
    ONES,
    RANDOM,
    RESPONSE,
    SIGNED,
    AttributionRow,
    InterventionMeasures,
    Key,
)
from s3n_core.parts.truth.random_networks import randomised

SCENES = [12, 16, 19, 23]


@pytest.fixture
def birds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("s3n_core.parts.truth.intervened_scene.Scene", KnownScene)
    write_known_birds(tmp_path / "birds", SCENES)
    return tmp_path / "birds"


def row(found: InterventionMeasures, name: str, kind: str | None = None) -> AttributionRow:
    (one,) = [
        row
        for row in found.rows()
        if row.name == name and (row.kind == kind or (not kind and row.kind not in NOT_TRAINED))
    ]
    return one


def test_a_network_that_reads_each_part_where_it_is_agrees_with_removal(
    birds: Path, model: Model, small_network: Callable[..., S3N]
) -> None:
    found = measure_interventions(knowing_model(model, small_network), birds)
    assert (len(found.scenes), found.total, found.unknown, found.species, found.correct) == (4, 4, 0, 24, 4)
    assert found.background_independence == (1.0, 8)
    for scene, number in zip(found.scenes, SCENES, strict=True):
        own = SPECIES[number].variants()
        for part in PARTS:
            shared = np.mean([other.variants()[part] == own[part] for other in SPECIES])
            assert scene.drops[part] == pytest.approx(STRENGTHS[part] * (1 - shared), abs=1e-4)
        assert list(scene.background_drops.values()) == pytest.approx([0, 0], abs=1e-4)
        assert scene.logit == pytest.approx(sum(scene.drops.values()), abs=1e-3)
    for name in (SIGNED, DELETION, CEILING):
        of = row(found, name)
        assert (of.sd.value, of.sd.images) == (pytest.approx(1), 4)
        assert of.funnybirds.completeness.value == pytest.approx(1)
        assert of.fitted.means["csdc"].images == of.fitted.means["d"].images == 2  # every second scene
        assert of.ts.images == found.premises[0]
    assert found.premises == (4, 4)
    assert row(found, SIGNED).ts.value == row(found, DELETION).ts.value == 1
    assert row(found, GRAD_CAM).sd.value == pytest.approx(1)  # all contributions to a correct class are positive here
    many = dataclasses.replace(found, scenes=found.scenes * 5)  # two of each scene on either side, and more than ten
    assert row(many, SIGNED).fitted.completeness.interval == pytest.approx((1, 1))
    low, high = row(many, RANDOM).fitted.completeness.interval or (0, 0)
    assert low < row(many, RANDOM).fitted.completeness.value < high  # type: ignore[operator]
    # These do not depend on the class; the parts' masks are equal, so nothing orders the parts.
    assert row(found, ONES).ts.value == row(found, HALF).ts.value == row(found, RESPONSE).ts.value == 0
    assert (row(found, ONES).sd.value, row(found, ONES).sd.images) == (None, 0)
    assert row(found, RANDOM).funnybirds.completeness.value < 0.9  # type: ignore[operator]


def explained(found: InterventionMeasures, instead: dict[Key, Key]) -> InterventionMeasures:
    """Return the measures with some attributions replaced by others."""
    scenes = [
        dataclasses.replace(
            scene, attributions={key: scene.attributions[instead.get(key, key)] for key in scene.attributions}
        )
        for scene in found.scenes
    ]
    return dataclasses.replace(found, scenes=tuple(scenes))


def test_a_network_that_reads_each_part_meets_all_goals_and_a_random_map_misses_them(
    birds: Path, model: Model, small_network: Callable[..., S3N]
) -> None:
    knowing = knowing_model(model, small_network)
    found = measure_interventions(knowing, birds, sanity=True, shuffled=randomised(knowing, seed=3))
    # The backbone has no weights, so only the heads can be random.
    random = row(found, SIGNED, "random heads")
    assert random.sd.value < 0.9  # type: ignore[operator]
    found = explained(found, dict.fromkeys([(kind, SIGNED) for kind in NOT_TRAINED], ("control", RANDOM)))
    assert all(goal.met for goal in found.goals()), found.goals()
    shown = json.loads(json.dumps(found.to_dict()))
    assert shown["premise_confirmed"] == {"images": 4, "of": 4}
    (signed,) = [of for of in shown["attributions"] if (of["kind"], of["name"]) == ("contributions", SIGNED)]
    assert signed["sd"] == {"value": pytest.approx(1), "images": 4, "interval_95": None}
    text = interventions_text(found, goals=True)
    assert "removal confirms the premise in 4 of 4 images" in text
    assert "random heads: O signed" in text
    assert text.count(" met") == len(found.goals())

    blind = explained(found, {("contributions", SIGNED): ("control", RANDOM)})
    assert {"SD (correctness)", "completeness", "SD, above the controls"} <= {
        g.name for g in blind.goals() if not g.met
    }


def test_no_measure_of_a_network_without_knowledge_may_be_shown_to_exceed_the_controls(
    birds: Path, model: Model, small_network: Callable[..., S3N]
) -> None:
    knowing = knowing_model(model, small_network)
    found = measure_interventions(knowing, birds, sanity=True)
    missing = "shuffled labels, which are not measured without --shuffled with a model that was trained after s3n shuffle-labels"
    assert missing in {goal.name for goal in found.goals() if not goal.met}
    assert f"{missing} " in interventions_text(found, goals=True)
    none = {key for key in found.scenes[0].attributions if key[0] in NOT_TRAINED}
    plain = measure_interventions(knowing, birds)
    assert {"random heads, which are not measured without --sanity"} <= {g.name for g in plain.goals() if not g.met}

    # One that explains as the trained one does exceeds every control; it is judged by its interval where there is one.
    knows = explained(found, dict.fromkeys(none, ("contributions", SIGNED)))
    many = dataclasses.replace(knows, scenes=knows.scenes * 5)
    for measured in (knows, many):
        goals = {goal.name: goal for goal in measured.goals() if goal.name.startswith("random heads: ")}
        assert list(goals) == [
            f"random heads: {name}, not above the best control" for name in ("completeness", "SD", "TS")
        ]
        assert not any(goal.met for goal in goals.values())

    # The best control itself does not, though its mean is not below it: the lower end of its interval is.
    (sd,) = [goal for goal in many.goals() if goal.name == "random heads: SD, not above the best control"]
    best = max((RANDOM, ONES, HALF), key=lambda name: row(many, name).sd.value or 0)
    chance = explained(many, dict.fromkeys(none, ("control", best)))
    (same,) = [goal for goal in chance.goals() if goal.name == sd.name]
    low, _ = row(chance, best).sd.interval or (1, 1)
    assert same.met
    assert same.value is not None
    assert same.most == sd.most == row(chance, best).sd.value
    assert same.value == pytest.approx(low, abs=0.02)  # images are drawn by the row's name
    assert same.to_dict()["most"] == same.most


def test_some_scenes_and_species(birds: Path, model: Model, small_network: Callable[..., S3N]) -> None:
    twelve = SPECIES[12:20]
    found = measure_interventions(knowing_model(model, small_network, twelve), birds, images=2)
    assert [scene.species for scene in found.scenes] == [SPECIES[12].name, SPECIES[16].name]
    assert (found.total, found.unknown, found.species) == (4, 1, 8)
    assert "1 images show species that it does not know." in interventions_text(found)
    with pytest.raises(DataSetError, match="0 show a species that the model knows"):
        measure_interventions(model, birds)


def test_wrong_predictions_and_negative_logits_are_left_out_and_counted(
    birds: Path, model: Model, small_network: Callable[..., S3N]
) -> None:
    """With the classes in another order, every bird is taken for another species."""
    right = knowing_model(model, small_network)
    shifted = (*right.classes[1:], right.classes[0])
    wrong = dataclasses.replace(right, header=right.header.model_copy(update={"classes": shifted}))
    found = measure_interventions(wrong, birds)
    assert found.correct == 0
    assert found.not_positive > 0
    at = row(found, SIGNED)
    csdc = at.fitted.means["csdc"]
    assert (csdc.value, csdc.images, at.fitted.completeness.value) == (None, 0, None)
    assert at.funnybirds.means["pc"].images == 4
    assert at.funnybirds.means["d"].images == 4 - found.not_positive
    assert not any(goal.met for goal in found.goals() if goal.name.startswith("completeness"))


def test_another_version_of_the_drawings_and_lost_masks_are_named(
    birds: Path, model: Model, small_network: Callable[..., S3N]
) -> None:
    knowing = knowing_model(model, small_network)
    mask = (birds / "interventions" / "mask_tail.png").read_bytes()
    (birds / "interventions" / "mask_tail.png").unlink()
    with pytest.raises(DataSetError, match=r"mask_tail\.png cannot be read"):
        measure_interventions(knowing, birds)
    (birds / "interventions" / "mask_tail.png").write_bytes(mask)
    KnownScene(0).draw(SPECIES[0], without=PARTS).image.point(lambda v: 255 - v).save(birds / "images" / "0.jpg")
    with pytest.raises(DataSetError, match="as this version draws it"):
        measure_interventions(knowing, birds)


def test_a_model_trained_on_shuffled_labels_is_measured_beside_random_networks(
    birds: Path, model: Model, small_network: Callable[..., S3N]
) -> None:
    knowing = knowing_model(model, small_network)
    ignorant = measure_interventions(knowing, birds, shuffled=randomised(knowing, seed=3))
    assert {kind for kind, _ in ignorant.scenes[0].attributions} & set(NOT_TRAINED) == {"shuffled labels"}
    assert row(ignorant, SIGNED, "shuffled labels").sd.value < 0.9  # type: ignore[operator]
    goals = {goal.name: goal for goal in ignorant.goals()}
    assert goals["SD, above random networks"].least == row(ignorant, SIGNED, "shuffled labels").sd.value
    assert goals["SD, above random networks"].met
    assert "shuffled labels: O signed" in interventions_text(ignorant)

    # One that explains as well as the model has learnt what it explains, or the explanation does not depend on it.
    suspicious = measure_interventions(knowing, birds, shuffled=knowing)
    assert row(suspicious, SIGNED, "shuffled labels").sd.value == row(suspicious, SIGNED).sd.value
    assert "SD, above random networks" in {goal.name for goal in suspicious.goals() if not goal.met}

    renamed = dataclasses.replace(knowing, header=knowing.header.model_copy(update={"classes": knowing.classes[::-1]}))
    with pytest.raises(DataSetError, match="has other classes than"):
        measure_interventions(knowing, birds, shuffled=renamed)
