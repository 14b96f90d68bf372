"""Experiments that a file declares, beside those of the paper: for comparisons of one's own by the same campaign."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_core.errors import RecipeError
from s3n_core.reproduce.experiments import ANSWERABLE, FULL, VIEWS, Arm, Experiment, Measure
from s3n_core.system.json_values import from_json

_KEY = re.compile(r"[\w-]+")

MEASURES: tuple[Measure, ...] = ("joint", "mean", "O", "D", "C")
"""What is measured where a file does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Declared:
    key: str
    title: str
    measures: tuple[Measure, ...] = MEASURES
    family: bool = False
    compared: str = ""


def read_experiments(file: Path) -> dict[str, Experiment]:
    """Read experiments from JSON: ``{"experiments": [{"key", "title", "arms": [{"title", "settings", ...}], ...}]}``.

    The fields are those of `Experiment` and `Arm`; only these three of the experiment and the arm's title are needed. Figures
    cannot be declared.

    Returns:
        The experiments by their keys, in the file's order.

    Raises:
        RecipeError: The file cannot be read or is not valid; the message names the field.
    """
    try:
        listed = json.loads(file.read_bytes())["experiments"]
        found = [_experiment(one) for one in listed]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{file} does not declare experiments: {error}.") from error
    for experiment in found:
        titles = [arm.title for arm in experiment.arms]
        if len(set(titles)) < len(titles):
            raise RecipeError(f"{file}: the experiment {experiment.key} has two arms of the same title.")
        if experiment.compared not in titles:
            raise RecipeError(
                f"{file}: the experiment {experiment.key} has no arm {experiment.compared!r} to compare with."
            )
        for arm in experiment.arms:
            if arm.views not in VIEWS:
                raise RecipeError(
                    f"{file}: the arm {arm.title!r} averages {arm.views} views, but there are {' or '.join(map(str, VIEWS))}."
                )
            if arm.answered not in ANSWERABLE:
                raise RecipeError(
                    f"{file}: the arm {arm.title!r} is answered with {arm.answered}, for which a network must be trained; choose "
                    f"one of {', '.join(ANSWERABLE)}, or put it into the settings as network.control."
                )
    keys = [experiment.key for experiment in found]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise RecipeError(f"{file} declares two experiments with the key {twice[0]!r}.")
    if unfit := [key for key in keys if _KEY.fullmatch(key) is None]:  # files are called after it
        raise RecipeError(f"{file}: the key {unfit[0]!r} must consist of letters, digits, - and _.")
    return {experiment.key: experiment for experiment in found}


def _experiment(fields: Mapping[str, Any]) -> Experiment:
    arms = tuple(from_json(Arm, arm, closed=True) for arm in fields["arms"])
    if not arms:
        raise ValueError(f"the experiment {fields['key']} has no arms")
    compared = next((arm.title for arm in arms if arm.title == FULL), arms[0].title)
    read = from_json(_Declared, {key: value for key, value in fields.items() if key != "arms"}, closed=True)
    return Experiment(
        key=read.key,
        title=read.title,
        measures=read.measures,
        arms=arms,
        family=read.family,
        compared=read.compared or compared,
    )
