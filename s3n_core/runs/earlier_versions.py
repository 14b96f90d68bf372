"""What the files of earlier versions say, in the terms of this one: the only place that knows both.

Version 1 called the validation set held out. It wrote means since the epoch's beginning into the step lines of the metrics, where
version 2 writes the batch's own values; and the sums behind an epoch's means in two groups, where version 2 has one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

METRICS_VERSION = 2
"""Of the lines of ``metrics.jsonl``, each of which says its version; those of version 1 say none."""

_NAMES = {
    "held_out": "validation",  # the recipe's field
    "held-out": "validation",  # in split.csv, in a data set's assignments, and after --split
    "best_held_out_accuracy": "best_validation_accuracy",  # in a model file
}
_PREFIXES = {"held_out_": "validation_"}  # in metrics.jsonl
_NUMBERS = (int, float)
_RUNNING_MEANS = ("loss", "accuracy_")  # what these begin the name of was a mean since the epoch's beginning


def current_name(name: str) -> str:
    """Return what this version calls something that an earlier one may have called otherwise."""
    for old, new in _PREFIXES.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return _NAMES.get(name, name)


def current_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields by their names in this version."""
    return {current_name(name): value for name, value in fields.items()}


def current_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a recipe, and those that its sources are about, by their names in this version."""
    fields = current_names(recipe)
    if isinstance(fields.get("sources"), Mapping):
        fields["sources"] = current_names(fields["sources"])
    return fields


class MetricsUpgrade:
    """Turns the lines of a metrics file, one after another, into lines of this version."""

    def __init__(self) -> None:
        # The last step line of version 1: its fields, its epoch, its batch, and its means.
        self._fields: tuple[str, ...] = ()
        self._names: tuple[str, ...] = ()
        self._epoch: object = None
        self._batch = 0
        self._means: dict[str, float] = {}

    def upgraded(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return a line as this version writes it, without its version; the given one may be changed."""
        if line.pop("version", 1) != 1:
            return line
        if line.get("kind") != "step":
            return current_names(line)
        self._replace_means(line)
        return line

    def _replace_means(self, line: dict[str, Any]) -> None:
        """Replace means since the epoch's beginning by those over the batches since the line before."""
        epoch, batch = line.get("epoch"), line.get("batch")
        if type(batch) is not int:
            return
        if (fields := tuple(line)) != self._fields:  # a long file has the same in every line
            self._fields = fields
            self._names = tuple(name for name in fields if name.startswith(_RUNNING_MEANS))
        if epoch != self._epoch or batch <= self._batch:  # a new epoch, or the training was set back
            self._batch, self._means = 0, {}
        before, seen, count, means = self._means, self._batch, batch - self._batch, dict[str, float]()
        for name in self._names:
            mean = line[name]
            if isinstance(mean, _NUMBERS) and math.isfinite(mean):
                means[name] = mean
                # Without a value before, the mean counts for all batches so far.
                own = (batch * mean - seen * before[name]) / count if name in before else batch * mean / max(batch, 1)
                line[name] = own if own > 0 else 0.0
        self._epoch, self._batch, self._means = epoch, batch, means


def current_progress(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a checkpoint's record of progress as this version names them."""
    fields = dict(record)
    if "loss" not in fields or "health" not in fields:
        return fields
    losses, health = fields.pop("loss"), fields.pop("health")
    if losses is None or health is None:
        return fields | {"sums": None}
    groups = {name: total for group in health.values() for name, total in group.items() if name != "images"}
    return fields | {"sums": {**losses, **groups}}
