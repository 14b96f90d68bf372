"""Checks of an accelerator for `accelerator.py`: the equations, a kill, memory that runs out, two processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerator_process import Finding, last_line
from torch import Tensor

from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.inverse_grid import invert_grid
from s3n_core.method.network import S3N
from s3n_core.method.objective import objective
from s3n_core.method.peaks import extreme_peaks, find_peaks, split_peaks
from s3n_core.method.resampling import resize_grid, sampling_grid, warp
from s3n_core.method.response_maps import class_response_maps, gate_entropy, merge_response_maps
from s3n_core.method.sparse_attention import sampling_map
from s3n_core.models.devices import place

CLOSE = 1e-5  # relative error that is allowed in float32
FINISHED = "the run finished"
CHECKOUT = Path(__file__).resolve().parents[1]

# Real memory that runs out: of a card a share is used up, of a machine the process's address space ends.
_SHORT_OF_MEMORY = """
import json, sys
import torch
from pathlib import Path
from s3n_core.training.events import MicroBatchHalved
from s3n_core.training.trainer import Trainer
path, device, room = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if device == "cuda":
    torch.cuda.set_per_process_memory_fraction(min(1.0, room / torch.cuda.get_device_properties(0).total_memory))
else:
    import resource, psutil
    torch.backends.mkldnn.enabled = False  # where the system gives it no memory once, it computes nothing any more
    torch.nn.functional.conv2d(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 3, 3))
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + room, resource.RLIM_INFINITY))
for event in Trainer(path, workers=0).run():
    if isinstance(event, MicroBatchHalved):
        if device == "cpu":  # once is enough: at the end of an address space, not every library fails in an orderly way
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(json.dumps({"event": "halved", "before": event.before, "after": event.now}), flush=True)
print(json.dumps({"event": "ended"}), flush=True)
"""


def equations(device: str, size: int) -> list[Finding]:
    """Compare every equation in float32 on the device with the CPU, whose own distance from float64 stands beside.

    Each gets the same inputs on both sides, so that a choice near a threshold is made alike.
    """
    generator = torch.Generator().manual_seed(0)
    batch, channels, classes, cells, grid_size, beta = 4, 256, 200, 14, 31, 4.0
    features = torch.rand(batch, channels, cells, cells, generator=generator)
    weight = torch.randn(classes, channels, generator=generator) / channels**0.5
    maps = class_response_maps(features, weight)
    logits = maps.mean(dim=(2, 3)) * 8
    response, _ = merge_response_maps(maps, logits, map_size=grid_size)
    peaks = find_peaks(response)
    draws = torch.rand(batch, grid_size, grid_size, generator=generator)
    strong, _ = split_peaks(peaks, response, draws)
    density = sampling_map(strong, response, torch.tensor(beta))
    grid = resize_grid(sampling_grid(density), size)
    images = torch.randn(batch, 3, size, size, generator=generator)
    works: dict[str, tuple[Callable[..., object], tuple[Any, ...]]] = {
        "Eq. 1, class response maps": (class_response_maps, (features, weight)),
        "Eq. 2, entropy": (lambda values: gate_entropy(values, 5), (logits,)),
        "Eq. 3, response map": (lambda m, v: merge_response_maps(m, v, map_size=grid_size), (maps, logits)),
        "peaks": (find_peaks, (response,)),
        "Eq. 4, peaks of D and C": (split_peaks, (peaks, response, draws)),
        "its deterministic form": (extreme_peaks, (peaks, response)),
        "Eq. 5, Q_d": (
            lambda p, r: sampling_map(p, r, torch.tensor(beta, dtype=r.dtype, device=r.device)),
            (strong, response),
        ),
        "Eq. 6, Q_c": (
            lambda p, r: sampling_map(p, r, torch.tensor(beta, dtype=r.dtype, device=r.device), complementary=True),
            (strong, response),
        ),
        "gradient of beta": (_gradient_of_beta, (strong, response)),
        "Eqs. 7 and 8, grid": (lambda q: resize_grid(sampling_grid(q), size), (density,)),
        "warp": (warp, (images, grid)),
        "inverse grid": (
            lambda g: invert_grid(g)[0] * invert_grid(g)[1][..., None],
            (grid[:1, ::4, ::4].contiguous(),),
        ),
    }
    found = []
    for name, (work, inputs) in works.items():
        here = _flat(work(*inputs))
        there = _flat(work(*(_moved(value, device=device) for value in inputs)))
        exact = _flat(work(*(_moved(value, dtype=torch.float64) for value in inputs)))
        error = _distance(there, here)
        found.append(
            Finding(
                f"{name}, float32",
                f"{error:.1e} from the CPU (which is {_distance(here, exact):.1e} from float64)",
                f"{CLOSE:.0e}",
                error <= CLOSE,
            )
        )
    return [*found, *_network(device, size)]


def _network(device: str, size: int) -> list[Finding]:
    """Compare the logits, the losses (Eqs. 9 and 10) and the gradients of a whole network."""
    config = NetworkConfig(num_classes=20, backbone="resnet18", input_size=size, source_size=size)
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([3, 7])

    def run(place_on: str) -> tuple[Tensor, Tensor]:
        torch.manual_seed(0)
        network = S3N(config).eval()
        place(network, place_on)
        output = network(images.to(place_on), sampling="all")
        losses = objective(output, labels.to(place_on))
        losses.total.backward()
        gradients = [value.grad.cpu().flatten() for value in network.heads.parameters() if value.grad is not None]
        return torch.cat([logits.detach().cpu() for logits in output.reported().values()]), torch.cat(gradients)

    found, kept = [], torch.backends.cudnn.allow_tf32
    here = run("cpu")
    for tf32 in (False, True) if device == "cuda" else (False,):
        torch.backends.cudnn.allow_tf32 = tf32
        try:
            there = run(device)
        finally:
            torch.backends.cudnn.allow_tf32 = kept
        close = 1e-2 if tf32 else 1e-3
        for name, one, other in zip(("logits", "gradients of the heads"), there, here, strict=True):
            error = _distance(one, other)
            how = "float32, TF32 allowed" if tf32 else "float32"
            found.append(
                Finding(
                    f"Eqs. 9 and 10, {name} of a network, {how}",
                    f"{error:.1e} from the CPU",
                    f"{close:.0e}",
                    error <= close,
                )
            )
    return found


def _gradient_of_beta(peaks: Tensor, response: Tensor) -> Tensor:
    beta = torch.tensor(4.0, dtype=response.dtype, device=response.device, requires_grad=True)
    sampling_map(peaks, response, beta).square().sum().backward()
    assert beta.grad is not None
    return beta.grad


def _moved(value: Tensor, *, device: str = "cpu", dtype: torch.dtype | None = None) -> Tensor:
    return value.to(device=device, dtype=dtype if value.is_floating_point() else None)


def _flat(value: object) -> Tensor:
    parts = value if isinstance(value, tuple) else (value,)
    return torch.cat([part.detach().cpu().double().flatten() for part in parts])


def _distance(one: Tensor, other: Tensor) -> float:
    """Return the largest difference over the largest value."""
    scale = other.double().abs().max().clamp(min=1e-30)
    return float((one.double() - other.double()).abs().max() / scale)


class Trainings:
    """Trainings from the command line in a folder of their own.

    Args:
        folder: Where runs go.
        data: The data set.
        device: "cpu" or "cuda".
        settings: Of the recipe `quick`.
    """

    def __init__(self, folder: Path, data: Path, device: str, settings: Mapping[str, object]) -> None:
        self._folder, self._data, self._device, self._settings = folder, data, device, dict(settings)

    def prepare(self, name: str, **settings: object) -> Path:
        """Make a run without training it."""
        given = self._settings | {key.replace("__", "."): value for key, value in settings.items()}
        options = [part for key, value in given.items() for part in ("--set", f"{key}={value}")]
        self._s3n(["train", str(self._data), "--name", name, "--device", self._device, "--prepare", *options])
        return self._folder / "runs" / name

    def resume(self, name: str, *, processes: int = 1, kill_after: int | None = None) -> None:
        """Train a run to its end, or kill it after so many checkpoints."""
        arguments = ["runs", "resume", name, "--json"]
        if kill_after is None:
            self._s3n(arguments, processes)
            return
        with subprocess.Popen(
            [sys.executable, "-m", "s3n_core", *arguments], env=self._environment(), stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                kill_after -= json.loads(line)["event"] == "checkpoint_saved"
                if kill_after <= 0:
                    process.kill()
                    break

    def epochs(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a run's finished epochs."""
        lines = (self._folder / "runs" / name / "metrics.jsonl").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["kind"] == "epoch"]

    def run_short_of_memory(self, name: str, room: int) -> tuple[list[tuple[int, int]], str]:
        """Train a run with ``room`` bytes of memory; return the halvings of the micro-batch, and how it ended."""
        done = subprocess.run(
            [sys.executable, "-c", _SHORT_OF_MEMORY, str(self._folder / "runs" / name), self._device, str(room)],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        halved = [(event["before"], event["after"]) for event in events if event["event"] == "halved"]
        return halved, FINISHED if done.returncode == 0 else f"the run failed: {last_line(done.stderr)}"

    def _s3n(self, arguments: Sequence[str], processes: int = 1) -> None:
        start = (
            ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"] if processes > 1 else []
        )
        done = subprocess.run(
            [sys.executable, *start, "-m", "s3n_core", *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(last_line(done.stderr))

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
        # Of a machine's memory each thread would reserve a part for itself, which a limit would count.
        return {**os.environ, "S3N_HOME": str(self._folder), "PYTHONPATH": path, "MALLOC_ARENA_MAX": "1"}


def resume_after_a_kill(trainings: Trainings, device: str) -> list[Finding]:
    """Compare a run that was killed and resumed with one that was not."""
    for name in ("whole", "killed"):
        trainings.prepare(name, checkpoint_minutes=1e-6)
    trainings.resume("whole")
    trainings.resume("killed", kill_after=2)
    trainings.resume("killed")
    whole, killed = trainings.epochs("whole"), trainings.epochs("killed")
    alike = [(line["epoch"], line["step"]) for line in whole] == [(line["epoch"], line["step"]) for line in killed]
    difference = max(abs(one["loss"] / other["loss"] - 1) for one, other in zip(killed, whole, strict=False))
    most = 0.0 if device == "cpu" else 0.02
    target = "the same losses" if device == "cpu" else f"the same epochs and steps, losses within {most:.0%}"
    what = "a run that was killed and resumed, against one that was not"
    return [
        Finding(
            what,
            f"{len(killed)} epochs, losses differ by at most {difference:.1e}",
            target,
            alike and difference <= most,
        )
    ]


def memory_runs_out(trainings: Trainings, room: int) -> list[Finding]:
    """Train with too little memory for a whole batch."""
    trainings.prepare("short", network__batch_norm="frozen")
    halved, ended = trainings.run_short_of_memory("short", room)
    steps = ", ".join(f"{before} to {after}" for before, after in halved) or "never"
    what = f"training with {room / 2**30:.2g} GB: images at once are halved"
    return [Finding(what, f"{steps}; {ended}", "halved, finished", bool(halved) and ended == FINISHED)]


def two_processes(trainings: Trainings, device: str) -> list[Finding]:
    """Compare a training of two processes with one of a single process."""
    what = f"two processes ({'nccl' if device == 'cuda' else 'gloo'}), against one"
    if device == "cuda" and torch.cuda.device_count() < 2:
        return [Finding(what, "not measured: there is one card")]
    seconds = {}
    for name, processes in (("one", 1), ("two", 2)):
        trainings.prepare(name, network__batch_norm="frozen")
        began = time.perf_counter()
        trainings.resume(name, processes=processes)
        seconds[name] = time.perf_counter() - began
    one, two = trainings.epochs("one"), trainings.epochs("two")
    first = abs(two[0]["loss"] / one[0]["loss"] - 1)
    speed = two[-1]["images_per_second"] / one[-1]["images_per_second"]
    most = 1e-3 if device == "cpu" else 0.02
    measured = f"losses of the first epoch differ by {first:.1e}; {speed:.2f} times the images a second in the last"
    return [Finding(what, measured, f"losses within {most:.1%}", first <= most)]
