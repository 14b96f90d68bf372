"""Measure stopping after O: a threshold on H is chosen on images that the networks had not seen, then evaluated on others.

``python benchmarks/cascade.py`` chooses for the demo model on birds that are drawn now, and measures on other ones. For trained
runs:

python benchmarks/cascade.py --choose RUN FOLD [--choose RUN FOLD ...] --measure RUN DATA [--measure RUN DATA ...]

Folds, and the runs that were trained on them, are in the folder of a campaign with folds (`s3n reproduce --folds 3`): FOLD is
``OUT/folds/NAME``, RUN is ``OUT/cells/NAME/run``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from s3n_core.commands.evaluation_text import curve_text
from s3n_core.datasets.detection import open_data_set
from s3n_core.demo.writing import write_drawn_birds
from s3n_core.evaluation.cascade import CascadeOutcomes, CascadePoint, most_saving
from s3n_core.evaluation.evaluate import evaluate
from s3n_core.models.opening import open_model
from s3n_core.system.resources import resource

Pairs = Sequence[tuple[Path, Path]]
SEEDS = (4_242, 4_243)
"""Of the synthetic birds, to choose and to measure: the demo model learned from others."""


def main() -> None:
    """Print the curve on the images for choosing, then the threshold's results on the others, per run and together."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    pair = {"nargs": 2, "action": "append", "default": [], "type": Path, "metavar": ("RUN", "DATA")}
    parser.add_argument("--choose", **pair)
    parser.add_argument("--measure", **pair)
    arguments = parser.parse_args()
    if bool(arguments.choose) != bool(arguments.measure):
        parser.error("--choose and --measure belong together")
    if arguments.choose:
        _choose_and_measure(arguments.choose, arguments.measure)
        return
    model = resource("demo/model.safetensors")
    with tempfile.TemporaryDirectory() as folder:
        drawn = []
        for seed in SEEDS:
            drawn.append((model, Path(folder) / str(seed)))
            write_drawn_birds(drawn[-1][1], train_per_species=1, test_per_species=20, seed=seed)
        _choose_and_measure(drawn[:1], drawn[1:])


def _choose_and_measure(choose: Pairs, measure: Pairs) -> None:
    curve = _joined([_answers(run, data) for run, data in choose]).curve()
    print(curve_text(curve))
    threshold = most_saving(curve).stop_below
    measured = [_answers(run, data) for run, data in measure]
    for (run, _), answers in zip(measure, measured, strict=True):
        _print(run.name, answers, threshold)
    _print("together", _joined(measured), threshold)


def _answers(run: Path, data: Path) -> CascadeOutcomes:
    data_set = open_data_set(data)
    tests = [record for record in data_set.records if record.split == "test"]
    answers = evaluate(open_model(run, "cpu", "float32"), tests, data_set.classes, cascade=True).cascade
    assert answers is not None
    return answers


def _joined(parts: list[CascadeOutcomes]) -> CascadeOutcomes:
    return CascadeOutcomes(
        np.concatenate([part.entropy for part in parts]),
        np.concatenate([part.right_o for part in parts]),
        np.concatenate([part.right_joint for part in parts]),
        parts[0].branches,
    )


def _print(name: str, answers: CascadeOutcomes, threshold: float | None) -> None:
    points: list[CascadePoint] = [answers.at(None), answers.at(threshold), answers.at(float("inf"))]
    told = ", ".join(f"{100 * point.top1:.1f} % at {point.passes:.2f} passes" for point in points)
    print(f"{name}: whole, cascade, O alone: {told}")


if __name__ == "__main__":
    main()
