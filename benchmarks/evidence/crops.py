r"""Compare the evaluation crop with the whole image: trained networks predict images they have not seen, in both ways.

    python -m benchmarks.evidence.crops CUB10 --results benchmarks/evidence/answers \
        work/folds/CUB10-fold0of3=work/runs/CUB10-fold0of3-odc-0 work/folds/CUB10-fold1of3=...

Each pair names the folder of a fold (`benchmarks.evidence.folds`) and the run trained on it; nothing is trained again.
Predictions are written to ``RESULTS/FOLD/crops-RUN.csv``, one line per image; existing files are reused. What the crop cuts off
is printed for the first data set, if it has boxes or key points.
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

from benchmarks.evidence.report import Right
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.transforms import Preprocess, source_box, test_view
from s3n_core.evaluation.accuracy import wilson_interval
from s3n_core.models.opening import open_model
from s3n_core.reproduce.answers import probabilities
from s3n_core.reproduce.statistics import difference

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


def read_right(files: list[Path], head: str, view: str) -> Right:
    """Read whether each image's prediction is correct; all files count as one seed."""
    right: dict[str, bool] = {}
    for file in files:
        with file.open(encoding="utf-8", newline="") as lines:
            right |= {row["name"]: row["label"] == row[f"{head}/{view}"] for row in csv.DictReader(lines)}
    return {0: right}


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
    """Write the predictions and print the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("pairs", nargs="+", metavar="FOLD=RUN")
    parser.add_argument("--results", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    files = []
    for pair in arguments.pairs:
        fold, _, run = pair.partition("=")
        file = arguments.results / Path(fold).name / f"crops-{Path(run).name}.csv"
        if not file.exists():
            write_answers(Path(fold), Path(run), file)
        files.append(file)
    with files[0].open(encoding="utf-8", newline="") as lines:
        columns = next(csv.reader(lines))
    print("| head | crop | whole image | whole image over the crop |\n|---|---|---|---|")
    for head in dict.fromkeys(column.partition("/")[0] for column in columns if "/" in column):
        sides = {view: read_right(files, head, view) for view in VIEWS}
        cells = []
        for view in VIEWS:
            found = list(sides[view][0].values())
            low, high = wilson_interval(sum(found), len(found))
            cells.append(f"{100 * sum(found) / len(found):.1f} % of {len(found)} ({100 * low:.0f} to {100 * high:.0f})")
        gain = difference(sides["whole"], sides["crop"])
        assert gain is not None
        print(
            f"| {head} | {cells[0]} | {cells[1]} | {100 * gain.mean:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f}) |"
        )
    for line in cut_off(arguments.data, Preprocess(resize="squash_crop")):
        print(line)


if __name__ == "__main__":
    main()
