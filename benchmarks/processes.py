"""Benchmark of two processes on the CPU (gloo): what an update spends on messages, and what sending them earlier would save.

Run from the checkout: ``python benchmarks/processes.py``. It starts itself twice by torchrun and prints one Markdown table. The
images are drawn on the spot. A message's time includes the wait for the other process, so other work on the machine adds to it;
the numbers of messages do not depend on it. Gradients are summed after the backward pass. Held against that, in turns: sums that
begin while it runs, in buckets, as soon as gradients are complete, and torch's DistributedDataParallel, which does the same. A
weight that three passes share is complete only in the last of them, O's; the window is the share of an update from then on.
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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch.distributed as dist
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
    options.add_argument("--rounds", type=int, default=9, help="updates of each kind that take turns")
    options.add_argument("--buckets", type=int, default=4, help="messages of the sums that begin early")
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
        *_compared(chosen, team, 1),
        *_compared(chosen, team, 2),
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


class EarlySums:
    """Sums gradients over the processes while a backward pass still runs.

    Args:
        weights: The parameters that get gradients, in the order in which these are complete.
        buckets: How many messages they are sent in.

    Attributes:
        first: When the first bucket was complete, in seconds of `time.perf_counter`.
    """

    def __init__(self, weights: Sequence[torch.nn.Parameter], buckets: int) -> None:
        self.first = math.nan
        self._armed = False
        self._buckets: list[list[torch.nn.Parameter]] = [[] for _ in range(buckets)]
        whole, done = sum(weight.numel() for weight in weights), 0
        self._bucket_of = {}
        for weight in weights:
            number = min(buckets * done // whole, buckets - 1)
            self._buckets[number].append(weight)
            self._bucket_of[weight] = number
            done += weight.numel()
            weight.register_post_accumulate_grad_hook(self._complete)
        self._missing: list[int] = []
        self._sent: list[tuple[int, torch.Tensor, Any]] = []

    def begin(self) -> None:
        """Sum the gradients of the backward pass that follows."""
        self._armed, self._sent = True, []
        self._missing = [len(bucket) for bucket in self._buckets]

    def end(self) -> None:
        """Wait for the sums."""
        self._armed = False
        for number, flat, message in self._sent:
            message.wait()
            parts = torch.split(flat, [weight.numel() for weight in self._buckets[number]])
            for weight, part in zip(self._buckets[number], parts, strict=True):
                assert weight.grad is not None
                weight.grad.copy_(part.view_as(weight.grad))

    def _complete(self, weight: torch.Tensor) -> None:
        if not self._armed:
            return
        assert isinstance(weight, torch.nn.Parameter)
        number = self._bucket_of[weight]
        self._missing[number] -= 1
        # All processes send in the same order, so a bucket waits for those before it.
        while len(self._sent) < len(self._buckets) and not self._missing[len(self._sent)]:
            if not self._sent:
                self.first = time.perf_counter()
            place = len(self._sent)
            flat = torch.cat([one.grad.flatten() for one in self._buckets[place] if one.grad is not None])
            self._sent.append((place, flat, dist.all_reduce(flat, async_op=True)))


def _compared(chosen: argparse.Namespace, team: Team, parts: int) -> list[str]:
    """Let sums after the backward pass, early sums and DDP take turns on the same images; their gradients must agree."""
    torch.manual_seed(0)
    config = NetworkConfig(
        num_classes=CLASSES,
        backbone=chosen.backbone,
        input_size=chosen.size,
        source_size=chosen.size,
        batch_norm="frozen",
    )
    networks = [S3N(config).train() for _ in range(3)]
    for network in networks:
        network.load_state_dict(networks[0].state_dict())
        place(network, "cpu")
    wrapped = DistributedDataParallel(networks[1], broadcast_buffers=False)
    own = chosen.batch // (2 * parts)
    made = torch.Generator().manual_seed(team.rank)
    batches = [torch.randn(own, 3, chosen.size, chosen.size, generator=made) for _ in range(parts)]
    labels = torch.arange(own) % CLASSES

    def backward(network: torch.nn.Module, images: torch.Tensor, share: float) -> None:
        objective(network(images, sampling="all"), labels).total.mul(share).backward()

    order: list[torch.nn.Parameter] = []
    hooks = [weight.register_post_accumulate_grad_hook(order.append) for weight in networks[2].parameters()]
    backward(networks[2], batches[0], 1.0)
    for hook in hooks:
        hook.remove()
    early = EarlySums(order, chosen.buckets)
    messages, windows = [], []

    def sums() -> None:
        networks[0].zero_grad(set_to_none=True)
        for images in batches:
            backward(networks[0], images, 0.5 / parts)
        began = time.perf_counter()
        team.add(weight.grad for weight in networks[0].parameters() if weight.grad is not None)
        messages.append(time.perf_counter() - began)

    def parallel() -> None:
        networks[1].zero_grad(set_to_none=True)
        for part, images in enumerate(batches):
            with nullcontext() if part == parts - 1 else wrapped.no_sync():
                backward(wrapped, images, 1 / parts)

    def overlapped() -> None:
        networks[2].zero_grad(set_to_none=True)
        for part, images in enumerate(batches):
            if part == parts - 1:
                early.begin()
            backward(networks[2], images, 0.5 / parts)
        windows.append(time.perf_counter() - early.first)
        early.end()

    works = {"sums": sums, "early sums": overlapped, "DDP": parallel}
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(2 + chosen.rounds):
        for name in sorted(works, reverse=number % 2 == 1):
            team.lead(None)
            began = time.perf_counter()
            works[name]()
            seconds = max(team.gather(time.perf_counter() - began))
            if number >= 2:
                times[name].append(seconds)
    for one, *others in zip(*(network.parameters() for network in networks), strict=True):
        for other in others:
            assert (one.grad is None) == (other.grad is None)
            assert one.grad is None or torch.allclose(one.grad, other.grad, rtol=1e-3, atol=1e-5)
    whole = statistics.median(times["sums"])
    sent, window = (statistics.median(some[2:]) / whole for some in (messages, windows))
    rows = [
        f"| frozen | {parts} | sums after the backward pass, in an update of {1e3 * whole:.0f} ms | 1 | {100 * sent:.1f} % |",
        f"| frozen | {parts} | window for them before its end, early sums included | | {100 * window:.1f} % |",
    ]
    for name, count in (("early sums", f"{chosen.buckets}"), ("DDP", "")):
        ratios = sorted(one / other for one, other in zip(times[name], times["sums"], strict=True))
        low, middle, high = (ratios[place] for place in (1, len(ratios) // 2, -2))
        spread = f"{middle:.2f} times the update ({low:.2f} to {high:.2f})"
        rows.append(f"| frozen | {parts} | {name} in their place | {count} | {spread} |")
    return rows


if __name__ == "__main__":
    main()
