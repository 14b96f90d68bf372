"""Importing checkpoints of the authors' released code and of the Hawkeye library's S3N, which has the same layout.

The release form computes what the released code computes in its last stage of testing (`extremes`) and in its first
stage of training (`all`). A checkpoint lacks two values from its configuration: the input size, and the constant added
to Q, which is 0.09 in both published configurations.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from s3n_core.errors import ModelFileError
from s3n_core.method.configuration import BackboneName, NetworkConfig, least_radius
from s3n_core.method.foreign_weights import read_state_dict
from s3n_core.method.network import S3N
from s3n_core.models.stored_networks import empty_network, fill, misfits

_PLACES = {
    "features.": "backbone.layers.",
    "raw_classifier.": "heads.O.classifier.",
    "sampler_buffer.": "heads.D.buffer.",
    "sampler_classifier.": "heads.D.classifier.",
    "sampler_buffer1.": "heads.C.buffer.",
    "sampler_classifier1.": "heads.C.classifier.",
    "con_classifier.": "joint.",
}
_SINGLE = {
    "filter.weight": ("sampler.kernel", (61, 61)),
    "radius.scale": ("sampler.radius_d", ()),
    "radius_inv.scale": ("sampler.radius_c", ()),
}
# The released code overwrites this convolution with O's classifier at every step.
_COPIES = ("map_origin.",)
# Hawkeye registers its backbone a second time, with an unused head of 1000 classes.
_SECOND_BACKBONE = "backbone."

# Number of blocks in the four stages, and whether they are bottlenecks of three convolutions.
_BACKBONES: dict[tuple[tuple[int, ...], bool], BackboneName] = {
    ((2, 2, 2, 2), False): "resnet18",
    ((3, 4, 6, 3), False): "resnet34",
    ((3, 4, 6, 3), True): "resnet50",
    ((3, 4, 23, 3), True): "resnet101",
    ((3, 8, 36, 3), True): "resnet152",
}
_MAP_SIZE = 31
_LEAST_RADIUS = least_radius(_MAP_SIZE)


@dataclass(frozen=True, eq=False)
class ReleasedCheckpoint:
    """An imported checkpoint of the released code.

    Attributes:
        network: The network, in the release form and in evaluation mode.
        hawkeye: Whether it comes from the Hawkeye library, which also preprocesses its test images differently.
        unused: Names of tensors that the released network does not use.
    """

    network: S3N
    hawkeye: bool
    unused: tuple[str, ...]


def read_released_checkpoint(path: Path, *, input_size: int = 448) -> ReleasedCheckpoint:
    """Read a checkpoint of the released code; only tensors are loaded.

    Args:
        path: A ``.pt``, ``.pth`` or ``.safetensors`` file; a ``module.`` prefix and a ``{"model": ...}`` wrapper are
            removed.
        input_size: Side length of the images that it was trained on, in pixels.

    Returns:
        The network.

    Raises:
        ModelFileError: If the file is missing, damaged, holds code, or is no complete checkpoint of the released code.
    """
    state = read_state_dict(path)
    _check_kind(state, path)
    name = _backbone_of(state, path)
    # Constants of the released code, and the settings of its test stage.
    config = NetworkConfig(
        backbone=name,
        form="release",
        train_sampling="random",
        eval_sampling="extremes",
        input_size=input_size,
        source_size=input_size,
        map_size=_MAP_SIZE,
        num_classes=len(state["raw_classifier.weight"]),
        at_most_half=False,
        radius_d=_radius(state, "radius.scale", path),
        radius_c=_radius(state, "radius_inv.scale", path),
    )
    network = empty_network(config)
    tensors, unused = _renamed(state)
    needed = network.state_dict()
    for key, own in needed.items():
        if key.endswith("num_batches_tracked"):  # counts that evaluation does not use; some tools omit them
            tensors.setdefault(key, torch.zeros(own.shape, dtype=own.dtype))
    wrong = misfits(network, tensors)
    if wrong:
        raise ModelFileError(
            f"{path} is not a complete checkpoint of the released S3N with {name} and {config.num_classes} classes: "
            f"{len(wrong)} of its tensors are missing or do not match; the first, {_theirs(wrong[0])}, "
            f"{_misfit(wrong[0], tensors, needed)}."
        )
    bad = fill(network, tensors)
    if bad:
        raise ModelFileError(
            f"{path} contains weights that are not finite numbers (first: {_theirs(bad[0])}); its training diverged."
        )
    hawkeye = any(key.startswith(_SECOND_BACKBONE) for key in state)
    return ReleasedCheckpoint(network=network, hawkeye=hawkeye, unused=unused)


def _misfit(key: str, tensors: Mapping[str, Tensor], needed: Mapping[str, Tensor]) -> str:
    """Return what is wrong with a tensor, as a clause."""
    if key not in tensors:
        return "is missing"
    if key not in needed:
        return "does not belong to it"
    found, own = tensors[key], needed[key]
    if found.shape != own.shape:
        return f"has the shape {tuple(found.shape)} instead of {tuple(own.shape)}"
    return f"has the type {found.dtype} instead of {own.dtype}"


def _check_kind(state: Mapping[str, Tensor], path: Path) -> None:
    """Check for the tensors that only a released S3N has."""
    if any(key.startswith("heads.O.") for key in state):
        raise ModelFileError(f"{path} is already a model of this program; use it as it is.")
    if not {"raw_classifier.weight", "con_classifier.weight", "filter.weight"} <= state.keys():
        raise ModelFileError(
            f"{path} contains another network: it has no raw_classifier, con_classifier and filter, as S3N has in the "
            "released code and in Hawkeye. Weights of a plain backbone can be used for training: `s3n train DATA "
            "--set weights=FILE`."
        )
    if state["raw_classifier.weight"].dim() != 2 or len(state["raw_classifier.weight"]) < 1:
        raise ModelFileError(f"{path} is damaged: its raw_classifier.weight is not a matrix. Use another checkpoint.")


def _backbone_of(state: Mapping[str, Tensor], path: Path) -> BackboneName:
    found = [re.match(r"features\.([4-7])\.(\d{1,3})\.", key) for key in state]
    places = {(int(match[1]), int(match[2])) for match in found if match}
    blocks = tuple(sum(stage == number for stage, _ in places) for number in range(4, 8))
    bottleneck = "features.4.0.conv3.weight" in state
    name = _BACKBONES.get((blocks, bottleneck))
    if name is None:
        raise ModelFileError(
            f"{path} has a backbone of {'-'.join(map(str, blocks))} blocks, which is none of "
            f"{', '.join(_BACKBONES.values())}: some of its tensors are missing, or it belongs to another network."
        )
    return name


def _radius(state: Mapping[str, Tensor], key: str, path: Path) -> float:
    """Return the absolute value of a radius; the released code squares it, so its sign has no effect."""
    value = state.get(key)
    if value is None or value.numel() != 1 or not value.is_floating_point():
        raise ModelFileError(
            f"{path} is not a complete checkpoint of the released S3N: its {key} is not a single number."
        )
    radius = abs(float(value))
    if not _LEAST_RADIUS <= radius <= 1.0:  # false for NaN as well
        raise ModelFileError(
            f"{path}: its {key} is {radius:.4g}, but this program supports radii from {_LEAST_RADIUS:.4f} (half a "
            "cell) to 1 (the whole map)."
        )
    return radius


def _renamed(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Convert the tensors to this program's names and shapes; also return the names of unused ones."""
    tensors, unused = {}, []
    for key, value in state.items():
        prefix = key[: key.find(".") + 1]
        if key in _SINGLE:
            ours, shape = _SINGLE[key]
            tensors[ours] = value.reshape(shape) if value.numel() == math.prod(shape) else value
            if ours != "sampler.kernel":
                tensors[ours] = tensors[ours].abs()
        elif prefix in _PLACES:
            tensors[_PLACES[prefix] + key.removeprefix(prefix)] = value
        elif prefix not in (*_COPIES, _SECOND_BACKBONE):
            unused.append(key)
    return tensors, tuple(unused)


def _theirs(ours: str) -> str:
    """Return the released code's name for a tensor of this program."""
    for key, (single, _) in _SINGLE.items():
        if ours == single:
            return key
    places = ((theirs, own) for theirs, own in _PLACES.items() if ours.startswith(own))
    return next((theirs + ours.removeprefix(own) for theirs, own in places), ours)
