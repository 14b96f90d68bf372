"""Tables from stored answers, without the networks: files ``DATA/NAME-SEED.csv`` of earlier trainings, as `answers` writes them.

Folds of a data set are folders of their own; a pattern such as ``CUB10-fold*`` counts them as one data set.
"""

from __future__ import annotations

import csv
from pathlib import Path

from s3n_core.errors import OutputError
from s3n_core.reproduce.answers import read_answers
from s3n_core.reproduce.experiments import MEASURE_TITLES, Experiment, Measure
from s3n_core.reproduce.statistics import (
    Values,
    adjusted_bounds,
    difference,
    nats_text,
    points_text,
    table_of,
    too_few_seeds,
)

HEADS: tuple[Measure, ...] = ("joint", "mean", "O", "D", "C")

Answers = dict[str, dict[int, dict[str, float]]]
"""As `answers.read_answers`, by column, seed and image name."""


def stored_answers(folder: Path, data: str, name: str) -> Answers:
    """Read the stored answers of an arm.

    Args:
        folder: The folder of stored answers.
        data: The data set's name, or a pattern for its folds.
        name: The arm's name.

    Returns:
        As `answers.read_answers`, by column and seed; empty if there are none.

    Raises:
        OutputError: A file is damaged.
    """
    found: Answers = {}
    for file in sorted(folder.glob(f"{data}/{name}-*.csv")):
        seed = file.stem.removeprefix(f"{name}-")
        if not seed.isdecimal():  # another arm, whose name begins with this one's
            continue
        try:
            for column, images in read_answers(file).items():
                found.setdefault(column, {}).setdefault(int(seed), {}).update(images)
        except (OSError, ValueError, KeyError, csv.Error) as error:
            raise OutputError(f"The stored answers in {file} are damaged ({error}).") from error
    return found


def stored_table(experiment: Experiment, folder: Path, data: str) -> list[list[str]]:
    """Return the table of an experiment from stored answers: accuracies in percent, and differences in points.

    An arm's prediction is that of its joint head, or of O if it has none. The difference is that of the predictions, with
    as many views as each arm has, from the arm that the others are compared with, paired, with its 95 % interval over images and
    seeds.

    A seed that lacks images of the arm's other seeds, such as a fold, is left out, else all would be measured on the images that
    it has; the table says "2 of 3" seeds then. It says the number of images of an arm that has not those of all arms.

    A family has a column with the lower bound of what the compared arm has over each other, adjusted for their number, in points;
    answers with log losses one with the difference of log losses (this arm less the compared one, of one view, in nats).

    Args:
        experiment: The experiment; arms without a name or without answers are left out.
        folder: The folder of stored answers.
        data: The data set's name, or a pattern for its folds.

    Returns:
        The head and the rows; the head alone if there are no answers.
    """
    stored = _stored(experiment, folder, data)
    images = {title: _images_of(answers) for title, answers in stored.items()}
    everything = frozenset[str]().union(*images.values())
    measured = {title: _of_whole_seeds(answers, images[title]) for title, answers in stored.items()}
    views = {arm.title: arm.views for arm in experiment.arms}
    heads = [MEASURE_TITLES[head] for head in HEADS]
    losses = {title: answers.get("joint/1/loss", {}) for title, answers in measured.items()}
    predicted = {title: _predicted(answers, views[title]) for title, answers in measured.items()}
    bounds = adjusted_bounds(experiment.compared, predicted) if experiment.family else {}
    rows = [["network", "seeds", *heads, "difference", "three views: prediction / mean"]]
    rows[0] += ["adjusted bound"] * experiment.family + ["log loss, difference"] * any(losses.values())
    for title, answers in measured.items():
        begun, own = _predicted(stored[title], 1), _predicted(answers, 1)
        if not begun:
            continue
        seeds = str(len(own)) if len(own) == len(begun) else f"{len(own)} of {len(begun)}"
        if images[title] != everything:
            seeds += f" ({len(images[title]):,} of {len(everything):,} images)"
        over, loss = (
            None if title == experiment.compared else difference(values[title], values.get(experiment.compared, {}))
            for values in (predicted, losses)
        )
        one = [_percent(answers.get(f"{head}/1", {})) for head in HEADS]
        three = [_percent(values) for values in (_predicted(answers, 3), answers.get("mean/3", {})) if values]
        row = [title, seeds, *one, points_text(over), " / ".join(three)]
        if experiment.family:
            row.append(f"{100 * bounds[title]:+.1f}" if title in bounds else "")
        if any(losses.values()):
            row.append(nats_text(loss))
        rows.append(row)
    return rows


def stored_shortcoming(experiment: Experiment, folder: Path, data: str) -> str:
    """Return why stored answers do not meet the criterion of an experiment with controls, as a clause; "" if they do.

    The arm that is compared must be better than each other one, with an adjusted lower bound above zero; all must have answers
    of the same seeds, at least ``FEWEST_SEEDS``, and images.

    Args:
        experiment: The experiment, a family.
        folder: The folder of stored answers.
        data: The data set's name, or a pattern for its folds.
    """
    stored = _stored(experiment, folder, data)
    predicted = {arm.title: _predicted(stored.get(arm.title, {}), arm.views) for arm in experiment.arms}
    if without := [title for title, values in predicted.items() if not values]:
        return f"there are no stored answers of {without[0]}"
    ours = predicted[experiment.compared]
    everything = set(next(iter(ours.values())))
    for title, values in predicted.items():
        if values.keys() != ours.keys() or any(set(images) != everything for images in values.values()):
            return f"{title} has not the seeds and images of {experiment.compared}"
    if reason := too_few_seeds(len(ours)):
        return reason
    low = [title for title, bound in adjusted_bounds(experiment.compared, predicted).items() if bound <= 0]
    return f"the lower bound against {low[0]} is not above 0" if low else ""


def _stored(experiment: Experiment, folder: Path, data: str) -> dict[str, Answers]:
    """Return the stored answers of the arms that have a name, by title."""
    return {arm.title: stored_answers(folder, data, arm.name) for arm in experiment.arms if arm.name}


def _predicted(answers: Answers, views: int) -> Values:
    """Return the answers of the joint head. Networks of O alone have their prediction there, too, but earlier files do not."""
    return answers.get(f"joint/{views}") or answers.get(f"O/{views}", {})


def _images_of(answers: Answers) -> frozenset[str]:
    return frozenset(name for by_seed in answers.values() for images in by_seed.values() for name in images)


def _of_whole_seeds(answers: Answers, images: frozenset[str]) -> Answers:
    """Return the answers of the seeds that have all of the images."""
    whole = {
        column: {seed: of_seed for seed, of_seed in by_seed.items() if images <= of_seed.keys()}
        for column, by_seed in answers.items()
    }
    return {column: by_seed for column, by_seed in whole.items() if by_seed}


def _percent(values: Values) -> str:
    return f"{100 * table_of(values).mean():.1f}" if values else ""
