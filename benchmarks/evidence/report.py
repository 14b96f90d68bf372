"""Compare experiments by their predictions: accuracy per head, and paired differences over images and seeds.

    python -m benchmarks.evidence.report benchmarks/evidence/answers --data "CUB10-fold*" --over baseline odc identity ...

Predictions are read from the files ``DATA/EXPERIMENT-SEED.csv`` whose data set's name matches ``--data``; all folds
count as one data set. Intervals are 95 % bootstrap intervals: images (and seeds, if there are several) are drawn with
replacement, with the same draws for both sides of a difference.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

from s3n_core.reproduce.statistics import difference, table_of

Right = dict[int, dict[str, bool]]
"""By seed and image name: whether the prediction is correct."""


def read_answers(folder: Path, data: str, experiment: str, head: str, views: int) -> Right:
    """Read whether each image's prediction is correct, by seed; empty if there is no such head."""
    found: Right = defaultdict(dict)
    for file in sorted(folder.glob(f"{data}/{experiment}-*.csv")):
        seed = file.stem.removeprefix(f"{experiment}-")
        if not seed.isdecimal():  # another experiment whose name starts with this one's
            continue
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                if f"{head}/{views}" in row:
                    found[int(seed)][row["name"]] = row["label"] == row[f"{head}/{views}"]
    return dict(found)


def main() -> None:
    """Print the comparison as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("answers", type=Path)
    parser.add_argument("experiments", nargs="+")
    parser.add_argument("--data", default="CUB10", help="pattern of the data sets' names")
    parser.add_argument("--over", default="baseline", help="the experiment that differences are taken to")
    parser.add_argument("--views", type=int, default=1, choices=(1, 3))
    arguments = parser.parse_args()

    def read(experiment: str, head: str) -> Right:
        return read_answers(arguments.answers, arguments.data, experiment, head, arguments.views)

    reference = read(arguments.over, "joint") or read(arguments.over, "O")
    heads = ("joint", "mean", "O", "D", "C")
    print(f"| experiment | {' | '.join(heads)} | images x seeds | own answer over {arguments.over} |")
    print("|---" * (len(heads) + 3) + "|")
    for experiment in arguments.experiments:
        cells = []
        for head in heads:
            right = read(experiment, head)
            cells.append(f"{100 * table_of(right).mean():.1f}" if right else "")
        own = read(experiment, "joint") or read(experiment, "O")
        if not own:
            continue
        shape = table_of(own).shape
        found = difference(own, reference)
        over = "" if found is None else f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
        print(f"| {experiment} | {' | '.join(cells)} | {shape[1]} x {shape[0]} | {over} |")


if __name__ == "__main__":
    main()
