"""How long a training takes: estimated from the speed that earlier runs reached. Imports neither torch nor Qt."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from s3n_core.runs.run_summary import RunSummary
from s3n_core.training.recipe import Recipe

_SAME = ("backbone", "last_stride", "form", "branches", "input_size", "look_size", "source_size")
"""The settings of a network that decide about its speed; runs that differ in one of them say nothing about it."""

_SETTLED_BATCHES = 5
"""The first batches are slow; the speed of a run with fewer says nothing."""


@dataclass(frozen=True, slots=True)
class TimeEstimate:
    """An estimated duration.

    Attributes:
        seconds: The duration.
        run: Name of the run whose speed it is based on.
        at_most: Whether the training may end earlier, because its recipe has a `patience`.
    """

    seconds: float
    run: str
    at_most: bool = False

    @property
    def text(self) -> str:
        """The estimate as a person says it: "about 12 min on this machine (from run birds-3)"."""
        start = "at most about" if self.at_most else "about"
        return f"{start} {rounded_duration(self.seconds)} on this machine (from run {self.run})"


UNKNOWN_TIME = "not known yet; the first epoch will tell"
"""What is said where there is no estimate."""


def estimate_time(
    recipe: Recipe, images: int, validation: int, runs: Iterable[RunSummary], device: str, *, host: str | None = None
) -> TimeEstimate | None:
    """Estimate how long a training takes.

    Args:
        recipe: Its recipe.
        images: Number of training images.
        validation: Number of validation images.
        runs: Earlier runs, newest first. Those count that were trained on the same machine and device, in the same precision,
            and with a network of the same backbone, branches and sizes.
        device: The device: "cpu", "cuda" or "mps".
        host: Name of the machine; None: this one.

    Returns:
        The estimate from the newest run that counts; None if there is none.
    """
    host, wanted = platform.node() if host is None else host, _kind(recipe.model_dump(mode="json"))
    for run in runs:
        state = run.state
        if state is None or not state.images_per_second or state.device != device or not host or state.host != host:
            continue
        if state.epoch * state.batches + state.batch < _SETTLED_BATCHES:
            continue
        fields = run.run.get("recipe")
        if isinstance(fields, Mapping) and _kind(fields) == wanted:
            seconds = recipe.epochs * images / state.images_per_second * (1 + validation_cost(images, validation))
            return TimeEstimate(seconds, run.name, recipe.patience is not None)
    return None


def validation_cost(images: int, validation: int) -> float:
    """Return the time of a validation as a share of an epoch's: an image without a backward pass costs about a third."""
    return validation / (3 * images) if images else 0.0


def rounded_duration(seconds: float) -> str:
    """Return a duration no more precisely than it can be known: "2 min", "45 min", "1.5 h", "14 h", "3 days"."""
    minutes = seconds / 60
    if minutes < 1:
        return "1 min"
    if minutes < 20:
        return f"{minutes:.0f} min"
    if minutes < 57.5:
        return f"{5 * round(minutes / 5)} min"
    hours = minutes / 60
    if hours < 9.75:
        return f"{round(2 * hours) / 2:g} h"
    return f"{hours:.0f} h" if hours < 47.5 else f"{hours / 24:.0f} days"


def _kind(recipe: Mapping[str, Any]) -> tuple[object, ...]:
    network = recipe.get("network")
    choices: Mapping[str, Any] = network if isinstance(network, Mapping) else {}
    compiled = recipe.get("compile", "auto")  # of earlier versions: as usual
    return (
        recipe.get("precision"),
        compiled,
        bool(recipe.get("freeze_backbone")),
        *(choices.get(name) for name in _SAME),
    )
