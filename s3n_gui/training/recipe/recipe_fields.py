"""The settings of a recipe as form rows, derived from the recipe's fields, so that new fields appear automatically."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic.fields import FieldInfo

from s3n_core.errors import RecipeError
from s3n_core.method.configuration import BACKBONES, NetworkChoices
from s3n_core.system.number_texts import read_fraction, read_whole
from s3n_core.training.recipe import Phase, Recipe

Kind = Literal["whole", "number", "share", "switch", "choice", "name", "file", "text"]

_LEFT_OUT = {"name", "about", "sources", "network"}

FIRST = (
    "epochs",
    "batch_size",
    "network.backbone",
    "network.input_size",
    "network.branches",
    "rate_backbone",
    "rate_heads",
    "validation",
    "split_seed",
    "seed",
)
"""The main settings, in this order; all others are collapsed."""

_TITLES = {
    "network.backbone": "Backbone",
    "network.input_size": "Image size",
    "network.source_size": "Source size",
    "network.look_size": "Image size of O",
    "network.control_places": "Key points of the control",
    "network.branches": "Branches",
    "network.entropy_threshold": "Entropy threshold (δ)",
    "network.top_k": "Classes merged (k)",
    "network.window": "Peak window (r)",
    "network.radius_d": "Initial radius of β₁",
    "network.radius_c": "Initial radius of β₂",
    "network.kernel_fwhm": "Kernel width (k)",
    "network.map_size": "Size of R",
    "rate_backbone": "Learning rate: backbone",
    "rate_heads": "Learning rate: heads",
    "rate_radius_d": "Learning rate: β₁",
    "rate_radius_c": "Learning rate: β₂",
    "rate_kernel": "Learning rate: kernel",
    "validation": "Validation share",
    "probes": "Probe images",
    "smoothing": "Label smoothing",
    "average_epochs": "Average the last weights",
    "phases": "Warm-up phases",
    "balance": "Class balance",
    "compile": "Compile the backbone",
}
_SHARES, _FILES = ("validation",), ("weights",)
"""Settings shown in percent, and settings whose text may be a file path."""
_NAMES: Mapping[str, tuple[str, ...]] = {"network.backbone": BACKBONES}
"""Settings that are usually one of some names, but may be another."""
_UNITS = {
    "network.input_size": "px",
    "network.look_size": "px",
    "network.source_size": "px",
    "network.map_size": "cells",
    "network.window": "cells",
    "network.kernel_fwhm": "cells",
    "network.entropy_threshold": "nats",
    "checkpoint_minutes": "min",
    "rate_warm_up": "epochs",
    "patience": "epochs",
    "average_epochs": "epochs",
}
_WITH_FRACTION = ("crop_scale", "network.floor")
"""Settings of several numbers, or of words and numbers, whose numbers may have a fraction."""
_HINTS = {
    "weights": "Use imagenet, none, or the path of a weight file.",
    "crop_scale": "Use two shares such as 0.5, 1, or none.",
    "step_epochs": "Use epochs separated by commas: 40, 50.",
    "phases": "Use epochs and sampling separated by commas: 21 all, 5 random; or none.",
    "micro_batch": "Use a number, or none for the whole batch.",
    "patience": "Use a number of epochs, or none to train to the end.",
    "network.floor": "Use mean, none, or a number from 0 to 1.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeField:
    """One setting.

    Attributes:
        name: Its dotted name, as in ``s3n train --set``.
        title: Its name in the form.
        kind: The kind of control.
        help: What it does, from the recipe's own description, and its syntax.
        unit: The unit after the number; may be empty. Shares have none, as they are shown in percent.
        low: Minimum of a number; None if unbounded.
        high: Maximum of a number; None if unbounded.
        choices: The options of a choice, the usual names of a name.
        first: Whether it is a main setting.
        group: "Network" or "Training".
    """

    name: str
    title: str
    kind: Kind
    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    first: bool = False
    group: str = "Training"

    def text_of(self, value: Any) -> str:
        """Return a value as the user writes it."""
        if value is None:
            return "none"
        if isinstance(value, list | tuple):
            return ", ".join(_item_text(item) for item in value) or "none"
        return f"{value:g}" if isinstance(value, float) else str(value)

    def value_of(self, text: str) -> Any:
        """Parse the user's text; the recipe itself validates the value.

        Raises:
            RecipeError: The text cannot be parsed.
        """
        text = text.strip()
        if self.name == "phases":
            return [] if text in ("", "none") else [self._phase(part) for part in text.split(",")]
        if self.name in ("crop_scale", "step_epochs"):
            if text in ("", "none"):
                return None if self.name == "crop_scale" else []
            # With a semicolon between the numbers a comma belongs to one of them.
            return [self._number(part) for part in text.split(";" if ";" in text else ",")]
        if self.name == "network.control_places":
            return [] if text in ("", "none") else [name.strip() for name in text.split(",")]
        if self.name in ("micro_batch", "patience", "network.look_size"):
            return None if text in ("", "none") else self._number(text)
        if self.name == "network.floor":
            return text if text in ("mean", "none") else self._number(text)
        return text

    def _number(self, text: str) -> int | float:
        try:
            return read_fraction(text) if self.name in _WITH_FRACTION else read_whole(text)
        except ValueError as error:
            raise RecipeError(f"{self.title}: {error} {_HINTS.get(self.name, '')}".strip()) from None

    def _phase(self, text: str) -> dict[str, Any]:
        epochs, _, sampling = text.strip().partition(" ")
        return {"epochs": self._number(epochs), "sampling": sampling.strip()}


def recipe_fields() -> tuple[RecipeField, ...]:
    """Return all settings: the main ones in their order, then the others in the recipe's order."""
    found = [_field(name, info, "Training") for name, info in Recipe.model_fields.items() if name not in _LEFT_OUT]
    found += [_field(f"network.{name}", info, "Network") for name, info in NetworkChoices.model_fields.items()]
    return tuple(sorted(found, key=lambda field: FIRST.index(field.name) if field.first else len(FIRST)))


def recipe_values(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe's settings by dotted name, as JSON values."""
    whole = recipe.model_dump(mode="json")
    values = {name: value for name, value in whole.items() if name not in _LEFT_OUT}
    return values | {f"network.{name}": value for name, value in whole["network"].items()}


def changed_settings(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return only the values that differ from the recipe."""
    own = recipe_values(recipe)
    return {name: value for name, value in values.items() if name in own and not _equal(value, own[name])}


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-9 * max(abs(one), abs(other))
    return bool(one == other)


def _field(name: str, info: FieldInfo, group: str) -> RecipeField:
    kind, choices = _kind_of(info.annotation)
    kind = "share" if name in _SHARES else "file" if name in _FILES else kind
    if name in _NAMES:
        kind, choices = "name", _NAMES[name]
    bounds = {type(entry).__name__: entry for entry in info.metadata}
    low = getattr(bounds.get("Ge"), "ge", getattr(bounds.get("Gt"), "gt", None))
    high = getattr(bounds.get("Le"), "le", getattr(bounds.get("Lt"), "lt", None))
    plain = name.removeprefix("network.").replace("_", " ").capitalize()
    return RecipeField(
        name=name,
        title=_TITLES.get(name, plain),
        kind=kind,
        help=f"{info.description or ''} {_HINTS.get(name, '')}".strip(),
        unit=_UNITS.get(name, ""),
        low=None if low is None else float(low),
        high=None if high is None else float(high),
        choices=choices,
        first=name in FIRST,
        group=group,
    )


def _item_text(item: Any) -> str:
    if isinstance(item, Mapping):  # a phase
        return f"{item.get('epochs')} {item.get('sampling')}"
    return f"{item:g}" if isinstance(item, float) else str(item)


def _kind_of(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    if typing.get_origin(annotation) is Literal:
        choices = typing.get_args(annotation)
        return "choice", tuple(str(choice) for choice in choices)
    if annotation is bool:
        return "switch", ()
    if annotation is int:
        return "whole", ()
    if annotation is float:
        return "number", ()
    assert typing.get_origin(annotation) in (None, tuple, typing.Union, types.UnionType) or annotation is Phase
    return "text", ()
