"""The files and events of the trainer."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tiny_models import tiny_header
from tiny_training import (
    LiveTraining,
    assert_same_tensors,
    draw_pictures,
    epoch_lines,
    kinds,
    prepare,
    train,
    weights,
)

from s3n_core.errors import DataSetNotFound
from s3n_core.method.backbone_sizes import tokens_sentence
from s3n_core.method.configuration import HEADER_KEY
from s3n_core.method.objective import Losses, objective
from s3n_core.models.model_headers import read_header
from s3n_core.models.opening import open_model
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.distributed import Team
from s3n_core.training import loop, step
from s3n_core.training.batch_loader import BatchLoader
from s3n_core.training.events import CheckpointSaved, EpochDone, RunEnded, RunStarted, StepDone
from s3n_core.training.learner import Learner
from s3n_core.training.preparing import read_plan
from s3n_core.training.recalibration import recalibrate
from s3n_core.training.run_control import RunControl
from s3n_core.training.trainer import Trainer


def only_plain(value: Any) -> bool:
    """Return whether a value consists only of numbers, strings and paths."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and only_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(only_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str | Path)


@pytest.mark.usefixtures("every_batch_tells")
def test_events_are_plain_and_travel(tmp_path: Path, pictures: Path) -> None:
    seen: list[bool] = []

    def snapshots_are_whole(event: object) -> None:
        seen.extend((folder / "probes.json").is_file() for folder in (tmp_path / "run" / "snapshots").glob("epoch-*"))

    run = prepare(tmp_path / "run", pictures, epochs=2, checkpoint_minutes=1e-6)
    events = train(run, during=snapshots_are_whole)
    assert isinstance(events[0], RunStarted)
    assert (events[0].resumed, events[0].epochs, events[0].batches) == (False, 2, 4)
    assert (events[0].images, events[0].validation, events[0].classes) == (21, 3, 3)
    assert isinstance(events[-1], RunEnded)
    assert set(kinds(events)) == {"RunStarted", "StepDone", "CheckpointSaved", "EpochDone", "RunEnded"}
    for event in events:
        assert pickle.loads(pickle.dumps(event)) == event
        assert only_plain([getattr(event, name) for name in event.__dataclass_fields__])
    assert seen
    assert all(seen)


def test_a_batch_that_is_not_full_counts_by_its_own_images(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """21 images in batches of six: the last three images are trained with their mean loss, not half of it."""
    losses: list[float] = []
    learned_from: list[float] = []

    def measured(*arguments: Any, **options: Any) -> Losses:
        found = objective(*arguments, **options)
        losses.append(float(found.total.detach()))
        return found

    def backward(loss: torch.Tensor) -> None:
        learned_from.append(float(loss.detach()))
        add_gradients(loss)

    add_gradients = torch.autograd.backward
    monkeypatch.setattr(step, "objective", measured)
    monkeypatch.setattr(torch.autograd, "backward", backward)
    train(prepare(tmp_path / "run", pictures, epochs=1, validation=0.125, probes=0))
    assert len(learned_from) == 4
    assert learned_from == pytest.approx(losses)


def test_the_best_epoch_is_the_best_on_held_out_images(reference: RunDirectory) -> None:
    lines = epoch_lines(reference)
    assert [line["epoch"] for line in lines] == [0, 1, 2]
    best = max(lines, key=lambda line: (line["validation_accuracy_joint"], -line["validation_loss"]))
    assert reference.read_pointer("best") == f"step-{best['step']:07d}"
    assert reference.read_pointer("last") == f"step-{lines[-1]['step']:07d}"
    so_far: tuple[float, float] = (-1.0, 0.0)
    for line in lines:
        result = (line["validation_accuracy_joint"], -line["validation_loss"])
        assert line["best"] == (result > so_far)
        so_far = max(so_far, result)
    header = read_header(reference.checkpoints / f"{reference.read_pointer('best')}.safetensors")
    assert header.metrics["best_validation_accuracy"] == best["validation_accuracy_joint"]
    assert (header.recipe, header.classes, header.epoch) == ("quick", ("a", "b", "c"), best["epoch"] + 1)


def test_the_line_of_an_epoch_holds_losses_rates_and_health(reference: RunDirectory) -> None:
    line = epoch_lines(reference)[-1]
    terms = [line[f"loss_{name}"] for name in ("joint", "O", "D", "C")]
    assert line["loss"] == pytest.approx(sum(terms))
    for figure in (
        "sure_share",
        "entropy",
        "peaks",
        "empty_c_share",
        "clamped_c_share",
        "magnification_d",
        "agreement",
    ):
        assert isinstance(line[figure], float)
        assert isinstance(line[f"validation_{figure}"], float)
    assert line["images"] == 21
    assert {"beta_d", "beta_c", "radius_d_drift", "radius_c_drift"} <= line.keys()
    assert {"rate_backbone", "rate_heads", "rate_radius_d", "rate_radius_c"} <= line.keys()
    assert line["sampling"] == "random"
    # With random images and random weights, the report has warnings.
    assert line["warnings"]
    assert all(warning.endswith(".") for warning in line["warnings"])


def test_snapshots_show_the_probes_of_every_epoch(reference: RunDirectory) -> None:
    folders = sorted(path.name for path in reference.snapshots.iterdir() if path.is_dir())
    assert folders == ["epoch-0000", "epoch-0001", "epoch-0002"]
    for folder in folders:
        probes = json.loads((reference.snapshots / folder / "probes.json").read_text())
        files = {path.name for path in (reference.snapshots / folder).iterdir()}
        assert files == {"probes.json", *(f"probe-{n}-{kind}" for n in (0, 1) for kind in ("d.jpg", "c.jpg", "r.png"))}
        assert len({probe["class"] for probe in probes}) == 2
        for probe in probes:
            assert set(probe["predictions"]) == {"joint", "O", "D", "C"}
            assert all(0 <= peak["x"] <= 1 and 0 <= peak["y"] <= 1 for peak in probe["peaks"])


def test_the_number_of_workers_changes_nothing(tmp_path: Path, pictures: Path, reference: RunDirectory) -> None:
    expected = None
    for workers in (0, 1, 3):
        run = prepare(tmp_path / str(workers), pictures, epochs=1, probes=0, rate_warm_up=0, schedule="constant")
        train(run, workers=workers)
        found = (epoch_lines(run), weights(run))
        expected = expected or found
        assert found[0] == expected[0]
        assert_same_tensors(found[1], expected[1])


def test_micro_batches_add_up_to_the_batch_with_fixed_statistics(tmp_path: Path, pictures: Path) -> None:
    runs = []
    for micro in (None, 2):
        run = prepare(
            tmp_path / str(micro), pictures, epochs=1, micro_batch=micro, network__batch_norm="frozen", probes=0
        )
        train(run)
        runs.append((epoch_lines(run)[0], weights(run)))
    (whole, whole_weights), (parts, parts_weights) = runs
    assert parts["loss"] == pytest.approx(whole["loss"], rel=1e-5)
    assert parts["validation_loss"] == pytest.approx(whole["validation_loss"], rel=1e-5)
    for key, value in whole_weights.items():
        torch.testing.assert_close(parts_weights[key], value, rtol=1e-4, atol=1e-5)


def test_patience_ends_the_training_and_phases_change_the_sampling(tmp_path: Path, pictures: Path) -> None:
    run = prepare(
        tmp_path / "run",
        pictures,
        epochs=9,
        patience=1,
        rate_backbone=0,
        rate_heads=0,
        rate_radius_d=0,
        rate_radius_c=0,
        network__batch_norm="frozen",
        phases=[{"epochs": 1, "sampling": "all"}],
        probes=0,
    )
    events = train(run)
    lines = epoch_lines(run)
    # Nothing is trained, so the validation is identical to the bit each time.
    validation = [{key: value for key, value in line.items() if key.startswith("validation_")} for line in lines]
    assert validation == [validation[0]] * 2
    assert [line["best"] for line in lines] == [True, False]
    assert [line["sampling"] for line in lines] == ["all", "random"]
    assert isinstance(events[-1], RunEnded)
    assert "the last 1 brought no improvement" in events[-1].message


def test_statistics_are_measured_anew_at_the_end_exactly_once(tmp_path: Path, few_pictures: Path) -> None:
    settings: dict[str, Any] = {"epochs": 1, "validation": 0, "probes": 0, "recalibrate": True, "micro_batch": 1}
    whole = prepare(tmp_path / "whole", few_pictures, **settings)
    train(whole)
    assert whole.read_pointer("last") == whole.read_pointer("best") == "step-0000001-recalibrated"
    assert [line.get("recalibrated", False) for line in epoch_lines(whole)] == [False, True]

    stopped = prepare(tmp_path / "stopped", few_pictures, **settings)
    trainer = Trainer(stopped.path, workers=0)
    for event in trainer.run():
        if isinstance(event, EpochDone):
            trainer.request_stop()
    assert stopped.read_pointer("last") == "step-0000001"
    before = weights(stopped)
    events = train(stopped)
    assert kinds(events) == ["RunStarted", "CheckpointSaved", "EpochDone", "RunEnded"]
    after = weights(stopped)
    assert_same_tensors(after, weights(whole))
    changed = {key.rpartition(".")[2] for key in before if not torch.equal(before[key], after[key])}
    assert changed == {"running_mean", "running_var", "num_batches_tracked"}


def test_statistics_are_measured_on_mixed_classes(tmp_path: Path, few_pictures: Path) -> None:
    plan = read_plan(prepare(tmp_path / "run", few_pictures, validation=0))
    assert [sample.label for sample in plan.training] == sorted(sample.label for sample in plan.training)
    feeder = BatchLoader(plan, "cpu", 0, Team())
    batches = list(feeder.plain_training_batches(2))
    assert sorted(name for batch in batches for name in batch.names) == sorted(sample.name for sample in plan.training)
    assert any(len({int(label) for label in batch.labels}) > 1 for batch in batches if batch.labels is not None)


def test_a_batch_whose_files_are_all_missing_is_left_out(tmp_path: Path) -> None:
    data = draw_pictures(tmp_path / "birds")
    run = prepare(tmp_path / "run", data, validation=0.375)
    shutil.rmtree(data / "b")
    batches = list(BatchLoader(read_plan(run), "cpu", 0, Team()).validation_batches(3))
    assert [len(batch) for batch in batches] == [3, 0, 3]
    for path in data.rglob("*.png"):
        path.unlink()
    with pytest.raises(DataSetNotFound, match="no longer exists"):
        list(BatchLoader(read_plan(run), "cpu", 0, Team()).validation_batches(3))


@pytest.mark.parametrize("batch_norm", ["shared", "separate"])
def test_every_image_counts_the_same_in_the_statistics(tmp_path: Path, few_pictures: Path, batch_norm: str) -> None:
    """Six images in batches of four and two: the two of the second batch count a third, not a half."""
    run = prepare(tmp_path / "run", few_pictures, validation=0, network__batch_norm=batch_norm)
    plan = read_plan(run)
    loader, learner = BatchLoader(plan, "cpu", 0, Team()), Learner(plan, "cpu", "float32", Team())
    first = next(layer for layer in learner.network.modules() if isinstance(layer, torch.nn.BatchNorm2d))
    inputs: list[torch.Tensor] = []
    first.register_forward_hook(lambda layer, given, output: inputs.append(given[0].detach()))
    momentum = first.momentum
    assert list(recalibrate(learner, loader, RunControl(run, lambda: False, Team()), size=4)) == []
    assert first.momentum == momentum
    passes = len(inputs) // 2  # one per branch, for each of the two batches
    assert [len(given) for given in inputs] == [4] * passes + [2] * passes
    if batch_norm == "shared":
        four, two = inputs[:passes], inputs[passes:]
    else:  # what follows is of O's own statistics
        four, two = inputs[:1], inputs[passes : passes + 1]
    mean = torch.cat([*four, *two]).mean(dim=(0, 2, 3))
    variances = [torch.stack([part.var(dim=(0, 2, 3)) for part in parts]).mean(dim=0) for parts in (four, two)]
    variance = (4 * variances[0] + 2 * variances[1]) / 6
    assert first.running_mean is not None
    assert first.running_var is not None
    torch.testing.assert_close(first.running_mean, mean)
    torch.testing.assert_close(first.running_var, variance)


NETWORKS: list[dict[str, Any]] = [
    *({"network__branches": branches} for branches in ("O", "O+D", "O+C", "D+C")),
    *({"network__control": control} for control in ("identity", "random_places", "other_image", "centre", "hard_crop")),
    *({"network__attention": attention} for attention in ("saliency", "response")),
    *({"network__train_sampling": mode} for mode in ("coin", "extremes", "expected")),
    {"network__batch_norm": "separate", "network__joint_init": "mean", "micro_batch": 2},
    {"network__response_gradient": True, "smoothing": 0.15, "momentum": 0.0},
    {"precision": "bfloat16", "network__source_size": 96},
    {"network__backbone": "convnext_tiny", "network__input_size": 32, "network__source_size": 32, "batch_size": 5},
]


def test_images_are_resized_as_for_the_weights_wherever_they_come_from(tmp_path: Path, few_pictures: Path) -> None:
    pytest.importorskip("timm")

    def interpolation(weights: str) -> str:
        backbone = "timm:mobilenetv3_small_050.lamb_in1k"
        run = prepare(tmp_path / Path(weights).stem, few_pictures, weights=weights, network__backbone=backbone)
        return str(run.read_run().get("interpolation", "bilinear"))

    own, foreign = tmp_path / "own.safetensors", tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(1)}, foreign)
    save_file({"weight": torch.zeros(1)}, own, metadata={HEADER_KEY: tiny_header().model_dump_json()})
    assert interpolation("none") == "bilinear"
    assert interpolation(str(foreign)) == "bicubic", "as timm says of its own weights"
    assert interpolation(str(own)) == "bilinear", "as the model says"


def test_a_network_of_timm_is_trained_resumed_and_opened_again(tmp_path: Path, few_pictures: Path) -> None:
    pytest.importorskip("timm")
    settings = {
        "network__backbone": "timm:mobilenetv3_small_050.lamb_in1k",
        "network__batch_norm": "separate",
        "recalibrate": True,
        "validation": 0,
    }
    whole = prepare(tmp_path / "whole", few_pictures, **settings | {"epochs": 2})
    train(whole)
    model = open_model(whole.path, "cpu")
    assert model.header.network.origin["architecture"] == "mobilenetv3_small_050"
    assert (model.header.network.stride, model.header.network.cell_shift) == (32, 0.0)
    assert model.header.preprocess.get("interpolation", "bilinear") == "bilinear", "its weights are random here"
    stopped = prepare(tmp_path / "stopped", few_pictures, **settings | {"epochs": 2})
    trainer = Trainer(stopped.path, workers=0)
    for event in trainer.run():
        if isinstance(event, EpochDone):
            trainer.request_stop()
    train(stopped)
    assert_same_tensors(weights(stopped), weights(whole))


def test_cells_that_are_patch_tokens_are_said_as_the_run_starts(tmp_path: Path, few_pictures: Path) -> None:
    pytest.importorskip("timm")
    for name, tokens in (("timm:test_vit.r160_in1k", True), ("mobilenet_v2", False)):
        run = prepare(tmp_path / name, few_pictures, network__backbone=name, epochs=1, probes=0)
        started = train(run)[0]
        assert isinstance(started, RunStarted)
        assert (tokens_sentence(name) in started.notes) is tokens


@pytest.mark.parametrize("settings", NETWORKS, ids=lambda settings: ",".join(map(str, settings.values())))
def test_every_network_trains_a_step(tmp_path: Path, few_pictures: Path, settings: dict[str, Any]) -> None:
    run = prepare(
        tmp_path / "run", few_pictures, **{"epochs": 1, "validation": 0, "probes": 1, "rate_warm_up": 0} | settings
    )
    train(run)
    (line,) = epoch_lines(run)
    assert line["loss"] > 0
    branches = settings.get("network__branches", "O+D+C")
    terms = {key for key in line if key.startswith("loss_")}
    joint = {"loss_joint"} if branches != "O" else set()
    assert terms == joint | {f"loss_{letter}" for letter in {"O", *branches.split("+")}}
    assert (run.snapshots / "epoch-0000" / "probes.json").is_file()
    shutil.rmtree(run.path)  # otherwise sixteen networks would remain for the whole session


def test_the_command_line_tells_the_events_as_json_lines(tmp_path: Path, few_pictures: Path) -> None:
    settings = [
        "weights=none",
        "network.input_size=64",
        "network.source_size=64",
        "epochs=1",
        "validation=0",
        "probes=0",
    ]
    options = [text for setting in settings for text in ("--set", setting)]
    live = LiveTraining(
        ["train", str(few_pictures), "--runs", str(tmp_path), "--name", "first", "--device", "cpu", *options]
    )
    assert live.wait() == 0, live.errors
    events = [event["event"] for event in live.events]
    assert events[0] == "run_started"
    assert events[-1] == "run_ended"
    assert {"checkpoint_saved", "epoch_done"} <= set(events)
    assert live.events[0]["path"] == str(tmp_path / "first")
    assert RunDirectory(tmp_path / "first").read_pointer("last") == "step-0000001"


def test_steps_are_reported_and_kept_at_one_rate(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has a line for every reported step, and for no other."""
    monkeypatch.setattr(loop, "REPORT_SECONDS", 1e-3)
    often = prepare(tmp_path / "often", pictures, epochs=2, probes=0)
    reported = [event for event in train(often) if isinstance(event, StepDone)]
    lines = [json.loads(line) for line in often.metrics_jsonl.read_text().splitlines()]
    kept = [(line["epoch"], line["batch"]) for line in lines if line["kind"] == "step"]
    assert len(kept) > 1
    assert kept == [(event.epoch, event.batch) for event in reported]
    monkeypatch.setattr(loop, "REPORT_SECONDS", 3600.0)
    seldom = prepare(tmp_path / "seldom", pictures, epochs=2, probes=0)
    train(seldom)
    lines = [json.loads(line) for line in seldom.metrics_jsonl.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["epoch", "epoch"]


@pytest.mark.usefixtures("every_batch_tells")
def test_a_step_holds_the_values_of_its_batch_alone(tmp_path: Path, pictures: Path) -> None:
    run = prepare(tmp_path / "run", pictures, epochs=2, probes=0, micro_batch=3)
    train(run)
    lines = [json.loads(line) for line in run.metrics_jsonl.read_text().splitlines()]
    for epoch in (0, 1):
        steps = [line for line in lines if (line["kind"], line["epoch"]) == ("step", epoch)]
        (whole,) = (line for line in lines if (line["kind"], line["epoch"]) == ("epoch", epoch))
        sizes = [6, 6, 6, 3]
        for name in ("loss", "loss_O", "accuracy_joint"):
            mean = sum(size * line[name] for size, line in zip(sizes, steps, strict=True)) / sum(sizes)
            assert mean == pytest.approx(whole[name], rel=1e-12)
        assert all((size * line["accuracy_O"]) % 1 == 0 for size, line in zip(sizes, steps, strict=True))


def test_steps_are_told_with_pace_and_time_left(reference: RunDirectory) -> None:
    lines = [json.loads(line) for line in reference.metrics_jsonl.read_text().splitlines()]
    steps = [line for line in lines if line["kind"] == "step"]
    assert all({"epoch", "batch", "step", "loss", "rate_heads", "images_per_second"} <= line.keys() for line in steps)
    state = reference.read_state()
    assert state is not None
    assert (state.status, state.epoch, state.seconds_left) == ("finished", 3, None)
    assert StepDone.__dataclass_fields__.keys() >= {"images_per_second", "seconds_left"}
    assert CheckpointSaved.__dataclass_fields__.keys() == {"name"}
