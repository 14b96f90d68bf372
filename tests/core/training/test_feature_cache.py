"""A frozen backbone: it stays as it is, and its features are computed once where views come again, without changing a loss."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_training import epoch_lines, prepare, tiny_recipe, train, weights

from s3n_core.datasets.loading import SampleReader
from s3n_core.datasets.splits import read_split
from s3n_core.errors import RecipeError
from s3n_core.method.backbones import build_backbone
from s3n_core.method.network import S3N
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training import loop
from s3n_core.training.events import EpochDone, RunStarted
from s3n_core.training.feature_cache import FOLDER
from s3n_core.training.jobs.job_file import is_run_file
from s3n_core.training.preparing import read_plan
from s3n_core.training.trainer import Trainer

FROZEN: dict[str, Any] = {"freeze_backbone": True, "crop_scale": None}
O_ALONE: dict[str, Any] = {**FROZEN, "network__branches": "O"}


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings with a backbone whose features tell images apart: with the statistics of a new one they are all zero."""
    backbone, _ = build_backbone(tiny_recipe().network.backbone)
    for layer in backbone.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None
    with torch.no_grad():
        backbone.train()(torch.randn(16, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    file = tmp_path_factory.mktemp("backbone") / "seeing.pth"
    torch.save({f"backbone.{name}": value for name, value in backbone.state_dict().items()}, file)
    return {"weights": str(file)}


@pytest.fixture
def uncached(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let the next trainings compute all features anew."""
    return lambda: monkeypatch.setattr(loop, "why_uncached", lambda *_: "Not kept.")


def original_passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the number of images of every pass of O through the backbone."""
    passes: list[int] = []
    features = S3N.features

    def counted(network: S3N, images: torch.Tensor, branch: str) -> torch.Tensor:
        if branch == "O":
            passes.append(len(images))
        return features(network, images, branch)

    monkeypatch.setattr(S3N, "features", counted)
    return passes


def notes(events: list[Any]) -> str:
    return " ".join(next(event for event in events if isinstance(event, RunStarted)).notes)


def assert_same_losses(run: RunDirectory, other: RunDirectory) -> None:
    mine, theirs = epoch_lines(run), epoch_lines(other)
    assert len(mine) == len(theirs) == 3
    assert abs(theirs[-1]["loss_O"] - np.log(3)) > 0.01  # the features say something
    for line, reference in zip(mine, theirs, strict=True):
        losses = [name for name in reference if "loss" in name or "accuracy" in name or "entropy" in name]
        assert {"loss", "loss_O", "validation_loss"} <= set(losses)
        assert [line[name] for name in losses] == pytest.approx(
            [reference[name] for name in losses], rel=2e-5, abs=1e-6
        )


@pytest.mark.parametrize("settings", [FROZEN, {**O_ALONE, "balance": "sampling"}], ids=["O+D+C", "O"])
def test_kept_features_change_no_loss(
    tmp_path: Path, pictures: Path, uncached: Callable[[], None], seeing: dict[str, Any], settings: dict[str, Any]
) -> None:
    kept = prepare(tmp_path / "kept", pictures, **settings, **seeing)
    said = notes(train(kept))
    assert f"kept in {kept.path / FOLDER}, at most" in said
    assert (kept.path / FOLDER / "features.npy").is_file()
    uncached()
    anew = prepare(tmp_path / "anew", pictures, **settings, **seeing)
    train(anew)
    assert not (anew.path / FOLDER).exists()
    assert_same_losses(kept, anew)


def test_the_frozen_backbone_stays_as_it_was(tmp_path: Path, pictures: Path) -> None:
    run = prepare(tmp_path / "run", pictures, **FROZEN, **{"network__batch_norm": "separate"})
    train(run)
    plan = read_plan(run)
    torch.manual_seed(plan.recipe.seed)
    first = S3N(plan.network)  # as the training built it
    last = weights(run)
    own = {f"backbone.{name}": value for name, value in first.backbone.state_dict().items()}
    assert [name for name, value in own.items() if not torch.equal(value, last[name])] == []
    heads = [name for name in last if name.startswith("heads.")]
    begun = first.state_dict()
    assert all(not torch.equal(last[name], begun[name]) for name in heads)


def test_every_image_is_decoded_and_computed_once(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    read = SampleReader.__call__

    def counted(reader: SampleReader, sample: Any) -> Image.Image:
        decoded.append(sample.name)
        return read(reader, sample)

    monkeypatch.setattr(SampleReader, "__call__", counted)
    passes = original_passes(monkeypatch)
    run = prepare(tmp_path / "run", pictures, **O_ALONE, flip=False, probes=0)
    train(run)
    assert sorted(decoded) == sorted(set(decoded))
    assert (len(decoded), sum(passes)) == (24, 24)  # 21 training images, three for validation


def test_a_stopped_training_uses_what_is_there_and_computes_what_changed(
    tmp_path: Path,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
    uncached: Callable[[], None],
    seeing: dict[str, Any],
) -> None:
    passes = original_passes(monkeypatch)
    run = prepare(tmp_path / "run", pictures, **O_ALONE, **seeing, flip=False, probes=0)
    events = Trainer(run.path, workers=0).run()
    for event in events:
        if isinstance(event, EpochDone):
            break
    events.close()
    assert sum(passes) == 24
    features = np.load(run.path / FOLDER / "features.npy", mmap_mode="r+")
    features[3] += 1  # as a power failure may leave it
    features.flush()
    file = pictures / _first_validation(run)
    os.utime(file, ns=(1, 1))  # another file, for all that can be known
    passes.clear()
    train(run)
    assert sum(passes) == 2
    uncached()
    anew = prepare(tmp_path / "anew", pictures, **O_ALONE, **seeing, flip=False, probes=0)
    train(anew)
    assert_same_losses(run, anew)


def test_an_image_that_goes_after_it_was_read_counts_with_its_features(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, seeing: dict[str, Any]
) -> None:
    settings: dict[str, Any] = {**O_ALONE, **seeing, "flip": False, "probes": 0, "epochs": 1}
    images = tmp_path / "images"
    shutil.copytree(pictures, images)
    reference = prepare(tmp_path / "reference", images, **settings)
    train(reference)
    read = SampleReader.__call__

    def read_once(reader: SampleReader, sample: Any) -> Image.Image:
        image = read(reader, sample)
        sample.path.unlink()
        return image

    run = prepare(tmp_path / "run", images, **settings)
    monkeypatch.setattr(SampleReader, "__call__", read_once)
    train(run)
    (line,), (expected,) = epoch_lines(run), epoch_lines(reference)
    assert not list(images.rglob("*.png"))
    for name in ("loss", "validation_loss"):
        assert line[name] == pytest.approx(expected[name], rel=2e-5)


def _first_validation(run: RunDirectory) -> str:
    return next(row.name for row in read_split(run.split_csv) if row.part == "validation")


def test_features_of_another_backbone_are_not_used(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(tmp_path / "run", pictures, **O_ALONE, flip=False, probes=0, epochs=1)
    train(run)
    other = prepare(tmp_path / "other", pictures, **O_ALONE, flip=False, probes=0, epochs=1, seed=1, split_seed=0)
    (run.path / FOLDER).rename(other.path / FOLDER)
    passes = original_passes(monkeypatch)
    train(other)
    assert sum(passes) == 24


def test_random_crops_are_not_kept_and_it_says_so(tmp_path: Path, pictures: Path) -> None:
    run = prepare(tmp_path / "run", pictures, freeze_backbone=True, epochs=1, probes=0)
    assert "random crops make every view a new one" in notes(train(run))
    assert not (run.path / FOLDER).exists()


def test_a_frozen_backbone_is_not_recalibrated() -> None:
    with pytest.raises(RecipeError, match="keeps its BatchNorm statistics"):
        tiny_recipe(freeze_backbone=True, recalibrate=True)


def test_features_are_no_part_of_a_job() -> None:
    assert not is_run_file(f"{FOLDER}/features.npy")
