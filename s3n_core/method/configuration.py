"""Network configuration: every option of METHOD.md as a validated field. Does not import torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from s3n_core.method.weight_licences import WeightLicence, licence_of, notice_of, restriction_of
from s3n_core.runs.earlier_versions import current_names

TIMM = "timm:"
"""Begins the name of a backbone of the timm library: ``timm:convnext_tiny.fb_in22k``."""

TorchvisionName = Literal[
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "vgg16",
    "vgg19",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "convnext_tiny",
]
Form = Literal["paper", "release"]
BranchSet = Literal["O", "O+D", "O+C", "D+C", "O+D+C"]
Attention = Literal["sparse", "saliency", "response"]
Control = Literal["none", "identity", "random_places", "other_image", "centre", "hard_crop", "true_places"]
Sampling = Literal["random", "coin", "all", "extremes", "expected", "identity"]
DeterministicSampling = Literal["all", "extremes", "expected", "identity"]
BatchNorm = Literal["shared", "frozen", "separate"]
BackboneName = str
"""One of `BACKBONES`, or a network of timm: `TIMM` and its name."""
Alignment = Literal["origins", "centres", "corners"] | float
"""Where cell i of n feature cells lies along the side of the input: "origins" at i / n, "centres" at (i + 1/2) / n,
"corners" at i / (n - 1), a number s at (i + s) / n. `NetworkChoices.cell_alignment` says which of them a backbone has."""

BACKBONES: tuple[TorchvisionName, ...] = get_args(TorchvisionName)
SAMPLING_MODES: tuple[Sampling, ...] = get_args(Sampling)
DETERMINISTIC_MODES: tuple[DeterministicSampling, ...] = get_args(DeterministicSampling)


STAGE_STRIDE = 16
"""Input pixels per cell of the stage that the side head reads, and of the last stage with ``last_stride`` 1."""

LEAST_BETA = 0.5
"""The least beta_1 and beta_2 (Eq. 5), in cells."""


def least_radius(map_size: int) -> float:
    """Return the radius, a fraction of the map's side of ``map_size`` cells, at which beta is the least."""
    return LEAST_BETA / (math.sqrt(2) * map_size)


class NetworkChoices(BaseModel):
    """One S3N network, its ablations (Tables 2-4) and its controls: options of one network, not copies of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    backbone: BackboneName = Field(
        "resnet50",
        description="Feature extractor, shared by the three branches; timm:NAME for one of the library timm.",
    )
    last_stride: Literal[1, 2] = Field(2, description="Stride of the backbone's last stage; 1 gives finer features.")
    form: Form = Field(
        "paper", description="Branch heads, gate and map alignment as in the paper or in the released code."
    )
    branches: BranchSet = Field("O+D+C", description="Branches whose features are joined (Table 2).")
    attention: Attention = Field("sparse", description="Peaks (the method) or a dense map (Table 3).")
    control: Control = Field("none", description="What replaces the warps in a control experiment.")
    control_places: tuple[str, ...] = Field(
        (), description="Key points of the data set that the control true_places enlarges; none named: all."
    )
    train_sampling: Sampling = Field(
        "random", description="How peaks are assigned to D and C in training (Eq. 4, Table 4)."
    )
    eval_sampling: DeterministicSampling = Field(
        "expected", description="How peaks are assigned to D and C in evaluation."
    )
    input_size: int = Field(448, ge=32, le=2048, description="Side length of the backbone's input, in pixels.")
    look_size: int | None = Field(
        None,
        ge=32,
        le=4096,
        description="Side length at which O reads the image, in pixels: a larger one gives finer places; none: input_size.",
    )
    source_size: int = Field(
        448, ge=32, le=4096, description="Side length of the image that the warps sample from, in pixels."
    )
    map_size: int = Field(31, ge=7, le=127, description="Side length of the response map R, in cells.")
    entropy_threshold: float = Field(
        0.2, ge=0.0, description="delta of Eq. 3, in nats: up to this entropy the network is certain."
    )
    top_k: int = Field(5, ge=1, description="Number of class maps averaged if H > delta; at most half of all classes.")
    window: int = Field(
        3, ge=3, le=15, description="Side r of the window in which a peak is the maximum, in cells (odd)."
    )
    floor: Literal["mean", "none"] | float = Field("mean", description="Minimum response of a peak.")
    contrast: bool = Field(
        False,
        description="Where the network is uncertain, R shows what the best class has more than its rivals, not what they share.",
    )
    side_head: bool = Field(
        False,
        description="Whether R comes from a classifier of its own on the stage with 16 pixels per cell: finer places.",
    )
    base: float = Field(0.09, ge=0.0, le=10.0, description="Constant added to Q.")
    radius_d: float = Field(0.09, gt=0.0, le=1.0, description="Initial radius of beta_1, a fraction of the map's side.")
    radius_c: float = Field(0.30, gt=0.0, le=1.0, description="Initial radius of beta_2, a fraction of the map's side.")
    kernel_fwhm: float = Field(13.0, gt=0.0, le=60.0, description="Width of the kernel k at half height, in cells.")
    batch_norm: BatchNorm = Field(
        "shared", description="BatchNorm statistics: shared by the branches, frozen, or one set per branch."
    )
    joint_init: Literal["random", "mean"] = Field("random", description="Initial weights of the joint head.")
    response_gradient: bool = Field(False, description="Whether gradients flow through R and the classifier of Eq. 1.")

    @field_validator("backbone")
    @classmethod
    def _check_backbone(cls, name: str) -> str:
        if name not in BACKBONES and not (name.startswith(TIMM) and name != TIMM):
            near = get_close_matches(name, BACKBONES, n=1)
            hint = f"; did you mean {near[0]}?" if near else "."
            raise ValueError(f"there is no backbone {name!r}{hint} Choose {', '.join(BACKBONES)}, or timm:NAME")
        return name

    @model_validator(mode="after")
    def _check_choices(self) -> Self:
        if self.window % 2 == 0:
            raise ValueError("window: the side of a peak's window must be odd")
        if self.source_size < self.input_size:
            raise ValueError("source_size: the sampled image cannot be smaller than the network's input")
        if self.look_size is not None and not self.input_size <= self.look_size <= self.source_size:
            raise ValueError(
                "look_size: O's input is at least as large as that of D and C, and at most the sampled image"
            )
        if self.side_head and (self.last_stride != 2 or self.form != "paper" or self.backbone.startswith(TIMM)):
            raise ValueError("side_head: only for the paper's form with last_stride 2, and not for a backbone of timm")
        if isinstance(self.floor, float) and not 0.0 <= self.floor <= 1.0:
            raise ValueError("floor: a number must lie between 0 and 1")
        return self

    @property
    def cell_alignment(self) -> Alignment:
        """Where the backbone's cells lie on its input: "origins" or "centres".

        A stride-2 convolution with an odd kernel and half its size as padding is centred on every second position, from
        the first on: after five of them cell i is centred on pixel 32 i, half a cell before the centre of its block.
        Pooling and patch embeddings keep the centre. Of a network of timm it is measured (`NetworkConfig.cell_shift`).
        """
        return "centres" if self.backbone.startswith(("vgg", "convnext")) else "origins"

    @property
    def alignment(self) -> Alignment:
        """How the cells of R align with those of the feature map."""
        return self.cell_alignment if self.form == "paper" else "corners"

    @property
    def feature_cells(self) -> int:
        """Number of feature cells along each side of O's input, h = w of its S.

        Every backbone halves the side five times (four times with ``last_stride`` 1). A stride-2 convolution with an
        odd kernel rounds up; pooling and patch embeddings round down.
        """
        return self._cells(getattr(self, "stride", None) or (32 if self.last_stride == 2 else STAGE_STRIDE))

    @property
    def response_cells(self) -> int:
        """Number of cells along each side of the features that R is made of: those of S, or of the side head's stage."""
        return self._cells(STAGE_STRIDE) if self.side_head else self.feature_cells

    def _cells(self, stride: int) -> int:
        rounded_up = self.cell_alignment == "origins"
        side = self.original_size
        return max(1, -(-side // stride) if rounded_up else side // stride)

    @property
    def original_size(self) -> int:
        """Side length of O's input, in pixels; that of D and C is ``input_size``."""
        return self.input_size if self.look_size is None else self.look_size

    def needs_draws(self, sampling: Sampling) -> bool:
        """Whether a sampling mode, or the control with random places, needs random draws (zeta of Eq. 4)."""
        return sampling not in DETERMINISTIC_MODES or self.control == "random_places"

    @property
    def control_warnings(self) -> tuple[str, ...]:
        """A sentence where this is a control experiment that answers otherwise than when `s3n reproduce` measures it."""
        match self.control:
            case "true_places":
                return (
                    "This model is a control experiment that was told true places. Here it uses its own peaks; s3n reproduce "
                    "measures it as it was trained.",
                )
            case "other_image":
                return (
                    "This model is a control experiment that uses the peaks of another image of the batch. Here neighbours in "
                    "the list give each other theirs, mostly of one class; s3n reproduce draws them from all classes.",
                )
            case _:
                return ()

    @property
    def joined(self) -> tuple[str, ...]:
        """The branches in F_J, in the order in which their features are concatenated."""
        return tuple(self.branches.split("+"))


class NetworkConfig(NetworkChoices):
    """All that is needed to build a network: the choices, and the number of classes, which depends on the data set."""

    num_classes: int = Field(ge=1, description="Number of classes C.")
    stride: int | None = Field(None, ge=1, le=256, description="Of a timm backbone: input pixels per feature cell.")
    cell_shift: float | None = Field(
        None,
        ge=-2,
        le=3,
        description="Of a timm backbone: where its cells lie, as `Alignment`; measured at its input size.",
    )
    cells: int | None = Field(
        None,
        ge=1,
        description="Of a timm backbone: cells along a side of O's map, where size and stride do not say it.",
    )
    origin: dict[str, str] = Field(
        default_factory=dict,
        description="Of the weights that it began with: architecture, tag, timm's version, licence and hash.",
    )
    at_most_half: bool = Field(
        True, description="Average at most half of all classes; the released code has no such limit."
    )

    @model_serializer(mode="wrap")
    def _for_earlier_versions(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out ``cells`` where there are none: earlier versions refuse a field that they do not know."""
        found: dict[str, Any] = write(self)
        return {key: value for key, value in found.items() if key != "cells" or value is not None}

    @property
    def restriction(self) -> WeightLicence | None:
        """The licence of these weights if exports must tell of it: it forbids commercial use, or is not known."""
        return restriction_of(self.origin)

    @property
    def licence_notice(self) -> str:
        """What exports say of that licence; "" if nothing need be said."""
        return notice_of(self.origin)

    @property
    def origin_text(self) -> str:
        """Which weights it began with, and their licence: "weights convnext_tiny.fb_in22k, licence mit"; else ""."""
        found = licence_of(self.origin)
        return "" if found is None else f"weights {found.weights}, licence {found.short}"

    @property
    def feature_cells(self) -> int:
        """Number of feature cells along each side of O's input: as measured, or as size and stride say."""
        return self.cells or super().feature_cells

    @property
    def cell_alignment(self) -> Alignment:
        """Where the backbone's cells lie on its input: as measured, or as known by its name."""
        return super().cell_alignment if self.cell_shift is None else self.cell_shift

    @property
    def merged_classes(self) -> int:
        """Number of classes merged when H > delta: ``max(1, min(top_k, C // 2))``, or ``min(top_k, C)``.

        The sum over all classes is a map that training never shapes.
        """
        most = self.num_classes // 2 if self.at_most_half else self.num_classes
        return max(1, min(self.top_k, most))


HEADER_KEY = "s3n"
"""Metadata of a model file that holds its header, as JSON."""

RANGES_FILE_VERSION = 2
"""Of model files whose preprocessing holds a range of values; a program that knows version 1 only would read such images dark."""


class ModelHeader(BaseModel):
    """The metadata of a model file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_format: Literal["s3n-model"] = "s3n-model"
    file_version: int = Field(1, ge=1)
    network: NetworkConfig
    classes: tuple[str, ...]
    preprocess: dict[str, Any] = Field(description="Preprocessing of an image (datasets.transforms).")
    recipe: str = ""
    data_set: str = Field("", description="Name of the data set that it was trained on.")
    epoch: int = Field(0, ge=0, description="Number of epochs trained.")
    metrics: dict[str, float] = Field(default_factory=dict, description="Results on the validation set.")
    versions: dict[str, str] = Field(default_factory=dict)
    weights_dtype: str = "float32"
    images: dict[str, str] = Field(
        default_factory=dict,
        exclude=True,  # kept beside the header in the file, where earlier versions do not look
        repr=False,
        description="Content hashes of the images that it has seen (models.seen_images); empty where that is not known.",
    )

    @field_validator("metrics", mode="before")
    @classmethod
    def _of_earlier_version(cls, metrics: Any) -> Any:
        return current_names(metrics) if isinstance(metrics, Mapping) else metrics

    @model_validator(mode="after")
    def _check(self) -> ModelHeader:
        if len(self.classes) != self.network.num_classes:
            raise ValueError(f"{len(self.classes)} class names for a network of {self.network.num_classes} classes")
        return self
