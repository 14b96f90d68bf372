"""A training whose backbone is compiled learns what it learns otherwise."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from few_layers import FewLayers
from tiny_training import assert_same_tensors, assert_same_training, epoch_lines, prepare, train, weights

from s3n_core.method import backbones
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.distributed import Team
from s3n_core.training import compilation, step
from s3n_core.training.compilation import Compilation, Outcome
from s3n_core.training.events import CheckpointSaved, EpochDone, MicroBatchHalved
from s3n_core.training.learner import Learner
from s3n_core.training.preparing import read_plan
from s3n_core.training.trainer import Trainer

ONE_EPOCH: dict[str, Any] = {"epochs": 1, "probes": 0}
COUNTED = "s3n_counted"


class Counted:
    """A backend that compiles nothing and counts: graphs by their number of images, and runs of them."""

    def __init__(self) -> None:
        self.graphs: list[int] = []
        self.runs: list[int] = []
        self.failure: Exception | None = None

    def __call__(self, graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., Any]:
        if self.failure is not None:
            raise self.failure
        images = next(len(value) for value in inputs if value.shape[1:] == (3, 64, 64))
        self.graphs.append(images)

        def run(*values: torch.Tensor) -> Any:
            self.runs.append(images)
            return graph.forward(*values)

        return run


@pytest.fixture(autouse=True)
def few_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbones.torchvision_models, "get_model", lambda name, weights: FewLayers())


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    backend = Counted()
    torch._dynamo.register_backend(backend, name=COUNTED)  # type: ignore[arg-type]
    monkeypatch.setattr(compilation, "BACKEND", COUNTED)
    yield backend
    del torch._dynamo.backends.registry._COMPILER_FNS[COUNTED]
    torch.compiler.reset()


def without_compiled(run: RunDirectory) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "compiled"} for line in epoch_lines(run)]


@pytest.mark.parametrize(
    ("settings", "graphs"),
    [
        ({"network__batch_norm": "shared"}, 2),  # of O, and of D and C, whose images need gradients
        ({"network__batch_norm": "frozen", "micro_batch": 3}, 2),
        ({"network__batch_norm": "separate", "recalibrate": True}, 3),
        ({"network__side_head": True, "micro_batch": 2}, 2),
    ],
    ids=["shared", "frozen", "separate", "side head"],
)
def test_the_same_passes_learn_the_same(
    tmp_path: Path, pictures: Path, counted: Counted, settings: dict[str, Any], graphs: int
) -> None:
    """A backend that only repeats what torch would do gives the same weights and statistics to the bit."""
    runs = {}
    for wanted in ("off", "on"):
        runs[wanted] = prepare(tmp_path / wanted, pictures, compile=wanted, **{**ONE_EPOCH, "epochs": 2, **settings})
        train(runs[wanted])
    assert_same_tensors(weights(runs["on"]), weights(runs["off"]))
    assert without_compiled(runs["on"]) == epoch_lines(runs["off"])
    assert epoch_lines(runs["on"])[0]["compiled"] is True
    size = settings.get("micro_batch", 6)
    assert counted.graphs == [size] * graphs
    # Three passes for the trial and for each full micro-batch: of 21 images, three are left over.
    assert counted.runs == [size] * 3 * (1 + 2 * (21 // size))
    kept = Outcome(**runs["on"].read_run()["compilation"])
    assert (kept.compiled, kept.micro_batch, kept.backend, kept.why) == (True, size, COUNTED, "")
    assert kept.sentence in runs["on"].log_txt.read_text()
    assert "compilation" not in runs["off"].read_run()


def test_a_run_resumes_compiled_and_not(tmp_path: Path, pictures: Path, counted: Counted) -> None:
    """After three of four updates: of the first epoch only a smaller batch is left."""
    whole = prepare(tmp_path / "whole", pictures, compile="on", epochs=2)
    train(whole)
    run = prepare(tmp_path / "run", pictures, compile="on", epochs=2, checkpoint_minutes=1e-6)
    with closing(Trainer(run.path, workers=0).run()) as events:
        saved = (event for event in events if isinstance(event, CheckpointSaved))
        assert len(list(islice(saved, 3))) == 3
    other = shutil.copytree(run.path, tmp_path / "other")
    train(run)
    assert_same_training(run, whole)
    counted.failure = RuntimeError("raised:\nNo compiler here.\nIt was looked for.")
    train(RunDirectory(other))
    assert_same_tensors(weights(RunDirectory(other)), weights(whole))
    assert [line["compiled"] for line in epoch_lines(RunDirectory(other))] == [True, False]


def test_without_a_compiler_a_training_goes_on_and_says_so(tmp_path: Path, pictures: Path, counted: Counted) -> None:
    plain = prepare(tmp_path / "plain", pictures, compile="off", **ONE_EPOCH)
    train(plain)
    run = prepare(tmp_path / "run", pictures, compile="on", **ONE_EPOCH)
    counted.failure = RuntimeError("No working C++ compiler found in None.")
    events = train(run)
    assert_same_tensors(weights(run), weights(plain))
    said = "The backbone is not compiled: torch.compile failed (No working C++ compiler found in None)."
    done = next(event for event in events if isinstance(event, EpochDone))
    assert said in done.warnings
    assert said in run.log_txt.read_text()
    kept = Outcome(**run.read_run()["compilation"])
    assert (kept.compiled, kept.sentence) == (False, said)


def test_each_size_that_memory_allows_is_compiled_once(
    tmp_path: Path, pictures: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = prepare(tmp_path / "small", pictures, compile="on", micro_batch=3, **ONE_EPOCH)
    train(small)
    assert counted.graphs == [3, 3]
    run = prepare(tmp_path / "run", pictures, compile="on", **ONE_EPOCH)
    objective = step.objective

    def exhausted(output: Any, labels: Any, **options: Any) -> Any:
        if len(labels) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return objective(output, labels, **options)

    monkeypatch.setattr(step, "objective", exhausted)
    events = train(run)
    assert [event for event in events if isinstance(event, MicroBatchHalved)] == [MicroBatchHalved(0, 0, 6, 3, 6)]
    assert counted.graphs == [3, 3, 6, 6, 3, 3]
    assert_same_tensors(weights(run), weights(small))
    assert run.read_run()["compilation"]["micro_batch"] == 3


def test_a_processor_compiles_only_if_asked_to(tmp_path: Path, pictures: Path, counted: Counted) -> None:
    run = prepare(tmp_path / "run", pictures, **ONE_EPOCH)
    train(run)
    assert counted.graphs == []
    assert "compilation" not in run.read_run()
    assert "compiled" not in epoch_lines(run)[0]


@pytest.mark.parametrize(
    ("compiled", "usual", "expected"),
    [
        (0.8, 1.0, (True, 0.8, "")),
        (0.99, 1.0, (False, 0.99, "compiled, a micro-batch takes 0.99 times as long")),
        (0.01, 0.01, (False, None, "the updates take about 0 min, too little for it to pay")),
    ],
)
def test_on_a_card_its_times_decide_and_are_kept(
    tmp_path: Path,
    pictures: Path,
    counted: Counted,
    monkeypatch: pytest.MonkeyPatch,
    compiled: float,
    usual: float,
    expected: tuple[bool, float | None, str],
) -> None:
    """`auto` where it is not a processor that trains; the times are made up."""
    monkeypatch.setattr(compilation, "CHOSEN_ON", ("cpu",))
    monkeypatch.setattr(compilation, "LEAST_SECONDS", 8.0)  # two epochs of four updates

    def seconds(_: object, work: Callable[[], None]) -> float:
        before = len(counted.runs)
        work()
        return compiled if len(counted.runs) > before else usual

    monkeypatch.setattr(compilation.Compilation, "_seconds", seconds)
    run = prepare(tmp_path / "run", pictures, epochs=2, probes=0)
    trainer = Trainer(run.path, workers=0)
    for event in trainer.run():
        if isinstance(event, EpochDone):
            assert not event.warnings or "compiled" not in " ".join(event.warnings)
            trainer.request_stop()
    kept = run.read_run()["compilation"]
    assert (kept["compiled"], kept["ratio"], kept["why"]) == expected
    # Resumed, the run is as it was, whatever would be measured now.
    runs = len(counted.runs)
    monkeypatch.setattr(compilation, "PAYS", 0.0)
    train(run)
    assert json.loads(run.run_json.read_text())["compilation"] == kept
    assert len(counted.runs) - runs == (3 * (1 + 3) if expected[0] else 0)


class Two(Team):
    """Two processes, of which the other one reports what is given here."""

    def __init__(self, other: Outcome | None = None) -> None:
        super().__init__(rank=0, size=2)
        self.other = other

    def gather(self, value: Any) -> list[Any]:
        return [value, self.other or value]


@pytest.mark.parametrize("refused", [True, False], ids=["shared statistics", "the other one fails"])
def test_of_several_processes_all_compile_or_none(
    tmp_path: Path, pictures: Path, counted: Counted, refused: bool
) -> None:
    run = prepare(tmp_path / "run", pictures, compile="on", network__batch_norm="shared" if refused else "frozen")
    plan = read_plan(run)
    learner = Learner(plan, "cpu", "float32", Team())
    other = Outcome(False, 6, "CPU", torch.__version__, COUNTED, why="memory ran out")
    compiling = Compilation(run, plan.recipe, learner, Two() if refused else Two(other), "CPU")
    images = torch.zeros(6, 3, 64, 64)

    def work() -> None:
        with compiling.used():
            learner.network.features(images, "O")

    compiling.choose(work, micro=6, left=100)
    assert compiling.outcome is not None
    if refused:
        assert counted.graphs == []
        assert "several processes share the statistics of BatchNorm" in compiling.outcome.sentence
    else:
        assert counted.graphs == [6]
        assert compiling.outcome == other
    runs = len(counted.runs)
    work()
    assert len(counted.runs) == runs
    assert run.read_run()["compilation"]["compiled"] is False


def test_torchs_own_compiler_gives_the_same_losses(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(compilation.torch._inductor.config, "compile_threads", 1)  # others would start processes
    monkeypatch.setattr(
        compilation.torch._inductor.config, "cpp_cache_precompile_headers", False
    )  # left outside the cache
    monkeypatch.setattr(FewLayers, "widths", (3, 8))
    lines = {}
    for wanted in ("off", "on"):
        run = prepare(tmp_path / wanted, pictures, compile=wanted, network__branches="O", **ONE_EPOCH)
        train(run)
        (lines[wanted],) = epoch_lines(run)
    if not lines["on"]["compiled"]:
        pytest.skip(run.read_run()["compilation"]["why"])
    for name in ("loss", "loss_O", "validation_loss"):
        assert lines["on"][name] == pytest.approx(lines["off"][name], rel=1e-3)
