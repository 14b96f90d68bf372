"""A recipe: the validated settings of a training. Never imports torch, so the window's forms can use it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Any, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from s3n_core.errors import RecipeError
from s3n_core.method.configuration import NetworkChoices, Sampling
from s3n_core.runs.earlier_versions import current_name, current_recipe
from s3n_core.system.number_texts import is_ambiguous, read_fraction, read_whole

Balance = Literal["none", "weights", "sampling"]
"""What is done about classes of unequal size (`balance`)."""


class Phase(BaseModel):
    """A warm-up phase: some first epochs with a sampling of their own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(ge=1, description="Length of the phase in epochs.")
    sampling: Sampling = Field(description="How peaks are assigned to D and C in this phase.")


class Recipe(BaseModel):
    """All settings of a training, except its data."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(description="Name of the recipe.")
    about: str = Field("", description="What the recipe is for, in one sentence.")
    network: NetworkChoices = Field(default_factory=lambda: NetworkChoices(), description="The network.")
    weights: str = Field("imagenet", description="Initial weights of the backbone: imagenet, none, or a weight file.")

    freeze_backbone: bool = Field(
        False,
        description="Keep the backbone as it is and train the heads only; without random crops its features are computed once.",
    )

    resize: Literal["squash", "squash_crop", "keep_crop"] = Field("squash", description="How an image is made square.")
    crop_scale: tuple[float, float] | None = Field(
        (0.5, 1.0), description="Range of the random crop's area, as a share of the image."
    )
    flip: bool = Field(True, description="Flip training images horizontally, with probability 0.5.")

    epochs: int = Field(60, ge=1, le=10000, description="Number of passes over the training images.")
    batch_size: int = Field(16, ge=1, le=4096, description="Images per update (batch size).")
    micro_batch: int | None = Field(None, ge=1, description="Images in memory at once; must divide the batch size.")
    momentum: float = Field(0.9, ge=0.0, lt=1.0, description="Momentum of SGD.")
    weight_decay: float = Field(1e-4, ge=0.0, le=1.0, description="L2 penalty on backbone and heads.")
    rate_backbone: float = Field(
        0.001, ge=0.0, le=10.0, description="Learning rate of pre-trained layers, and of the convolutions in the heads."
    )
    rate_heads: float = Field(0.01, ge=0.0, le=10.0, description="Learning rate of new layers.")
    rate_radius_d: float = Field(1e-6, ge=0.0, le=1.0, description="Learning rate of the radius in beta_1.")
    rate_radius_c: float = Field(1e-6, ge=0.0, le=1.0, description="Learning rate of the radius in beta_2.")
    rate_kernel: float = Field(1e-7, ge=0.0, le=1.0, description="Learning rate of the kernel k (release form).")
    schedule: Literal["step", "cosine", "constant"] = Field(
        "step", description="How the learning rates fall: in steps, or along a cosine."
    )
    step_epochs: tuple[int, ...] = Field(
        (40,), description="Epochs after which the learning rates fall (step schedule)."
    )
    step_factor: float = Field(
        0.1, gt=0.0, le=1.0, description="Factor by which the learning rates fall (step schedule)."
    )
    rate_floor: float = Field(0.0, ge=0.0, description="Minimum learning rate (cosine schedule).")
    rate_warm_up: float = Field(0.0, ge=0.0, description="Epochs in which the learning rates rise from zero.")
    phases: tuple[Phase, ...] = Field((), description="Warm-up phases of the sampling, in order.")
    smoothing: float = Field(0.0, ge=0.0, lt=1.0, description="Label smoothing on O and C.")
    balance: Balance = Field(
        "none",
        description="Against unequal classes: weights counts images of small classes more in the loss, sampling shows "
        "every class equally often.",
    )
    recalibrate: bool = Field(False, description="Recompute the BatchNorm statistics at the end, in evaluation mode.")
    average_epochs: int = Field(
        0,
        ge=0,
        le=10000,
        description="End with the mean of the weights after each of this many last epochs; 0: with the last weights. BatchNorm "
        "keeps the last epoch's statistics, unless recalibrate recomputes them.",
    )

    validation: float = Field(
        0.1,
        ge=0.0,
        le=0.5,
        description="Share of the training images in the validation set, which is used to choose the best epoch.",
    )
    split_seed: int = Field(0, ge=0, lt=2**31, description="Seed of the random choice of the validation images.")
    patience: int | None = Field(None, ge=1, description="Stop after this many epochs without improvement.")
    probes: int = Field(
        4, ge=0, le=16, description="Number of images whose visual evidence is saved after every epoch."
    )
    checkpoint_minutes: float = Field(5.0, gt=0.0, description="Longest time between two checkpoints.")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="Precision of the layers.")
    compile: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Compile the backbone (torch.compile); auto does so on CUDA, if a trial at the start shows that it pays.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of all random numbers of the training.")
    sources: dict[str, str] = Field(
        default_factory=dict, description="Source of each value that the paper does not give, by field."
    )

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_version(cls, fields: Any) -> Any:
        return current_recipe(fields) if isinstance(fields, Mapping) else fields

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.micro_batch is not None and self.batch_size % self.micro_batch:
            raise ValueError(f"micro_batch: {self.micro_batch} does not divide batch_size {self.batch_size}")
        if self.crop_scale is not None and not 0 < self.crop_scale[0] <= self.crop_scale[1] <= 1:
            raise ValueError("crop_scale: must be two rising numbers above 0 and at most 1")
        if self.freeze_backbone and self.network.side_head:
            raise ValueError(
                "side_head: of a frozen backbone (freeze_backbone) only the last stage's features are kept"
            )
        if self.freeze_backbone and self.recalibrate:
            raise ValueError("recalibrate: a frozen backbone (freeze_backbone) keeps its BatchNorm statistics")
        if self.network.batch_norm == "frozen" and self.recalibrate:
            raise ValueError(
                "recalibrate: frozen BatchNorm (network.batch_norm) keeps its statistics; set one or the other"
            )
        if self.average_epochs > self.epochs:
            raise ValueError(f"average_epochs: {self.average_epochs} are more than the training has ({self.epochs})")
        if self.average_epochs and self.patience is not None:
            raise ValueError(
                "average_epochs: with patience it is not known beforehand which epochs are the last; set one or the other"
            )
        if sum(phase.epochs for phase in self.phases) > self.epochs:
            raise ValueError("phases: together they are longer than the training")
        return self

    @property
    def first_averaged(self) -> int:
        """The first epoch, from 0, that counts in the mean of the weights; the number of epochs if there is no mean."""
        return self.epochs - self.average_epochs

    def sampling_at(self, epoch: int) -> Sampling:
        """Return the sampling of an epoch, counted from 0: that of its warm-up phase, else the network's own."""
        end = 0
        for phase in self.phases:
            end += phase.epochs
            if epoch < end:
                return phase.sampling
        return self.network.train_sampling

    def rate_factor(self, progress: float) -> float:
        """Return the factor on the learning rates after ``progress`` epochs, which may be fractional."""
        if progress < self.rate_warm_up:
            return progress / self.rate_warm_up
        if self.schedule == "step":
            return self.step_factor ** sum(progress >= epoch for epoch in self.step_epochs)
        if self.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * min(1.0, progress / self.epochs)))
        return 1.0

    def describe(self) -> str:
        """Return one line per setting: its value, its meaning, and its source if the paper does not give it."""
        lines = [f"{self.name}: {self.about}", ""]
        hidden = {"name", "about", "network", "sources"}
        fields = [(name, field, getattr(self, name)) for name, field in type(self).model_fields.items()]
        inner = type(self.network).model_fields.items()
        fields += [(f"network.{name}", field, getattr(self.network, name)) for name, field in inner]
        for key, field, value in fields:
            if key in hidden:
                continue
            source = f" [{self.sources[key]}]" if key in self.sources else ""
            lines.append(f"{key + ' = ' + _written(value):42} {field.description}{source}")
        return "\n".join(lines)

    def changed(self, settings: Mapping[str, Any]) -> Recipe:
        """Return the recipe with some fields replaced.

        Args:
            settings: Values by field; a dot addresses a field of the network ("network.backbone").

        Raises:
            RecipeError: If a field does not exist or a value is not valid. The text of a number may have a decimal comma; a whole
                number with a separator of thousands is refused (`number_texts`).
        """
        fields = self.model_dump(mode="json")
        for key, value in settings.items():
            target, *rest = current_name(key).split(".")
            if (
                target not in fields
                or len(rest) > 1
                or (rest and (target != "network" or rest[0] not in fields["network"]))
            ):
                known = [*fields, *(f"network.{inner}" for inner in fields["network"])]
                near = get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise RecipeError(f"There is no recipe setting {key!r}; {hint}`s3n train --show-recipe` lists them.")
            if rest:
                fields[target][rest[0]] = _number(key, value, type(self.network).model_fields[rest[0]].annotation)
            else:
                fields[target] = _number(key, value, type(self).model_fields[target].annotation)
        return recipe_from(fields)


def recipe_from(fields: Mapping[str, Any]) -> Recipe:
    """Build a recipe from fields as read from JSON.

    Raises:
        RecipeError: If a field is not valid; the message names it.
    """
    try:
        return Recipe.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raised = first.get("ctx", {}).get("error")  # from our own validators: their message, without pydantic's prefix
        problem = first["msg"] if raised is None else str(raised)
        raise RecipeError(f"The recipe is not valid: {f'{place}: ' if place else ''}{problem}.") from None


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Parse ``field=value`` texts from the command line; a value is read as JSON if possible, else as text.

    Raises:
        RecipeError: If a text has no ``=``.
    """
    settings: dict[str, Any] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign:
            raise RecipeError(f"The setting {text!r} has no value; write it as field=value.")
        try:
            # JSON would read "1.000", a thousand in half of the world, as one: the field decides.
            settings[key.strip()] = value if is_ambiguous(value) else json.loads(value)
        except ValueError:
            settings[key.strip()] = value
    return settings


def _number(key: str, value: Any, annotation: Any) -> Any:
    """Read the text of a number where a field takes one, and "none" of a field without text; the rest is left to the field.

    Raises:
        RecipeError: It is not such a number; the message names the field.
    """
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    if not isinstance(value, str) or str in kinds:
        return value
    if any(value in get_args(kind) for kind in kinds if get_origin(kind) is Literal):
        return value
    if type(None) in kinds and value.strip() in ("", "none"):
        return None
    if not {int, float} & set(kinds):
        return value
    try:
        return read_fraction(value) if float in kinds else read_whole(value)
    except ValueError as error:
        raise RecipeError(f"{key}: {error}") from None


def _written(value: Any) -> str:
    """Format a value as `parse_settings` reads it."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple) and value and isinstance(value[0], Phase):
        value = [phase.model_dump() for phase in value]
    return json.dumps(value)
