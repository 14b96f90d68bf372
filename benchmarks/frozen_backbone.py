"""Measures what kept features save: seconds per epoch of a training with a frozen backbone, with and without the cache.

``python -m benchmarks.frozen_backbone`` draws its images on the spot and checks that both trainings have the same losses. Both
have the same views; without the cache, its reason (`why_uncached`) is replaced. ``--images 300 --epochs 15`` gives the minutes
of a whole training of the recipe.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image

from s3n_core.datasets.detection import open_data_set
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training import loop
from s3n_core.training.events import EpochDone, RunStarted
from s3n_core.training.preparing import prepare_run
from s3n_core.training.recipes import find_recipe
from s3n_core.training.trainer import Trainer

RECIPE, CLASSES = find_recipe("quick"), 4
LARGEST_DIFFERENCE = 1e-4
"""Of the mean loss of an epoch."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--images", type=int, default=60, help=f"of {CLASSES} classes together; a part of them validates"
    )
    parser.add_argument("--epochs", type=int, default=3, help="at least 2: the first one fills the cache")
    parser.add_argument("--backbone", default=RECIPE.network.backbone)
    parser.add_argument("--branches", nargs="+", default=["O", "O+D+C"])
    chosen = parser.parse_args()
    if chosen.epochs < 2:
        parser.error("--epochs must be at least 2, since the first epoch fills the cache")
    print(f"{chosen.backbone}, {chosen.images} images, {chosen.epochs} epochs; {torch.get_num_threads()} threads")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _draw(root / "images", chosen.images)
        print(
            "| branches | epoch 1, s | later epochs without the cache, s | with it, s | ratio "
            "| whole training without it, min | with it, min | largest difference of a loss |\n" + "|---|" + "---:|" * 7
        )
        for branches in chosen.branches:
            changes = {"epochs": chosen.epochs, "network.backbone": chosen.backbone, "network.branches": branches}
            with patch.object(loop, "why_uncached", lambda *_: "Not kept."):
                anew = _train(root, f"anew {branches}", changes)
            kept = _train(root, f"kept {branches}", changes)
            difference = float(np.abs(np.array(anew.losses) - np.array(kept.losses)).max())
            later, saved = min(anew.epochs[1:]), min(kept.epochs[1:])
            print(
                f"| {branches} | {kept.epochs[0]:.2f} | {later:.2f} | {saved:.2f} | {later / saved:.1f} "
                f"| {anew.whole / 60:.2f} | {kept.whole / 60:.2f} | {difference:.1e} |",
                flush=True,
            )
            if not difference <= LARGEST_DIFFERENCE:  # nor not a number
                raise SystemExit("the two trainings do not have the same losses")


@dataclass
class Training:
    """Seconds of each epoch and of the whole training, and the loss of each epoch."""

    epochs: list[float]
    whole: float
    losses: list[float]


def _draw(root: Path, images: int) -> None:
    for number in range(images):
        folder = root / f"class {number % CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (15, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((800, 600), Image.Resampling.BICUBIC).save(folder / f"{number}.jpg")


def _train(root: Path, name: str, changes: dict[str, object]) -> Training:
    fixed = {"weights": "none", "freeze_backbone": True, "crop_scale": None, "flip": False, "probes": 0}
    recipe = RECIPE.changed(fixed | changes)
    run: RunDirectory = prepare_run(root / name, open_data_set(root / "images"), recipe, device="cpu")
    seconds = []
    start = began = time.perf_counter()
    for event in Trainer(run.path).run():
        if isinstance(event, RunStarted):
            began = time.perf_counter()
        if isinstance(event, EpochDone):
            now = time.perf_counter()
            seconds.append(now - began)
            began = now
    whole = time.perf_counter() - start
    lines = [json.loads(line) for line in run.metrics_jsonl.read_text().splitlines()]
    return Training(seconds, whole, [line["loss"] for line in lines if line["kind"] == "epoch"])


if __name__ == "__main__":
    main()
