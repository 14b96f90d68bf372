"""Converts the files of earlier versions to this one; the only module that knows both.

Version 1 called the validation set "held-out". The step lines of its metrics contain means since the start of the
epoch; those of version 2 contain the batch's own values. Its checkpoints store the sums of an epoch in two groups,
version 2 in one. In runs of versions 1 and 2 the training seed also chose the validation images; their recipes have no
`balance`, which is then "none". Version 3 of
``run.json`` may contain ranges of values (``value_ranges``); a run of an earlier version has none and reads its images
as before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

METRICS_VERSION = 2
"""Version in each line of ``metrics.jsonl``; lines without one are version 1."""

SPLIT_SEED_VERSION = 3
"""Of runs: the first version whose recipes have a ``split_seed`` of their own."""

_NAMES = {
    "held_out": "validation",  # the recipe's field
    "held-out": "validation",  # in split.csv, in a data set's assignments, and after --split
    "best_held_out_accuracy": "best_validation_accuracy",  # in a model file
}
_PREFIXES = {"held_out_": "validation_"}  # in metrics.jsonl
_NUMBERS = (int, float)
_RUNNING_MEANS = ("loss", "accuracy_")  # prefixes of values that were means since the start of the epoch


def current_name(name: str) -> str:
    """Return this version's name for a name that may come from an earlier version."""
    for old, new in _PREFIXES.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return _NAMES.get(name, name)


def current_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields with their names in this version."""
    return {current_name(name): value for name, value in fields.items()}


def current_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's settings, and the keys of its ``sources``, with their names in this version."""
    fields = current_names(recipe)
    if isinstance(fields.get("sources"), Mapping):
        fields["sources"] = current_names(fields["sources"])
    return fields


def current_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a ``run.json`` of any version in the terms of this one; its ``format_version`` stays."""
    content, version = dict(run), run.get("format_version")
    if isinstance(content.get("recipe"), Mapping):
        recipe = content["recipe"] = current_recipe(content["recipe"])
        if isinstance(version, int) and version < SPLIT_SEED_VERSION and "seed" in recipe:
            recipe.setdefault("split_seed", recipe["seed"])
    return content


class MetricsUpgrade:
    """Converts the lines of a metrics file, in order, to this version."""

    def __init__(self) -> None:
        # Fields, epoch, batch and means of the last step line of version 1.
        self._fields: tuple[str, ...] = ()
        self._names: tuple[str, ...] = ()
        self._epoch: object = None
        self._batch = 0
        self._means: dict[str, float] = {}

    def upgraded(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return a line in this version's format, without its version; may change ``line`` in place."""
        if line.pop("version", 1) != 1:
            return line
        if line.get("kind") != "step":
            return current_names(line)
        self._replace_means(line)
        return line

    def _replace_means(self, line: dict[str, Any]) -> None:
        """Replace means since the start of the epoch by means over the batches since the previous line."""
        epoch, batch = line.get("epoch"), line.get("batch")
        if type(batch) is not int:
            return
        if (fields := tuple(line)) != self._fields:  # usually the same in every line
            self._fields = fields
            self._names = tuple(name for name in fields if name.startswith(_RUNNING_MEANS))
        if epoch != self._epoch or batch <= self._batch:  # a new epoch, or the training was resumed earlier
            self._batch, self._means = 0, {}
        before, seen, count, means = self._means, self._batch, batch - self._batch, dict[str, float]()
        for name in self._names:
            mean = line[name]
            if isinstance(mean, _NUMBERS) and math.isfinite(mean):
                means[name] = mean
                # Without a previous value, the mean is over all batches so far.
                own = (batch * mean - seen * before[name]) / count if name in before else batch * mean / max(batch, 1)
                line[name] = own if own > 0 else 0.0
        self._epoch, self._batch, self._means = epoch, batch, means


def current_progress(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the progress record of a checkpoint with this version's fields."""
    fields = dict(record)
    if "loss" not in fields or "health" not in fields:
        return fields
    losses, health = fields.pop("loss"), fields.pop("health")
    if losses is None or health is None:
        return fields | {"sums": None}
    groups = {name: total for group in health.values() for name, total in group.items() if name != "images"}
    return fields | {"sums": {**losses, **groups}}
