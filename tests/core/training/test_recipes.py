import math

import pytest
import torch

from s3n_core.errors import RecipeError
from s3n_core.method.configuration import NetworkChoices
from s3n_core.training.optimization import set_rates
from s3n_core.training.recipe import Recipe, parse_settings, recipe_from
from s3n_core.training.recipes import RECIPES, find_recipe

NAMES = tuple(RECIPES)


def test_the_named_recipes_are_there() -> None:
    assert set(NAMES) >= {"paper", "release", "hawkeye", "baseline", "quick", "small-data"}


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_survives_json(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.name == name
    assert recipe.about
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert recipe_from(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize("name", NAMES)
def test_sources_name_existing_fields(name: str) -> None:
    for field, source in find_recipe(name).sources.items():
        outer, _, inner = field.partition(".")
        assert outer in Recipe.model_fields
        assert not inner or (outer == "network" and inner in NetworkChoices.model_fields)
        assert source


@pytest.mark.parametrize("model", [Recipe, NetworkChoices])
def test_every_setting_is_described(model: type) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_the_paper_is_followed() -> None:
    paper = find_recipe("paper")
    assert (paper.network.backbone, paper.network.input_size, paper.network.branches) == ("resnet50", 448, "O+D+C")
    assert (paper.epochs, paper.batch_size, paper.momentum, paper.weight_decay) == (60, 16, 0.9, 1e-4)
    assert (paper.rate_backbone, paper.rate_heads) == (0.001, 0.01)
    assert paper.network.train_sampling == "random"


def test_the_slips_of_hawkeye_are_marked_and_not_copied() -> None:
    hawkeye = find_recipe("hawkeye")
    assert hawkeye.momentum == 0.9
    assert "without momentum" in hawkeye.sources["momentum"]
    assert hawkeye.rate_radius_c == hawkeye.rate_radius_d == 5e-8
    assert "5e-4" in hawkeye.sources["rate_radius_c"]


def test_baseline_is_the_original_branch_on_the_papers_schedule() -> None:
    baseline, paper = find_recipe("baseline"), find_recipe("paper")
    assert baseline.network.branches == "O"
    same = baseline.model_copy(update={"name": "paper", "about": paper.about, "network": paper.network})
    assert same == paper


def test_settings_are_changed_by_name() -> None:
    changed = find_recipe("quick").changed({"epochs": 3, "network.backbone": "resnet18", "crop_scale": None})
    assert (changed.epochs, changed.network.backbone, changed.crop_scale) == (3, "resnet18", None)
    assert find_recipe("quick").epochs != 3


def test_settings_are_read_from_a_command_line() -> None:
    assert parse_settings(["epochs=3", "flip=false", "weights=a=b.pth", "crop_scale=[0.5,1]", "patience=null"]) == {
        "epochs": 3,
        "flip": False,
        "weights": "a=b.pth",
        "crop_scale": [0.5, 1],
        "patience": None,
    }


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epoch": 3}, "'epoch'"),
        ({"network.backbones": "resnet18"}, "'network.backbones'"),
        ({"network.backbone.depth": 3}, "'network.backbone.depth'"),
        ({"epochs.all": 3}, "'epochs.all'"),
        ({"epochs": 0}, "epochs: "),
        ({"epochs": "many"}, "epochs: "),
        ({"batch_size": 6, "micro_batch": 4}, "micro_batch: 4 does not divide batch_size 6"),
        ({"crop_scale": [0.9, 0.5]}, "crop_scale: "),
        ({"crop_scale": [0.5, 1.5]}, "crop_scale: "),
        ({"epochs": 2, "phases": [{"epochs": 3, "sampling": "all"}]}, "phases: "),
        ({"phases": [{"epochs": 3, "sampling": "some"}]}, "phases.0.sampling: "),
        ({"network.window": 4}, "window: "),
        ({"network.source_size": 32}, "source_size: "),
        ({"network": 3}, "network: "),
        ({"network.batch_norm": "frozen", "recalibrate": True}, "recalibrate: frozen BatchNorm"),
        ({"epochs": 3, "average_epochs": 4}, "average_epochs: 4 are more than the training has (3)"),
        ({"average_epochs": 2, "patience": 3}, "average_epochs: with patience"),
        ({"seed": -1}, "seed: "),
        ({"checkpoint_minutes": math.inf}, "checkpoint_minutes: "),
        ({"rate_warm_up": math.inf}, "rate_warm_up: "),
        ({"rate_floor": math.nan}, "rate_floor: "),
        (parse_settings(["checkpoint_minutes=1e999"]), "checkpoint_minutes: "),
        (parse_settings(["rate_floor=inf"]), "rate_floor: "),
    ],
)
def test_a_wrong_setting_is_said_in_one_sentence(settings: dict[str, object], said: str) -> None:
    with pytest.raises(RecipeError) as error:
        find_recipe("quick").changed(settings)
    text = str(error.value)
    assert said in text
    assert "\n" not in text
    assert text.endswith(".")
    assert ".." not in text


def test_a_setting_without_value_and_an_unknown_recipe_are_said() -> None:
    with pytest.raises(RecipeError, match="field=value"):
        parse_settings(["epochs"])
    with pytest.raises(RecipeError, match="quick, small-data, paper"):
        find_recipe("slow")


def test_rates_fall_in_steps() -> None:
    recipe = find_recipe("paper").changed({"step_epochs": [2, 4], "step_factor": 0.1, "epochs": 6})
    factors = [recipe.rate_factor(progress) for progress in (0, 1.99, 2, 3.5, 4, 5.9)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_rates_fall_along_a_cosine_to_nothing() -> None:
    recipe = find_recipe("quick").changed({"epochs": 10, "rate_warm_up": 0})
    assert [recipe.rate_factor(p) for p in (0, 2.5, 5, 10, 11)] == pytest.approx(
        [1, 0.5 * (1 + math.sqrt(0.5)), 0.5, 0, 0], abs=1e-12
    )


def test_rates_stay() -> None:
    assert find_recipe("quick").changed({"schedule": "constant", "rate_warm_up": 0}).rate_factor(7.3) == 1


@pytest.mark.parametrize("schedule", ["step", "cosine", "constant"])
def test_rates_rise_over_a_fraction_of_an_epoch(schedule: str) -> None:
    recipe = find_recipe("quick").changed({"schedule": schedule, "rate_warm_up": 0.5})
    assert [recipe.rate_factor(p) for p in (0, 0.125, 0.25)] == pytest.approx([0, 0.25, 0.5])
    assert recipe.rate_factor(0.5) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("schedule", "rate"), [("cosine", 0.001), ("step", 0.0002), ("constant", 0.002)])
def test_only_a_cosine_has_a_minimum_rate(schedule: str, rate: float) -> None:
    settings = {"schedule": schedule, "epochs": 4, "step_epochs": [2], "rate_heads": 0.002, "rate_floor": 0.001}
    optimizer = torch.optim.SGD([{"params": [torch.zeros(1)], "role": "heads"}], lr=1.0)
    rates = set_rates(optimizer, find_recipe("quick").changed(settings), 4)
    assert rates == pytest.approx({"heads": rate})


def test_phases_decide_the_sampling_one_after_the_other() -> None:
    phases = [{"epochs": 2, "sampling": "identity"}, {"epochs": 1, "sampling": "all"}]
    recipe = find_recipe("paper").changed({"phases": phases})
    assert [recipe.sampling_at(epoch) for epoch in range(5)] == ["identity", "identity", "all", "random", "random"]
    release = find_recipe("release")
    assert [release.sampling_at(epoch) for epoch in (0, 20, 21)] == ["all", "all", "random"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("rate_heads=0,003", 0.003),
        ("rate_heads=1.000", 1.0),
        ("network.floor=0,25", 0.25),
        ("network.floor=none", "none"),
        ("patience=none", None),
        ("patience=7", 7),
        ("crop_scale=none", None),
        ("crop_scale=[0.6,1]", (0.6, 1.0)),
        ("weights=none", "none"),
        ("balance=none", "none"),
    ],
)
def test_numbers_of_settings_are_read_as_people_write_them(text: str, value: object) -> None:
    recipe = find_recipe("quick").changed(parse_settings([text]))
    outer, _, inner = text.partition("=")[0].partition(".")
    found = getattr(recipe, outer)
    assert (getattr(found, inner) if inner else found) == value


@pytest.mark.parametrize("text", ["epochs=1,000", "epochs=1.000", "micro_batch=1,000"])
def test_a_thousand_that_could_be_one_is_refused_with_both_readings(text: str) -> None:
    with pytest.raises(RecipeError, match=r"can be read as 1000 or as 1\.0; write 1000 or 1"):
        find_recipe("quick").changed(parse_settings([text]))
