"""Benchmark of data loading: training images per second, and how long an accelerator would wait for them.

Run from the checkout: ``python benchmarks/feeding.py``, or with a data set of your own. Batches come from the trainer's own
loader (decode, crop, scale) with the recipe `paper`, without the ends of epochs: a training loads the next one while it
validates. The accelerator is simulated by sleeping for the time of a step; its tensors are on torch's ``meta`` device, so that
the CPU does the same work as with a GPU, except for copying the data there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from interleaved import machine

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.loading import Sample, worker_count
from s3n_core.system.distributed import Team
from s3n_core.system.resources import resource
from s3n_core.training.batch_loader import BatchLoader
from s3n_core.training.preparing import Plan
from s3n_core.training.recipes import find_recipe

SHARES = (0.25, 0.5, 0.75, 0.9, 1.0, 2.0)  # speeds of the accelerator, relative to the loader's maximum
EPOCHS, LEAST = 100, 500  # of so many images, or all if there are more: there is not time for as many


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path, nargs="?", help="a data set; else the demo's images, as often as needed")
    options.add_argument("--batch", type=int, default=16)
    options.add_argument("--seconds", type=float, default=10.0, help="for each speed of the accelerator")
    options.add_argument("--workers", type=int, help="loading threads; else the program's choice")
    chosen = options.parse_args()
    torch.set_num_threads(1)
    data = open_data_set(chosen.folder or resource("demo/images"))
    labelled = [record for record in data.records if record.label is not None]
    samples = tuple(
        Sample(record.path, f"{number} {record.name}", record.label)
        for number, record in enumerate(islice(cycle(labelled), max(len(labelled), LEAST)))
    )
    recipe = find_recipe("paper")
    plan = Plan(recipe, data.classes, samples, (), "cpu", data.root, data.root.name)
    threads = worker_count() if chosen.workers is None else chosen.workers
    size = recipe.network.source_size
    print(f"{len(samples)} images to {size} px, batch {chosen.batch}, {threads} loading threads; {machine('cpu')}")
    _consume(plan, chosen, 0.0)  # warms the file cache
    most, _ = _consume(plan, chosen, 0.0)
    print(f"  made ready: {most:.0f} images a second at most")
    for share in SHARES:
        speed = share * most
        reached, waited = _consume(plan, chosen, chosen.batch / speed)
        print(
            f"  accelerator at {speed:4.0f} images a second: gets {reached:4.0f}, waits {waited:6.1%} of the time, "
            f"best possible {max(0.0, 1 - 1 / share):6.1%}"
        )


def _consume(plan: Plan, chosen: argparse.Namespace, step: float) -> tuple[float, float]:
    """Consume batches with ``step`` seconds of computing each; return images per second and the fraction of waiting."""
    feeder = BatchLoader(plan, "meta", chosen.workers, Team())
    waited, seen = 0.0, 0
    with closing(_batches(feeder, plan, chosen.batch)) as batches:
        next(batches)  # starts the threads and the prefetching
        began = time.perf_counter()
        while (now := time.perf_counter()) - began < chosen.seconds:
            seen += next(batches)
            waited += time.perf_counter() - now
            time.sleep(step)
        seconds = time.perf_counter() - began
    return seen / seconds, waited / seconds


def _batches(feeder: BatchLoader, plan: Plan, size: int) -> Iterator[int]:
    """Yield the length of every batch once its tensors are ready, without end."""
    order = np.concatenate([np.random.default_rng(epoch).permutation(len(plan.training)) for epoch in range(EPOCHS)])
    samples = [plan.training[place] for place in order]
    with closing(
        feeder.training_batches(0, samples, [size] * (len(samples) // size) + [len(samples) % size])
    ) as batches:
        for batch in batches:
            feeder.tensors(batch, 0)
            yield len(batch)


if __name__ == "__main__":
    main()
