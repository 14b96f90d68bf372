"""Networks of many families of timm: two processes train them as one does, and a process without network opens them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from engine_popen import UsualPopen
from many_runs import in_float64, logits
from safetensors.torch import load_file, save_file
from timm_architectures import TRAINED
from tiny_training import CHECKOUT, PATIENCE, draw_pictures, epoch_lines, prepare, train, weights
from torch import Tensor

pytest.importorskip("timm")

from s3n_core.method.network import S3N
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training import loop

Case = tuple[str, str]

# Each with statistics of its own for each branch; one whose norms hold their activation in all ways.
WITH_ACTIVATIONS = "mobilenetv3_small_100.lamb_in1k"
CASES = [*((name, "separate") for name in TRAINED), (WITH_ACTIVATIONS, "shared"), (WITH_ACTIVATIONS, "frozen")]
SIDE = 64

# One update, of five of six images, which two processes share unevenly.
SETTINGS: dict[str, Any] = {"batch_size": 5, "epochs": 1, "validation": 0.0, "probes": 0, "rate_warm_up": 0}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("architectures")
    draw_pictures(root / "pictures", "ab", 3)
    yield root
    shutil.rmtree(root)  # half a gigabyte


def _prepared(root: Path, place: str, **settings: Any) -> dict[Case, RunDirectory]:
    return {
        (name, way): prepare(
            root / place / f"{name.partition('.')[0]}-{way}",
            root / "pictures",
            **{**SETTINGS, "network__backbone": f"timm:{name}", "network__batch_norm": way, **settings},
        )
        for name, way in CASES
    }


@pytest.fixture(scope="module")
def alone(root: Path) -> dict[Case, RunDirectory]:
    """Runs trained by this process, in float64; D and C look at places that rounding cannot move."""
    runs = _prepared(root, "alone", network__control="centre")
    with in_float64():
        for run in runs.values():
            train(run)
    return runs


@pytest.fixture(scope="module")
def together(root: Path) -> dict[Case, RunDirectory]:
    """The same runs, trained by two processes."""
    if sys.platform == "win32" or not torch.distributed.is_available():
        pytest.skip("torchrun with gloo")
    runs = _prepared(root, "together", network__control="centre")
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0", "--standalone"]
    _succeed([*torchrun, _PROGRAM, "train", *(str(run.path) for run in runs.values())])
    return runs


@dataclass(frozen=True)
class Answers:
    """What the networks make of images that they have not seen, by the names of their runs.

    Attributes:
        trained: The networks that learned.
        opened: Those that a new process opened, which reaches no network and has no weights of timm.
    """

    trained: dict[str, Tensor]
    opened: dict[str, Tensor]


@pytest.fixture(scope="module")
def answers(root: Path) -> Answers:
    seen = torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 2 - 1
    runs = _prepared(root, "stored").values()
    trained = {run.path.name: logits(_trained_network(run), seen) for run in runs}
    images, found, caches = root / "images", root / "answers", root / "caches"
    save_file({"images": seen}, images)
    empty = {key: str(caches / key) for key in ("HF_HOME", "TORCH_HOME", "XDG_CACHE_HOME")}
    paths = [str(run.path) for run in runs]
    _succeed([_PROGRAM, "open", str(images), str(found), *paths], **empty, HF_HUB_OFFLINE="1")
    assert not [path for path in caches.rglob("*") if path.is_file()], "nothing was fetched"
    return Answers(trained, load_file(found))


def _trained_network(run: RunDirectory) -> S3N:
    """Train a run; return the very network that learned, in evaluation mode."""
    learners = []

    class Kept(loop.Learner):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            learners.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "Learner", Kept)
        train(run)
    return learners[0].network.eval()


_PROGRAM = str(Path(__file__).with_name("many_runs.py"))


def _succeed(arguments: list[str], **environment: str) -> None:
    own = {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, *arguments]
    with UsualPopen(command, cwd=CHECKOUT, env=own, stderr=subprocess.PIPE, text=True) as process:
        try:
            _, said = process.communicate(timeout=3 * PATIENCE)  # one start for all networks
        except BaseException:
            process.terminate()  # torchrun ends its processes
            raise
    assert process.returncode == 0, said


@pytest.mark.parametrize(("name", "way"), CASES)
def test_two_processes_learn_what_one_does(
    alone: dict[Case, RunDirectory], together: dict[Case, RunDirectory], name: str, way: str
) -> None:
    one, two = alone[name, way], together[name, way]
    (mine,), (theirs,) = epoch_lines(two), epoch_lines(one)
    assert (mine["step"], mine["images"]) == (theirs["step"], theirs["images"]) == (1, 5)
    for term in ("loss", "loss_joint", "loss_O", "loss_D", "loss_C", "entropy"):
        assert mine[term] == pytest.approx(theirs[term], rel=1e-5), term
    learned, expected = weights(two), weights(one)
    assert learned.keys() == expected.keys()
    for key, value in expected.items():
        assert float((learned[key] - value).abs().max()) <= 1e-4 * (float(value.abs().max()) + 1e-3), key


@pytest.mark.parametrize(("name", "way"), CASES)
def test_a_process_without_network_predicts_what_the_trained_network_does(
    answers: Answers, name: str, way: str
) -> None:
    run = f"{name.partition('.')[0]}-{way}"
    expected, found = answers.trained[run], answers.opened[run]
    assert found.shape == expected.shape == (4, 3, 2)
    assert float((found - expected).abs().max()) < 2e-4 * float(expected.abs().max())


def test_norms_that_hold_their_activation_have_statistics_as_chosen(alone: dict[Case, RunDirectory]) -> None:
    shared, frozen, separate = (weights(alone[WITH_ACTIVATIONS, way]) for way in ("shared", "frozen", "separate"))
    means = [key.removesuffix("running_mean") for key in shared if key.endswith("running_mean")]
    assert means
    for name in means:
        assert not frozen[f"{name}running_mean"].any()
        assert shared[f"{name}num_batches_tracked"] == 3 * separate[f"{name}num_batches_tracked"] == 3
        assert not torch.equal(separate[f"{name}mean_D"], separate[f"{name}mean_C"])
