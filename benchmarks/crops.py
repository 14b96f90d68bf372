"""Predict images that trained networks have not seen, with the evaluation crop and with the whole image.

    python benchmarks/crops.py CUB10 --out answers work/folds/CUB10-fold0of3=work/cells/CUB10-fold0of3-.../run ...

Each pair names the folder of a fold and the run trained on it (`s3n reproduce --folds 3`); nothing is trained again. Predictions
are written to ``OUT/FOLD/crops-0.csv``, one line per image; existing files are reused. `results` compares stored ones. What the
crop cuts off is printed for the first data set, if it has boxes or key points.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.transforms import Preprocess, source_box, test_view
from s3n_core.models.opening import open_model
from s3n_core.reproduce.answers import probabilities

VIEWS = ("crop", "whole")


def write_answers(fold: Path, run: Path, out: Path) -> None:
    """Predict a fold's test images with the run's own view (its crop) and with the whole image; write ``out`` (CSV)."""
    model = open_model(run, device="cpu", precision="float32")
    records = [r for r in open_data_set(fold).records if r.split == "test" and r.label is not None]
    whole = dataclasses.replace(model.preprocess, resize="squash")
    by_view = {
        "crop": probabilities(model, records, lambda image, _: test_view(image, model.preprocess)),
        "whole": probabilities(model, records, lambda image, _: test_view(image, whole)),
    }
    rows = [
        {"name": record.name, "label": record.label}
        | {f"{head}/{view}": int(by_view[view][at][head].argmax()) for view in VIEWS for head in by_view[view][at]}
        for at, record in enumerate(records)
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def cut_off(data: Path, preprocess: Preprocess) -> list[str]:
    """Return lines about what a crop cuts off: key points by name, and boxes by the share of their area."""
    hidden: Counter[str] = Counter()
    visible: Counter[str] = Counter()
    lost: list[float] = []
    for record in open_data_set(data).records:
        if record.box is None and not record.parts:
            continue
        with Image.open(record.path) as image:
            x0, y0, x1, y1 = source_box(image.size, preprocess)
        for part in record.parts:
            visible[part.name] += 1
            hidden[part.name] += not (x0 <= part.x <= x1 and y0 <= part.y <= y1)
        if (box := record.box) is not None:
            wide = max(min(box.x + box.width, x1) - max(box.x, x0), 0.0)
            high = max(min(box.y + box.height, y1) - max(box.y, y0), 0.0)
            lost.append(1 - wide * high / (box.width * box.height))
    lines = []
    if lost:
        areas = np.array(lost)
        lines.append(
            f"{len(areas)} boxes: mean area cut off {100 * areas.mean():.1f} %, more than a tenth in "
            f"{100 * (areas > 0.1).mean():.1f} %"
        )
    if visible:
        total = sum(visible.values())
        lines.append(f"{total} visible key points: {100 * sum(hidden.values()) / total:.1f} % cut off")
        lines += [f"  {name}: {hidden[name]} of {count}" for name, count in sorted(visible.items())]
    return lines


def main() -> None:
    """Write the predictions, and print what the crop cuts off."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("pairs", nargs="*", metavar="FOLD=RUN")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for pair in arguments.pairs:
        fold, _, run = pair.partition("=")
        file = arguments.out / Path(fold).name / "crops-0.csv"
        if not file.exists():
            write_answers(Path(fold), Path(run), file)
    for line in cut_off(arguments.data, Preprocess(resize="squash_crop")):
        print(line)


if __name__ == "__main__":
    main()
