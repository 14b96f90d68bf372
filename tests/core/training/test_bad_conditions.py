"""Failures during training: a clear error, nothing lost, and an exact resume once the cause is fixed."""

import json
import math
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_training import assert_same_training, draw_pictures, kinds, prepare, train

from s3n_core.errors import (
    DataSetError,
    DeviceError,
    Diverged,
    ModelFileError,
    OutOfMemory,
    OutputError,
    ProgramDefect,
    RecipeError,
    RunError,
)
from s3n_core.method.network import S3N
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training import step
from s3n_core.training.checkpoints import load_newest
from s3n_core.training.events import EpochDone, Event, ImageLeftOut, StepDone


def after_epoch(number: int, action: Callable[[], Any]) -> Callable[[Event], None]:
    def during(event: Event) -> None:
        if isinstance(event, EpochDone) and event.epoch == number:
            action()

    return during


def assert_failed(run: RunDirectory, error: pytest.ExceptionInfo[Exception]) -> None:
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    state = run.read_state()
    assert state is not None
    assert (state.status, state.message) == ("failed", text)
    assert type(state.error) is error.type
    assert text in run.log_txt.read_text()


def test_a_data_set_taken_away_ends_the_training_and_put_back_it_goes_on(
    tmp_path: Path, reference: RunDirectory
) -> None:
    data = draw_pictures(tmp_path / "birds")
    run = prepare(tmp_path / "run", data)
    aside = tmp_path / "aside"
    with pytest.raises(DataSetError, match="no longer exists") as error:
        train(run, during=after_epoch(0, lambda: data.rename(aside)))
    assert_failed(run, error)
    with pytest.raises(DataSetError, match="no longer exists"):
        train(run)
    state = run.read_state()
    assert state is not None
    assert (state.epoch, state.epochs) == (1, 3)  # the progress is still shown
    aside.rename(data)
    train(run)
    assert_same_training(run, reference)


def test_a_disk_that_is_no_longer_mounted_is_no_heap_of_broken_images(tmp_path: Path, reference: RunDirectory) -> None:
    data = draw_pictures(tmp_path / "birds")
    run = prepare(tmp_path / "run", data)
    aside = tmp_path / "aside"

    def unmount() -> None:
        data.rename(aside)
        data.mkdir()

    with pytest.raises(DataSetError, match="no longer exists"):
        train(run, during=after_epoch(0, unmount))
    data.rmdir()
    aside.rename(data)
    train(run)
    assert_same_training(run, reference)


def test_images_that_turn_to_junk_are_named_once_and_left_out(tmp_path: Path) -> None:
    data = draw_pictures(tmp_path / "birds")
    run = prepare(tmp_path / "run", data, probes=0)
    names = ["a/0.png", "b/3.png"]
    (data / names[0]).write_bytes(b"")
    events = train(run, during=after_epoch(0, lambda: (data / names[1]).write_bytes(b"junk")))
    left_out = [event for event in events if isinstance(event, ImageLeftOut)]
    assert [event.name for event in left_out] == names
    assert all(event.reason for event in left_out)
    assert kinds(events)[-1] == "RunEnded"
    lines = [json.loads(line) for line in run.metrics_jsonl.read_text().splitlines()]
    assert len([line for line in lines if line["kind"] == "epoch"]) == 3


def test_where_all_images_turn_to_junk_it_says_so(tmp_path: Path) -> None:
    data = draw_pictures(tmp_path / "birds")
    run = prepare(tmp_path / "run", data, probes=0)

    def ruin() -> None:
        for path in data.rglob("*.png"):
            path.write_bytes(b"junk")

    with pytest.raises(DataSetError, match="None of the 21 training images can be read") as error:
        train(run, during=after_epoch(0, ruin))
    assert_failed(run, error)
    assert run.read_pointer("last") == "step-0000004"


def test_where_no_held_out_image_can_be_read_it_says_so(tmp_path: Path) -> None:
    data = draw_pictures(tmp_path / "birds")
    run = prepare(tmp_path / "run", data, probes=0)
    for line in run.split_csv.read_text().splitlines():
        if "validation" in line:
            (data / line.split(",")[0].strip('"')).write_bytes(b"junk")
    with pytest.raises(DataSetError, match="None of the 3 validation images") as error:
        train(run)
    assert_failed(run, error)


def test_a_trained_run_that_has_lost_its_checkpoints_keeps_its_metrics(tmp_path: Path, few_pictures: Path) -> None:
    run = prepare(tmp_path / "run", few_pictures, epochs=1, validation=0, probes=0)
    train(run)
    metrics = run.metrics_jsonl.read_bytes()
    for path in run.checkpoints.iterdir():
        path.unlink()
    for _ in range(2):  # a refusal leaves a state of which the next one follows
        with pytest.raises(RunError, match="no checkpoint to continue from; start a new run") as error:
            train(run)
        assert_failed(run, error)
    assert run.metrics_jsonl.read_bytes() == metrics


@pytest.mark.usefixtures("every_batch_tells")
@pytest.mark.parametrize("spared", [0, 6_000_000], ids=["full", "too full for a checkpoint"])
def test_a_full_disk_ends_the_training_and_freed_it_goes_on(
    disk: Path, pictures: Path, reference: RunDirectory, spared: int, capsys: pytest.CaptureFixture[str]
) -> None:
    run = prepare(disk / "run", pictures)
    ballast = disk / "ballast"

    def fill(event: Event) -> None:
        if isinstance(event, StepDone) and (event.epoch, event.batch) == (1, 2):
            with suppress(OSError), open(ballast, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(1024))
            with open(ballast, "r+b") as file:
                file.truncate(ballast.stat().st_size - spared)

    with pytest.raises(OutputError, match="disk is full"):
        train(run, during=fill)
    found = load_newest(run)
    assert found is not None
    assert found[0] == run.read_pointer("last") == run.read_pointer("best") == "step-0000004"
    assert not list(run.checkpoints.glob(".s3n-*"))
    assert "Traceback" not in capsys.readouterr().err
    ballast.unlink()
    train(run)
    assert_same_training(run, reference)


def test_rates_that_are_far_too_high_are_told_with_a_remedy(tmp_path: Path, pictures: Path) -> None:
    run = prepare(
        tmp_path / "run",
        pictures,
        epochs=20,
        probes=0,
        checkpoint_minutes=1e-6,
        rate_heads=10,
        weight_decay=1,
        rate_warm_up=0,
    )
    with pytest.raises(Diverged, match="rate_backbone, rate_heads") as error:
        train(run)
    assert_failed(run, error)
    found = load_newest(run)
    assert found is not None
    assert all(bool(torch.isfinite(value).all()) for value in found[1].state_dict().values())
    for path in run.checkpoints.glob("*.json"):
        json.loads(path.read_bytes(), parse_constant=pytest.fail)


def test_a_last_update_that_ruins_the_weights_is_told_without_a_validation_set(
    tmp_path: Path, few_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the second epoch; no loss shows it, because there is only one batch."""
    run = prepare(tmp_path / "run", few_pictures, validation=0)

    def ruin(network: S3N) -> None:
        if run.read_pointer("last") is not None:
            with torch.no_grad():
                next(network.parameters()).fill_(math.nan)

    monkeypatch.setattr(step, "hold_radii", ruin)
    with pytest.raises(Diverged, match="diverged in epoch 2") as error:
        train(run)
    assert_failed(run, error)
    assert run.read_pointer("last") == run.read_pointer("best") == "step-0000001"


def test_weights_that_are_not_there_or_junk_are_said(tmp_path: Path, few_pictures: Path) -> None:
    file = tmp_path / "weights.safetensors"
    with pytest.raises(ModelFileError, match="no weight file"):
        prepare(tmp_path / "run", few_pictures, weights=str(file))
    assert not (tmp_path / "run").exists()
    file.write_bytes(b"junk")
    run = prepare(tmp_path / "run", few_pictures, weights=str(file))
    with pytest.raises(ModelFileError, match="not a readable weight file") as error:
        train(run)
    assert_failed(run, error)
    file.unlink()
    with pytest.raises(ModelFileError, match="no weight file"):
        train(run)


def test_a_weight_file_is_remembered_with_its_whole_path(
    tmp_path: Path, few_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"junk")
    monkeypatch.chdir(tmp_path)
    run = prepare(tmp_path / "run", few_pictures, weights="weights.safetensors")
    assert run.read_run()["recipe"]["weights"] == str(tmp_path / "weights.safetensors")


@pytest.mark.parametrize(
    "failure",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        RuntimeError("MPS backend out of memory"),
        MemoryError(),
    ],
    ids=["card", "main memory", "apple", "python"],
)
def test_running_out_of_memory_in_the_smallest_steps_is_told_with_a_remedy(
    tmp_path: Path, few_pictures: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    run = prepare(tmp_path / "run", few_pictures, validation=0, probes=0)

    def exhausted(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(step, "objective", exhausted)
    with pytest.raises(OutOfMemory, match="even with the smallest micro-batch") as error:
        train(run)
    assert_failed(run, error)


def test_an_error_of_the_program_is_logged_and_said(
    tmp_path: Path, few_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(tmp_path / "run", few_pictures, validation=0, probes=0)
    monkeypatch.setattr(step, "hold_radii", lambda network: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(run)
    state = run.read_state()
    assert state is not None
    assert state.status == "failed"
    assert isinstance(state.error, ProgramDefect)
    assert str(run.log_txt) in state.message
    assert "ZeroDivisionError" in run.log_txt.read_text()


def test_more_smoothing_than_the_classes_allow_is_refused(tmp_path: Path, few_pictures: Path) -> None:
    with pytest.raises(RecipeError, match=r"A smoothing of 0\.6 is too much for 2 classes.*Use at most 0\.5"):
        prepare(tmp_path / "run", few_pictures, smoothing=0.6)
    assert not (tmp_path / "run").exists()
    prepare(tmp_path / "run", few_pictures, smoothing=0.5)


def test_float16_is_not_offered_on_the_processor(tmp_path: Path, few_pictures: Path) -> None:
    run = prepare(tmp_path / "run", few_pictures, precision="float16")
    with pytest.raises(DeviceError, match="float32 or bfloat16") as error:
        train(run)
    assert_failed(run, error)


@pytest.mark.parametrize("writer", ["training.preparing.write_split", "runs.run_directory.write_json"])
@pytest.mark.parametrize("failure", [OutputError("The disk is full."), KeyboardInterrupt()], ids=["full", "Ctrl+C"])
def test_a_run_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, few_pictures: Path, monkeypatch: pytest.MonkeyPatch, writer: str, failure: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(f"s3n_core.{writer}", fail)
        with pytest.raises(type(failure)):
            prepare(tmp_path / "run", few_pictures)
    assert not (tmp_path / "run").exists()
    prepare(tmp_path / "run", few_pictures)


def test_a_broken_split_is_said(tmp_path: Path, few_pictures: Path) -> None:
    run = prepare(tmp_path / "run", few_pictures)
    whole = run.split_csv.read_text()
    run.split_csv.write_text(whole.replace('"a/0.png",0', '"a/0.png",7'))
    with pytest.raises(RunError, match=r"the class of a/0\.png is not a class of this run"):
        train(run)
    run.split_csv.write_text(whole.splitlines()[0] + "\n")
    with pytest.raises(RunError, match="lists no training images"):
        train(run)
    shutil.rmtree(run.path)
