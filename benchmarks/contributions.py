"""Benchmark of contributions compared with one inspection of the same image.

python benchmarks/contributions.py MODEL IMAGE [--threads 1] [--repeats 15]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from interleaved import machine, medians, report
from PIL import Image

import s3n_core


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    with Image.open(chosen.image) as opened:
        image = opened.convert("RGB")
    with s3n_core.load_model(chosen.model, device="cpu") as model:
        inspection = model.inspect(image)
        found = model.contributions(inspection, 0, versus=1)

        def inspect() -> None:
            nonlocal inspection
            inspection = model.inspect(image)

        works: dict[str, Callable[[], object]] = {
            "inspection": inspect,
            "contributions of an image": lambda: model.contributions(image, 0, versus=1),
            "contributions of the latest inspection": lambda: model.contributions(inspection, 0, versus=1),
            "rows": found.rows,
            "picture of 256 pixels": lambda: found.picture(256),
        }
        seconds = medians(works, repeats=chosen.repeats)
    report(f"{model.name}, {image.width} x {image.height} pixels, {machine('cpu')}", seconds, "inspection")


if __name__ == "__main__":
    main()
