"""Experiments that a file declares, beside those of the paper: for comparisons of one's own by the same campaign."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_core.errors import RecipeError
from s3n_core.reproduce.experiments import FULL, Arm, Experiment, Measure
from s3n_core.system.json_values import from_json

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
