"""Two processes started with torchrun train and predict the same as one process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from random_model import save_picture, save_random_model
from tiny_training import CHECKOUT, PATIENCE, TINY, epoch_lines, prepare, train, weights

from s3n_core.models.model_files import load_model, save_model
from s3n_core.prediction.tables import read_json_table
from s3n_core.runs.control import send_order
from s3n_core.runs.run_directory import RunDirectory, is_live
from s3n_core.training.events import EpochDone
from s3n_core.training.trainer import Trainer

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not torch.distributed.is_available(), reason="torchrun with gloo"
)

FROZEN: dict[str, Any] = {"network__batch_norm": "frozen", "network__train_sampling": "random"}


SCARCE = """
import os, sys
import torch
from s3n_core.cli import main
from s3n_core.training import step

objective, calls = step.objective, 0

def exhausted(output, labels, **options):
    global calls
    calls += 1
    if os.environ["RANK"] == "1" and calls > 2 and len(labels) > 1:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    return objective(output, labels, **options)

step.objective = exhausted
sys.exit(main())
"""
"""The command line, for which memory is scarce in one of two processes from its third micro-batch on."""


@contextmanager
def two_processes(
    home: Path, *arguments: str, program: Sequence[str] = ("-m", "s3n_core")
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0", "--standalone"]
    with subprocess.Popen(
        [*command, *program, *arguments],
        cwd=CHECKOUT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "S3N_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ():
                child.kill()
            process.kill()


def run_two(home: Path, *arguments: str, program: Sequence[str] = ("-m", "s3n_core")) -> tuple[int, str, str]:
    with two_processes(home, *arguments, program=program) as process:
        out, said = process.communicate(timeout=PATIENCE)
        return process.returncode, out, said


def run_two_machines(home: Path, *arguments: str) -> list[tuple[int, str, str]]:
    """Run a command as on two machines with one process each: two torchruns, which meet at a port; return how they ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", "--rdzv-id=first"]
    # Two machines find each other by their names; the name of this one may be unknown to itself.
    meeting = ["--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{port}", "--local-addr=127.0.0.1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "S3N_HOME": str(home)}
    with ExitStack() as machines:
        agents = [
            machines.enter_context(
                subprocess.Popen(
                    [*command, *meeting, "-m", "s3n_core", *arguments],
                    cwd=CHECKOUT,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(2)
        ]
        try:
            said = [agent.communicate(timeout=PATIENCE) for agent in agents]
        finally:
            for agent in agents:
                for child in psutil.Process(agent.pid).children(recursive=True) if agent.poll() is None else ():
                    child.kill()
                agent.kill()
    return [(agent.returncode, *one) for agent, one in zip(agents, said, strict=True)]


def as_options(settings: dict[str, Any]) -> Sequence[str]:
    return [
        part
        for name, value in settings.items()
        for part in ("--set", f"{name.replace('__', '.')}={value if isinstance(value, str) else json.dumps(value)}")
    ]


def assert_alike(run: RunDirectory, reference: RunDirectory, tolerance: float) -> None:
    mine, theirs = epoch_lines(run), epoch_lines(reference)
    assert [line["epoch"] for line in mine] == [line["epoch"] for line in theirs]
    for line, other in zip(mine, theirs, strict=True):
        assert (line["step"], line["images"]) == (other["step"], other["images"])
        for name in ("loss", "loss_O", "loss_D", "validation_loss", "entropy"):
            assert line[name] == pytest.approx(other[name], rel=tolerance), name


@pytest.mark.usefixtures("real_command")
def test_two_processes_learn_what_one_does_and_either_goes_on_for_the_other(tmp_path: Path, pictures: Path) -> None:
    """Five images per batch: neither the batches nor the 21 images nor the three validation images divide by two."""
    settings = {**TINY, **FROZEN, "batch_size": 5}
    one = prepare(tmp_path / "one", pictures, **{**FROZEN, "batch_size": 5})
    train(one)
    code, out, said = run_two(
        tmp_path, "train", str(pictures), "--name", "two", "--device", "cpu", *as_options(settings)
    )
    assert code == 0, said
    two = RunDirectory(tmp_path / "runs" / "two")
    assert out.strip() == str(two.path)  # only one process writes output
    assert said.count("epoch   3/3") == 1
    assert_alike(two, one, 1e-5)
    assert {path.name for path in two.snapshots.iterdir()} == {path.name for path in one.snapshots.iterdir()}

    # Stopped with two processes, finished with one.
    begun = prepare(tmp_path / "runs" / "begun", pictures, **{**FROZEN, "batch_size": 5})
    with two_processes(tmp_path, "runs", "resume", "begun", "--json") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "epoch_done":
                send_order(begun.path, "pause")
            if json.loads(line)["event"] == "paused":
                while begun.read_state().status != "paused":  # type: ignore[union-attr]
                    time.sleep(0.01)
                send_order(begun.path, "stop")
        assert process.wait(PATIENCE) == 0
    assert not is_live(begun.path)
    state = begun.read_state()
    assert state is not None
    assert (state.status, len(epoch_lines(begun))) == ("stopped", 1)
    train(begun)
    assert_alike(begun, one, 1e-5)


def test_two_machines_learn_what_one_process_does(tmp_path: Path, pictures: Path) -> None:
    one = prepare(tmp_path / "one", pictures, **{**FROZEN, "epochs": 2})
    train(one)
    two = prepare(tmp_path / "runs" / "two", pictures, **{**FROZEN, "epochs": 2})
    ended = run_two_machines(tmp_path, "runs", "resume", "two")
    assert [code for code, _, _ in ended] == [0, 0], ended
    assert sorted(out.strip() for _, out, _ in ended) == ["", str(two.path)]  # only one of them leads
    assert sum(said.count("epoch   2/2") for _, _, said in ended) == 1
    assert_alike(two, one, 1e-5)


def test_two_processes_end_with_the_mean_of_the_weights_that_one_has_begun(tmp_path: Path, pictures: Path) -> None:
    settings = {**FROZEN, "epochs": 2, "average_epochs": 2, "probes": 0}
    one = prepare(tmp_path / "one", pictures, **settings)
    train(one)
    begun = prepare(tmp_path / "runs" / "begun", pictures, **settings)
    with closing(Trainer(begun.path, workers=0).run()) as events:
        next(event for event in events if isinstance(event, EpochDone))
    code, _, said = run_two(tmp_path, "runs", "resume", "begun")
    assert code == 0, said
    *mine, last = epoch_lines(begun)
    *theirs, other = epoch_lines(one)
    assert len(mine) == len(theirs) == 2
    assert last["averaged"]
    assert last["validation_loss"] == pytest.approx(other["validation_loss"], rel=1e-5)
    name = begun.read_pointer("last")
    assert name == one.read_pointer("last")
    for key, value in weights(one).items():
        torch.testing.assert_close(weights(begun)[key], value, rtol=1e-4, atol=1e-6, msg=key)


def test_memory_that_runs_out_in_one_process_makes_the_steps_of_both_smaller(tmp_path: Path, pictures: Path) -> None:
    (tmp_path / "scarce.py").write_text(SCARCE)
    settings = {**FROZEN, "epochs": 1}
    one = prepare(tmp_path / "one", pictures, **settings)
    train(one)
    two = prepare(tmp_path / "runs" / "two", pictures, **settings)
    code, out, said = run_two(tmp_path, "runs", "resume", "two", "--json", program=[str(tmp_path / "scarce.py")])
    assert code == 0, said
    events = [json.loads(line) for line in out.splitlines()]
    halved = [event for event in events if event["event"] == "micro_batch_halved"]
    assert [(event["batch"], event["before"], event["now"]) for event in halved] == [(2, 6, 3), (2, 3, 1)]
    assert two.read_run()["micro_batch"] == 1
    assert_alike(two, one, 1e-5)


def test_memory_that_runs_out_beside_shared_statistics_ends_both_processes(tmp_path: Path, pictures: Path) -> None:
    """The other process waits inside its BatchNorm layers, so neither can begin the update again."""
    (tmp_path / "scarce.py").write_text(SCARCE)
    run = prepare(tmp_path / "runs" / "two", pictures, network__batch_norm="shared", epochs=1)
    code, _, said = run_two(tmp_path, "runs", "resume", "two", program=[str(tmp_path / "scarce.py")])
    assert code != 0
    assert "Memory ran out in one of several processes" in said
    assert not is_live(run.path)
    state = run.read_state()
    assert state is not None
    assert state.status == "failed"
    train(run)  # in a single process
    assert len(epoch_lines(run)) == 1


@pytest.mark.usefixtures("real_command")
def test_two_processes_share_the_statistics_of_a_timm_network_whose_norms_hold_their_activation(
    tmp_path: Path, pictures: Path
) -> None:
    """A set of BatchNorm statistics per branch, each over the images of both processes; five images a batch, split unevenly."""
    pytest.importorskip("timm")
    own = {
        "network__backbone": "timm:test_efficientnet",
        "network__batch_norm": "separate",
        "batch_size": 5,
        "epochs": 2,
    }
    one = prepare(tmp_path / "one", pictures, **own)
    train(one)
    code, _, said = run_two(
        tmp_path, "train", str(pictures), "--name", "two", "--device", "cpu", *as_options({**TINY, **own})
    )
    assert code == 0, said
    two = RunDirectory(tmp_path / "runs" / "two")
    assert_alike(two, one, 1e-4)
    network, other = (load_model(run.checkpoints / f"{run.read_pointer('last')}.safetensors")[0] for run in (two, one))
    statistics = [name for name, _ in network.named_buffers() if name.endswith(("mean_D", "mean_C", "var_D", "var_C"))]
    assert statistics
    for name in statistics:
        assert torch.allclose(network.get_buffer(name), other.get_buffer(name), rtol=1e-2, atol=1e-4), name
    norms = sorted(name for name in statistics if name.endswith("mean_D"))
    assert any(
        not torch.allclose(network.get_buffer(name), network.get_buffer(name.replace("mean_D", "mean_C")))
        for name in norms
    )


@pytest.mark.usefixtures("real_command")
def test_two_processes_draw_balanced_samples_as_one_does_which_resumes_inside_an_epoch(
    tmp_path: Path, pictures: Path
) -> None:
    few = tmp_path / "unequal"
    shutil.copytree(pictures, few, ignore=shutil.ignore_patterns(*[f"{number}.png" for number in range(2, 8)]))
    shutil.copytree(pictures / "a", few / "a", dirs_exist_ok=True)  # eight images of a, two of each other class
    settings: dict[str, Any] = {**FROZEN, "balance": "sampling", "batch_size": 3, "epochs": 4, "validation": 0.0}
    one = prepare(tmp_path / "one", few, **settings)
    train(one)
    run = prepare(tmp_path / "runs" / "run", few, checkpoint_minutes=1e-6, **settings)
    with two_processes(tmp_path, "runs", "resume", "run", "--json") as process:
        assert process.stdout is not None
        saved = 0
        for line in process.stdout:
            event = json.loads(line)["event"]
            saved += event == "checkpoint_saved"
            if saved == 5 and event == "checkpoint_saved":  # four batches are an epoch
                send_order(run.path, "pause")
            if event == "paused":
                while run.read_state().status != "paused":  # type: ignore[union-attr]
                    time.sleep(0.01)
                send_order(run.path, "stop")
        said = process.stderr.read() if process.stderr is not None else ""
        assert process.wait(PATIENCE) == 0, said
    assert 1 <= len(epoch_lines(run)) < 4
    train(run)
    mine, theirs = epoch_lines(run), epoch_lines(one)
    assert [line["images"] for line in mine] == [line["images"] for line in theirs] == [12] * 4
    for name in ("loss", "loss_O", "loss_D", "loss_C", "entropy"):
        assert [line[name] for line in mine] == pytest.approx([line[name] for line in theirs], rel=1e-4), name


def predicting(tmp_path: Path) -> list[str]:
    """Return a command that predicts 21 images, one of them unreadable, without the path of its table.

    Two have more than 8 bits; the one that the second process reads goes beyond the model's range.
    """
    model = save_random_model(tmp_path / "model.safetensors")
    network, header = load_model(model)
    preprocess = {**header.preprocess, "integer_range": [0.0, 4095.0]}
    save_model(model, network, header.model_copy(update={"preprocess": preprocess, "file_version": 2}))
    images = tmp_path / "images"
    for number in range(21):
        save_picture(images / f"{number:02}.jpg", number)
    (images / "09.jpg").write_bytes(b"junk")
    for number, value in ((3, 4000), (10, 60000)):
        (images / f"{number:02}.jpg").unlink()
        Image.fromarray(np.full((64, 64), value, np.uint16)).save(images / f"{number:02}.tif")
    return ["predict", str(model), str(images), "--device", "cpu", "--workers", "1", "--out"]


def predict_alone(arguments: Sequence[str], out: Path, *options: str) -> None:
    command = [sys.executable, "-m", "s3n_core", *arguments, str(out), *options]
    # One thread, as in each of several processes: sums over several threads round differently in the last digits.
    assert subprocess.run(command, cwd=CHECKOUT, env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode == 0


def test_predictions_shared_by_two_processes_are_the_same_table(tmp_path: Path) -> None:
    arguments = predicting(tmp_path)
    predict_alone(arguments, tmp_path / "one.json")
    code, _, said = run_two(tmp_path, *arguments, str(tmp_path / "two.json"))
    assert code == 0, said
    assert (tmp_path / "two.json").read_bytes() == (tmp_path / "one.json").read_bytes()
    assert said.count("21 images, 1 unreadable") == 1
    assert said.count("go from 4,000 to 60,000, but the model's range is 0 to 4,095") == 1


def test_two_processes_stop_the_images_that_one_process_stops(tmp_path: Path) -> None:
    arguments = predicting(tmp_path)
    predict_alone(arguments, tmp_path / "whole.json")
    _, rows = read_json_table(tmp_path / "whole.json")
    entropies = sorted(row.entropy for row in rows if row.entropy is not None)
    stopping = ["--stop-below", str((entropies[9] + entropies[10]) / 2)]
    predict_alone(arguments, tmp_path / "one.json", *stopping)
    code, _, said = run_two(tmp_path, *arguments, str(tmp_path / "two.json"), *stopping)
    assert code == 0, said
    assert (tmp_path / "two.json").read_bytes() == (tmp_path / "one.json").read_bytes()
    header, rows = read_json_table(tmp_path / "two.json")
    assert sum(len(row.branches) == 1 for row in rows) == 10
    assert header.passes == 2.0  # ten of twenty images stop after one pass, the others take three
    assert said.count("2.00 backbone passes per image") == 1


def test_when_one_process_is_killed_the_other_ends_with_a_sentence_and_the_run_goes_on(
    tmp_path: Path, pictures: Path
) -> None:
    one = prepare(tmp_path / "one", pictures, **FROZEN, balance="sampling")
    train(one)
    run = prepare(tmp_path / "runs" / "killed", pictures, **FROZEN, balance="sampling")
    with two_processes(tmp_path, "runs", "resume", "killed", "--json") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "epoch_done":
                workers = [
                    child for child in psutil.Process(process.pid).children() if os.getsid(child.pid) == child.pid
                ]
                leader = json.loads((run.path / "owner.json").read_text())["pid"]
                next(worker for worker in workers if worker.pid != leader).send_signal(signal.SIGKILL)
                break
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert said.count("Error: One of the 2 processes crashed or was terminated") == 1
    assert "s3n_core/training" not in said  # the only traceback is torchrun's own
    state = run.read_state()
    assert state is not None
    assert state.status == "failed"
    assert not is_live(run.path)
    train(run)
    assert_alike(run, one, 1e-5)


def test_an_error_in_one_process_is_said_once_and_ends_both(tmp_path: Path, pictures: Path) -> None:
    run = prepare(tmp_path / "runs" / "gone", pictures, **FROZEN, precision="float16")
    code, out, said = run_two(tmp_path, "runs", "resume", "gone", "--json")
    assert code != 0
    assert [json.loads(line)["code"] for line in out.splitlines()] == ["device.error"]
    assert said.count("Error: The CPU does not support the precision float16") == 1
    state = run.read_state()
    assert state is not None
    assert state.status == "failed"
