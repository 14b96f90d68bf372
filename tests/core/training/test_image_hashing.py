"""A run finds out in the background which images its model will have seen."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from small_training import TrainedRun
from tiny_training import prepare

from s3n_core.datasets.content_hashes import content_hash
from s3n_core.models.model_files import load_model, save_model
from s3n_core.models.model_headers import read_header
from s3n_core.models.seen_images import SeenImages
from s3n_core.runs.model_paths import model_file
from s3n_core.training import image_hashing
from s3n_core.training.image_hashing import ImageHashing
from s3n_core.training.preparing import Plan, read_plan


@pytest.fixture
def plan(tmp_path: Path, pictures: Path) -> Plan:
    return read_plan(prepare(tmp_path / "run", pictures))


def seen_of(hashing: ImageHashing) -> SeenImages:
    seen = hashing.seen(wait=True)
    hashing.close()
    assert seen is not None
    return seen


def test_a_new_run_hashes_its_images(plan: Plan) -> None:
    seen = seen_of(ImageHashing(plan, None))
    assert {seen.of(content_hash(sample.path)) for sample in plan.training} == {"training"}
    assert {seen.of(content_hash(sample.path)) for sample in plan.validation} == {"validation"}


def test_nobody_waits_for_it_inside_an_epoch(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def slow(paths: object) -> NDArray[np.uint64]:
        released.wait()
        return np.empty(0, dtype=np.uint64)

    monkeypatch.setattr(image_hashing, "content_hashes", slow)
    hashing = ImageHashing(plan, None)
    assert hashing.seen(wait=False) is None
    monkeypatch.undo()
    released.set()
    hashing.close()


def test_a_resumed_run_knows_it_from_its_checkpoint(
    plan: Plan, trained_run: TrainedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = model_file(trained_run.path)
    before = SeenImages.from_header(read_header(file).images)
    assert before is not None
    both = seen_of(ImageHashing(plan, file, changed_data=True))
    assert both.training.tolist() == sorted(
        {*before.training.tolist(), *seen_of(ImageHashing(plan, None)).training.tolist()}
    )
    monkeypatch.setattr(image_hashing, "content_hashes", None)  # reads no image
    assert seen_of(ImageHashing(plan, file)).training.tolist() == before.training.tolist()


def test_a_model_has_seen_what_the_model_has_seen_that_it_began_from(
    tmp_path: Path, pictures: Path, trained_run: TrainedRun
) -> None:
    parent = shutil.copy(model_file(trained_run.path), tmp_path / "parent.safetensors")
    before = SeenImages.from_header(read_header(parent).images)
    assert before is not None
    seen = seen_of(ImageHashing(read_plan(prepare(tmp_path / "child", pictures, weights=str(parent))), None))
    assert set(before.training.tolist()) < set(seen.training.tolist())
    assert seen.of(1) == "unseen"
    network, header = load_model(parent)
    save_model(parent, network, header.model_copy(update={"images": {}}))
    seen = seen_of(ImageHashing(read_plan(prepare(tmp_path / "other", pictures, weights=str(parent))), None))
    assert seen.of(1) == "unknown"


def test_what_weights_have_seen_that_cannot_be_read_is_not_known(
    tmp_path: Path, few_pictures: Path, trained_run: TrainedRun
) -> None:
    """Deleted since the run was prepared, or not readable; the weights of another program are not asked at all."""
    parent = shutil.copy(model_file(trained_run.path), tmp_path / "parent.safetensors")
    plan = read_plan(prepare(tmp_path / "child", few_pictures, weights=str(parent)))
    parent.unlink()
    assert seen_of(ImageHashing(plan, None)).of(1) == "unknown"
    parent.mkdir()
    assert seen_of(ImageHashing(plan, None)).of(1) == "unknown"
    parent.rmdir()
    save_file({"weight": torch.zeros(1)}, parent)
    assert seen_of(ImageHashing(plan, None)).of(1) == "unseen"
