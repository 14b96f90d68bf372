"""Benchmark of two processes on the CPU (gloo): what a training step spends on messages, and DistributedDataParallel.

Run from the checkout: ``python benchmarks/processes.py``. It starts itself twice by torchrun and prints one Markdown table. The
images are drawn on the spot. A message's time includes the wait for the other process, so other work on the machine adds to it;
the numbers of messages do not depend on it.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from torch.nn.parallel import DistributedDataParallel

from s3n_core.datasets.detection import open_data_set
from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.method.objective import objective
from s3n_core.models.devices import place
from s3n_core.system.distributed import Team, join_team
from s3n_core.training.events import CheckpointSaved, RunStarted
from s3n_core.training.preparing import prepare_run
from s3n_core.training.recipes import find_recipe
from s3n_core.training.trainer import Trainer

CLASSES = 4


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--backbone", default="mobilenet_v2")
    options.add_argument("--size", type=int, default=96)
    options.add_argument("--batch", type=int, default=16, help="images of an update")
    options.add_argument("--updates", type=int, default=12)
    options.add_argument("--rounds", type=int, default=9, help="updates of each kind that are held against DDP")
    options.add_argument("--member", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.member:
        _member(chosen, chosen.member)
        return
    with tempfile.TemporaryDirectory() as folder:
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
        command = [*torchrun, __file__, *sys.argv[1:], "--member", folder]
        subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)


def _member(chosen: argparse.Namespace, folder: Path) -> None:
    team = join_team()
    rows = [
        *_shares(chosen, folder, team, "shared", 1),
        *_shares(chosen, folder, team, "frozen", 1),
        *_shares(chosen, folder, team, "frozen", 2),
        _parallel(chosen, team, 1),
        _parallel(chosen, team, 2),
    ]
    if team.leads:
        shape = f"{chosen.backbone}, {chosen.size} px, {chosen.batch} images an update"
        print(f"\n{shape}; two processes, one thread each, torch {torch.__version__}\n")
        print("| BatchNorm | micro-batches | | messages an update | share of an update |\n|---|---:|---|---:|---:|")
        print("\n".join(rows))
    team.leave()


def _shares(chosen: argparse.Namespace, folder: Path, team: Team, norm: str, parts: int) -> list[str]:
    """Train for one epoch and return a row for each kind of message."""
    images = folder / "images"
    if team.leads and not images.exists():
        random = np.random.default_rng(0)
        for number in range(chosen.batch * chosen.updates):
            path = images / f"class {number % CLASSES}" / f"{number:05}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            small = Image.fromarray(random.integers(0, 256, (9, 9, 3), dtype=np.uint8))
            small.resize((2 * chosen.size, chosen.size)).save(path)
    run = folder / f"{norm}-{parts}"
    if team.leads:
        changes = {
            "weights": "none",
            "epochs": 1,
            "batch_size": chosen.batch,
            "micro_batch": chosen.batch // (2 * parts),
            "validation": 0.0,
            "probes": 0,
            "recalibrate": False,
            "crop_scale": None,
            "network.backbone": chosen.backbone,
            "network.input_size": chosen.size,
            "network.source_size": chosen.size,
            "network.batch_norm": norm,
        }
        prepare_run(run, open_data_set(images), find_recipe("quick").changed(changes), device="cpu", processes=2)
    team.lead(None)
    whole, began = math.nan, time.perf_counter()
    with _counted(team) as (seconds, messages):
        for event in Trainer(run, team=team).run():
            if isinstance(event, RunStarted):
                began = time.perf_counter()
                seconds.clear()
                messages.clear()
            if isinstance(event, CheckpointSaved) and math.isnan(whole):
                whole = time.perf_counter() - began
                spent, sent = dict(seconds), dict(messages)
    return [
        f"| {norm} | {parts} | {kind} | {sent.get(kind, 0) / chosen.updates:.1f} "
        f"| {100 * spent.get(kind, 0.0) / whole:.1f} % |"
        for kind in ("control", "gradients", "BatchNorm")
    ]


@contextmanager
def _counted(team: Team) -> Iterator[tuple[Counter[str], Counter[str]]]:
    """Count the seconds and the messages of a team, of each kind."""
    seconds, messages, kind = Counter[str](), Counter[str](), "control"
    talk, add = team.talk, team.add

    def timed(message: Callable[[], object]) -> None:
        began = time.perf_counter()
        talk(message)
        seconds[kind] += time.perf_counter() - began
        messages[kind] += 1

    def added(tensors: Iterable[torch.Tensor]) -> None:
        nonlocal kind
        kind = "BatchNorm" if isinstance(tensors, list) else "gradients"  # gradients come one by one
        try:
            add(tensors)
        finally:
            kind = "control"

    with patch.object(team, "talk", timed), patch.object(team, "add", added):
        yield seconds, messages


def _parallel(chosen: argparse.Namespace, team: Team, parts: int) -> str:
    """Let this program's sums and DDP take turns on the same images, check their gradients, and return a row."""
    torch.manual_seed(0)
    config = NetworkConfig(
        num_classes=CLASSES,
        backbone=chosen.backbone,
        input_size=chosen.size,
        source_size=chosen.size,
        batch_norm="frozen",
    )
    networks = [S3N(config).train(), S3N(config).train()]
    networks[1].load_state_dict(networks[0].state_dict())
    for network in networks:
        place(network, "cpu")
    wrapped = DistributedDataParallel(networks[1], broadcast_buffers=False)
    own = chosen.batch // (2 * parts)
    made = torch.Generator().manual_seed(team.rank)
    batches = [torch.randn(own, 3, chosen.size, chosen.size, generator=made) for _ in range(parts)]
    labels = torch.arange(own) % CLASSES

    def sums() -> None:
        networks[0].zero_grad(set_to_none=True)
        for images in batches:
            objective(networks[0](images, sampling="all"), labels).total.div(2 * parts).backward()
        team.add(weight.grad for weight in networks[0].parameters() if weight.grad is not None)

    def parallel() -> None:
        networks[1].zero_grad(set_to_none=True)
        for part, images in enumerate(batches):
            with nullcontext() if part == parts - 1 else wrapped.no_sync():
                objective(wrapped(images, sampling="all"), labels).total.div(parts).backward()

    ratios, times = [], []
    for number in range(2 + chosen.rounds):
        pair = {}
        for work in (sums, parallel) if number % 2 else (parallel, sums):
            team.lead(None)
            began = time.perf_counter()
            work()
            pair[work] = max(team.gather(time.perf_counter() - began))
        if number >= 2:
            ratios.append(pair[parallel] / pair[sums])
            times.append(pair[sums])
    for one, other in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        if one.grad is not None and other.grad is not None:
            assert torch.allclose(one.grad, other.grad, rtol=1e-3, atol=1e-5)
    low, middle, high = (sorted(ratios)[place] for place in (1, len(ratios) // 2, -2))
    spread = f"{middle:.2f} times ({low:.2f} to {high:.2f})"
    return f"| frozen | {parts} | DDP against sums of {1e3 * statistics.median(times):.0f} ms | | {spread} |"


if __name__ == "__main__":
    main()
