"""Measures what kept features save: seconds per epoch of a training with a frozen backbone, with and without the cache.

``python -m benchmarks.frozen_backbone`` draws its images on the spot and checks that both trainings have the same losses. Both
have the same views; without the cache, its reason (`why_uncached`) is replaced.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np
from PIL import Image

from s3n_core.datasets.detection import open_data_set
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training import loop
from s3n_core.training.events import EpochDone, RunStarted
from s3n_core.training.preparing import prepare_run
from s3n_core.training.recipes import find_recipe
from s3n_core.training.trainer import Trainer

CLASSES, EACH, EPOCHS = 4, 15, 3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _draw(root / "images")
        print(
            "| branches | epoch 1, s | later epochs without the cache, s | with it, s | ratio | largest difference of a loss |"
        )
        print("|---|---:|---:|---:|---:|---:|")
        for branches in ("O", "O+D+C"):
            with patch.object(loop, "why_uncached", lambda *_: "Not kept."):
                anew, losses = _seconds(root, branches, "anew")
            kept, same = _seconds(root, branches, "kept")
            difference = float(np.abs(np.array(losses) - np.array(same)).max())
            assert difference < 1e-4, difference
            later, saved = min(anew[1:]), min(kept[1:])
            print(
                f"| {branches} | {kept[0]:.2f} | {later:.2f} | {saved:.2f} | {later / saved:.1f} | {difference:.1e} |"
            )


def _draw(root: Path) -> None:
    for number in range(CLASSES * EACH):
        folder = root / f"class {number % CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (15, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((800, 600), Image.Resampling.BICUBIC).save(folder / f"{number}.jpg")


def _seconds(root: Path, branches: str, name: str) -> tuple[list[float], list[float]]:
    """Train; return the seconds of each epoch, and its losses."""
    changes = {
        "weights": "none",
        "freeze_backbone": True,
        "crop_scale": None,
        "flip": False,
        "probes": 0,
        "epochs": EPOCHS,
    }
    recipe = find_recipe("quick").changed(changes | {"network.branches": branches})
    run: RunDirectory = prepare_run(root / f"{name} {branches}", open_data_set(root / "images"), recipe, device="cpu")
    seconds, began = [], 0.0
    for event in Trainer(run.path).run():
        if isinstance(event, RunStarted):
            began = time.perf_counter()
        if isinstance(event, EpochDone):
            now = time.perf_counter()
            seconds.append(now - began)
            began = now
    lines = [json.loads(line) for line in run.metrics_jsonl.read_text().splitlines()]
    return seconds, [line["loss"] for line in lines if line["kind"] == "epoch"]


if __name__ == "__main__":
    main()
