"""Backbones: feature extractors for Eq. 1, and loading their weights.

The only module of this package that imports torchvision. Eq. 1 needs global average pooling followed by a single linear
layer, so VGG and MobileNetV3 lose their hidden layers, and ConvNeXt's LayerNorm is applied at every location before the
pooling instead of after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from s3n_core.errors import ModelFileError
from s3n_core.method.alignment import feature_to_pixel
from s3n_core.method.cell_geometry import CellGeometry, MiddleStage
from s3n_core.method.configuration import STAGE_STRIDE, TIMM, BackboneName, NetworkChoices
from s3n_core.method.folded_norm import NormAct, Probed
from s3n_core.method.foreign_weights import read_state_dict
from s3n_core.method.timm_backbones import TimmFeatures
from s3n_core.method.weight_licences import TORCHVISION_TAG, torchvision_sentence
from s3n_core.system.deferred_module import deferred_module

# torchvision's detection operators ask torch's compiler one question, when they run; loading it takes as long as torch.
with deferred_module("torch._dynamo.utils", "is_compile_supported"):
    from torchvision import models as torchvision_models


@dataclass(frozen=True)
class WeightReport:
    """The result of loading backbone weights.

    Attributes:
        source: Where the weights came from, in words for the user.
        loaded: Number of tensors loaded.
        missing: Keys of the backbone that the file lacks or stores in another shape.
        unused: Keys of the file that the backbone does not have (not counting the original classifier).
        remark: What else must be known of them, such as a licence.
        reshaped: Of tensors that both have: "conv1.weight (64 x 3 x 3 x 3 instead of 64 x 3 x 7 x 7)".
    """

    source: str
    loaded: int
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    remark: str = ""
    reshaped: tuple[str, ...] = ()

    def sentences(self) -> tuple[str, ...]:
        """Return the report as sentences for the user."""
        sentences = [f"Backbone weights: {self.source}."]
        if self.missing:
            sentences.append(
                f"{len(self.missing)} tensors of the backbone are missing in them (first: {self.missing[0]})."
            )
        if self.unused:
            sentences.append(f"{len(self.unused)} of their tensors do not belong to it (first: {self.unused[0]}).")
        if self.reshaped:
            sentences.append(
                f"{len(self.reshaped)} have another shape than the backbone's (first: {self.reshaped[0]})."
            )
        return (*sentences, self.remark) if self.remark else tuple(sentences)


class Backbone(Probed):
    """A feature extractor: images (B, 3, H, W) to S of shape (B, channels, H / stride, W / stride).

    Attributes:
        channels: D of Eq. 1, found by running the network once on no images.
        stride: Input pixels per feature cell.
        geometry: Where its cells lie, if that had to be measured; None where the name says it.
        cells: Cells along a side of its map at the size that it was measured for; None likewise.
        tokens: Whether its map is made of patch tokens (`tokens_sentence`).
    """

    def __init__(self, layers: nn.Module, size: int = 0) -> None:
        """Wrap layers.

        Args:
            layers: Images to features.
            size: Side of the input, in pixels, that a network of timm was built and measured for.
        """
        super().__init__()
        self.layers = layers
        self._size = size
        self.geometry: CellGeometry | None = None
        self.cells: int | None = None
        self.tokens = False
        if isinstance(layers, TimmFeatures):
            self.geometry, self.cells, self.tokens = layers.geometry, layers.cells, layers.tokens
            self.channels, self.stride = layers.channels, layers.geometry.stride
            return
        training = layers.training
        layers.eval()
        with torch.no_grad():
            probe = layers(self.example())
        layers.train(training)
        self.channels = int(probe.shape[1])
        self.stride = _PROBE // int(probe.shape[2])

    def forward(self, images: Tensor) -> Tensor:
        """Compute S, shape (B, D, h, w)."""
        features: Tensor = self.layers(images)
        return features

    def example(self) -> Tensor:
        """Return no images, or one for a network that must be asked with one: what it makes of them has the right shape."""
        return _no_images() if self.geometry is None else torch.zeros(1, 3, self._size, self._size)

    def with_stage(self, images: Tensor, stage: str) -> tuple[Tensor, Tensor]:
        """Compute S, and on the way the features of a stage, (B, D', h', w'); not for a network of timm.

        Args:
            images: Shape (B, 3, H, W).
            stage: The layer's name, as `middle_stage` returns it.
        """
        return _through(self.layers, images, stage)

    def stage_channels(self, stage: str) -> int:
        """Return D' of a stage, found as `channels`."""
        training = self.layers.training
        self.layers.eval()
        with torch.no_grad():
            channels = self.with_stage(_no_images(), stage)[1].shape[1]
        self.layers.train(training)
        return channels


def build_backbone(
    name: BackboneName, weights: str = "none", *, last_stride: int = 2, size: int = 224
) -> tuple[Backbone, WeightReport]:
    """Build a backbone.

    Args:
        name: Name of the architecture.
        weights: "none", "imagenet" (the published weights, which must be on this machine: `weight_files.fetch_weights`), or the
            path of a local file: weights in torchvision's layout, or a model of this program, whose backbone is used.
        last_stride: 1 removes the last downsampling, for features of twice the resolution; 2 is the published network.
        size: Side of the input that a network of timm is built and measured for, in pixels.

    Returns:
        The backbone and a report of the loaded weights.

    Raises:
        ModelFileError: If the weights are not there, or none of them fits.
    """
    if name.startswith(TIMM):
        return _timm_backbone(name, weights, last_stride, size)
    network = torchvision_models.get_model(name, weights=None)
    layers = _feature_layers(name, network)
    if last_stride == 1:
        _keep_resolution(name, layers)
    backbone = Backbone(layers)
    if weights == "none":
        return backbone, WeightReport(source="none: training starts from random weights", loaded=0)
    if weights == "imagenet":
        _, file = imagenet_place(name)
        assert file is not None
        report = _take(network, name, read_state_dict(file), f"ImageNet weights of torchvision for {name}")
        return backbone, replace(report, remark=torchvision_sentence(name))
    state = read_state_dict(Path(weights))
    own = {key.removeprefix("backbone."): value for key, value in state.items() if key.startswith("backbone.layers.")}
    return backbone, _take(backbone, name, own, weights) if own else _take(network, name, state, weights)


def _timm_backbone(name: str, weights: str, last_stride: int, size: int) -> tuple[Backbone, WeightReport]:
    from s3n_core.method.timm_backbones import build_timm, fitted, pretrained_facts, pretrained_state

    if last_stride == 1:
        raise ModelFileError(
            f"The last stride of {name} cannot be changed; set last_stride to 2, or use a larger input."
        )
    layers = build_timm(name, size)
    backbone = Backbone(layers, size)
    if weights == "none":
        return backbone, WeightReport(source="none: training starts from random weights", loaded=0)
    facts = pretrained_facts(name)
    if weights == "imagenet":
        state, source = pretrained_state(name, size), f"pretrained weights of timm for {name.removeprefix(TIMM)}"
    else:
        state, source = read_state_dict(Path(weights)), weights
        inside = "backbone.layers.network."
        own = {key.removeprefix(inside): value for key, value in state.items() if key.startswith(inside)}
        state = own or state
    state = {key: value for key, value in state.items() if not key.startswith(tuple(f"{c}." for c in facts.classifier))}
    state = fitted(name, layers.network, state)
    # In timm's layout a norm and its activation are one layer, here they are two.
    split = {key for key, layer in layers.network.named_modules() if isinstance(layer, NormAct)}
    renamed = {
        f"{before}.0.{last}" if (before := key.rpartition(".")[0]) in split else key: value
        for key, value in state.items()
        for last in (key.rpartition(".")[2],)
    }
    report = _take(layers.network, name, renamed, source)
    return backbone, replace(report, remark=facts.terms.sentence if weights == "imagenet" else "")


def middle_stage(name: BackboneName) -> str:
    """Return the name, inside `Backbone.layers`, of the last layer with 16 input pixels per cell in the published network.

    Features of the last layer gather by class; those of this stage by what lies there. Nothing is computed: the layers
    are asked for shapes only.

    Args:
        name: Name of the architecture; not one of timm.
    """
    with torch.no_grad():
        published = _feature_layers(name, torchvision_models.get_model(name, weights=None)).eval()
        found = _last_at_stride(published, _no_images(), STAGE_STRIDE)
    assert found is not None, name
    return found


def measured_stage(name: BackboneName, layers: nn.Module, size: int) -> MiddleStage:
    """Return the same layer with where its cells lie.

    Args:
        name: Name of the architecture.
        layers: The network's `Backbone.layers`, in evaluation mode; only one of timm is asked, with one image.
        size: Side of its input, in pixels.

    Returns:
        The stage; the whole network, with its own stride, if a network of timm has no such layer.
    """
    if isinstance(layers, TimmFeatures):
        from s3n_core.method.timm_backbones import middle_stage_of

        return middle_stage_of(layers, size, STAGE_STRIDE)
    offset = feature_to_pixel(0.0, STAGE_STRIDE, NetworkChoices(backbone=name).cell_alignment)
    return MiddleStage(middle_stage(name), CellGeometry(STAGE_STRIDE, offset))


def _through(layers: nn.Module, values: Tensor, stage: str) -> tuple[Tensor, Tensor]:
    """Run layers that follow one another; return what the last one gives and what the layer ``stage`` gives."""
    first, _, inner = stage.partition(".")
    kept = values
    for name, layer in layers.named_children():
        if name == first and inner:
            values, kept = _through(layer, values, inner)
        else:
            values = layer(values)
            kept = values if name == first else kept
    return values, kept


_PROBE = 64  # side of the images that a backbone is asked for its shapes with, in pixels


def _no_images() -> Tensor:
    """Return a batch without images, (0, 3, 64, 64): what a layer makes of it has the right shape and costs nothing."""
    return torch.zeros(0, 3, _PROBE, _PROBE)


def _last_at_stride(layers: nn.Module, values: Tensor, stride: int) -> str | None:
    """Return the name of the last layer whose output has ``stride`` input pixels per cell; None if there is none."""
    last: str | None = None
    for name, layer in layers.named_children():
        before, values = values, layer(values)
        if _PROBE // values.shape[2] <= stride:
            last = name
        elif _PROBE // before.shape[2] < stride:  # it begins above that stage and ends below it
            inside = _last_at_stride(layer, before, stride)
            return None if inside is None else f"{name}.{inside}"
        else:
            break
    return last


def _feature_layers(name: str, network: Any) -> nn.Module:
    if name.startswith("resnet"):
        return nn.Sequential(*(layer for key, layer in network.named_children() if key not in ("avgpool", "fc")))
    if name.startswith("convnext"):
        return nn.Sequential(network.features, network.classifier[0])
    features: nn.Module = network.features
    return features


def _keep_resolution(name: str, layers: nn.Module) -> None:
    """Remove the last downsampling of a backbone, in place.

    Raises:
        ModelFileError: If that downsampling is not a plain stride (ConvNeXt merges patches there).
    """
    if name.startswith("convnext"):
        raise ModelFileError(
            f"The last stride of {name} cannot be changed; set last_stride to 2, or use a larger input."
        )
    halving: list[Any] = [layer for layer in layers.modules() if getattr(layer, "stride", 1) in (2, (2, 2))]
    if isinstance(halving[-1], nn.MaxPool2d):
        halving[-1].kernel_size = halving[-1].stride = 1
        return
    # A residual network downsamples in both the main path and the shortcut of the same block.
    for layer in halving[-2 if name.startswith("resnet") else -1 :]:
        layer.stride = (1, 1)


def imagenet_place(name: BackboneName) -> tuple[str, Path | None]:
    """Return the address of a backbone's pretrained weights ("" if there are none), and their file, which need not exist.

    The file is None if there are none.
    """
    if name.startswith(TIMM):
        from s3n_core.method.timm_backbones import cached_weights, pretrained_facts

        facts = pretrained_facts(name)
        return facts.address, cached_weights(name) or (facts.file if facts.place else None)
    url: str = _published(name).url
    return url, Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]


def imagenet_bytes(name: BackboneName) -> int:
    """Return about how many bytes torchvision's ImageNet weights of a backbone have; 0 for one of timm, which does not say."""
    return 0 if name.startswith(TIMM) else round(_published(name).meta["_file_size"] * 2**20)


def _published(name: BackboneName) -> Any:
    """Return torchvision's record of its V1 ImageNet weights, which published results start from."""
    return torchvision_models.get_model_weights(name)[TORCHVISION_TAG]


def _take(network: nn.Module, name: str, state: Mapping[str, Tensor], source: str) -> WeightReport:
    """Load the tensors that match by name and shape; the classifier is neither loaded nor reported."""
    own = network.state_dict()
    wanted = {key for key in own if not _is_classifier(key, name)}
    fitting = {key: value for key, value in state.items() if key in wanted and value.shape == own[key].shape}
    if not fitting:
        raise ModelFileError(
            f"{source}: none of its {len(state)} tensors belongs to this backbone; choose another file."
        )
    network.load_state_dict(fitting, strict=False)
    optional = {key for key in wanted if key.endswith("num_batches_tracked")}
    return WeightReport(
        source=source,
        loaded=len(fitting),
        missing=tuple(sorted(wanted - fitting.keys() - optional)),
        unused=tuple(sorted(key for key in state if key not in fitting and not _is_classifier(key, name))),
        reshaped=tuple(
            f"{key} ({_shape_text(state[key])} instead of {_shape_text(own[key])})"
            for key in sorted(wanted & state.keys() - fitting.keys())
        ),
    )


def _shape_text(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"


def _is_classifier(key: str, name: str) -> bool:
    # In ConvNeXt classifier.0 is the LayerNorm, which is used with the features; others have a hidden layer there.
    if name.startswith("convnext") and key.startswith("classifier.0."):
        return False
    if name.startswith(TIMM):  # built without one, and taken out of the file by timm's own names
        return False
    return key.startswith(("fc.", "classifier."))
