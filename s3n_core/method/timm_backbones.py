"""Backbones of the timm library (extra `timm`): any network that gives a spatial map of features.

A name is ``timm:ARCHITECTURE`` or ``timm:ARCHITECTURE.TAG``, where the tag names pretrained weights. timm's networks are built
without classifier and pooling. Three things differ from torchvision's, and are settled here once: BatchNorm layers that hold
their activation (`plain_norms`), where a cell looks (`cell_geometry`), and the colours that the weights expect (`TimmFeatures`).
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from s3n_core.errors import DownloadFailed, ModelFileError
from s3n_core.method.configuration import TIMM
from s3n_core.method.folded_norm import NormAct
from s3n_core.runs.model_paths import file_sha256

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # what images are normalised with before they come here

_NON_COMMERCIAL = ("non-commercial", "noncommercial", "research-only")


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainedFacts:
    """What timm says of a network's pretrained weights.

    Attributes:
        architecture: Name of the architecture.
        tag: Name of the weights; "" if it has none.
        licence: As timm gives it, in lower case; "unknown" if it gives none, which does not mean that anybody may use them.
        place: The repository or address that they are downloaded from; "" if there are none.
        mean: Of red, green and blue, in [0, 1].
        std: Their standard deviations.
        interpolation: How images were resized: "bilinear" or "bicubic".
        classifier: Names of the classifier's layers in a weight file.
        input_size: Side length that they were trained with, in pixels.
    """

    architecture: str
    tag: str
    licence: str
    place: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    classifier: tuple[str, ...]
    input_size: int

    @property
    def address(self) -> str:
        """Where the file of the weights can be downloaded from; "" if there are none."""
        if not self.place or ":" in self.place:
            return self.place
        hub = os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
        return f"{hub}/{self.place}/resolve/main/model.safetensors"

    @property
    def file(self) -> Path:
        """Where this program puts the weights, and looks for them before it asks the hub's cache."""
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        if ":" in self.place:  # where timm keeps it, too
            return folder / self.place.rsplit("/", 1)[-1]
        name = f"{self.architecture}.{self.tag}" if self.tag else self.architecture
        return folder / "timm" / f"{name}.safetensors"

    @property
    def non_commercial(self) -> bool:
        """Whether the licence forbids commercial use."""
        return "nc" in self.licence.split("-") or any(word in self.licence for word in _NON_COMMERCIAL)

    def sentence(self) -> str:
        """Return what a person must know of the licence."""
        name = f"{self.architecture}.{self.tag}" if self.tag else self.architecture
        if self.licence == "unknown":
            return f"The licence of the weights {name} is not known: find out before you use what is trained from them."
        limit = ", which does not allow commercial use" if self.non_commercial else ""
        return f"The weights {name} have the licence {self.licence}{limit}."


def require_timm() -> None:
    """Make sure that timm is there.

    Raises:
        ModelFileError: It is not installed.
    """
    if importlib.util.find_spec("timm") is None:
        raise ModelFileError(
            'Backbones of timm need the package timm: pip install "s3n-studio[timm]" (in the checkout: pip install -e ".[timm]").'
        )


def timm_name(backbone: str) -> str:
    """Return timm's own name of a backbone: without the prefix.

    Raises:
        ModelFileError: timm is missing or has no such network.
    """
    require_timm()
    import timm

    name = backbone.removeprefix(TIMM)
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        near = timm.list_models(f"*{architecture[:6]}*")[:5]
        hint = f"; names that begin like it: {', '.join(near)}" if near else ""
        raise ModelFileError(f"timm {timm.__version__} has no network {architecture}{hint}.")
    if tag and name not in _names_with_weights():
        tags = [known.partition(".")[2] for known in timm.list_models(f"{architecture}.*", pretrained=True)]
        raise ModelFileError(
            f"timm {timm.__version__} has no weights {tag} of {architecture}; it has {', '.join(tags) or 'none'}."
        )
    return name


@cache
def _names_with_weights() -> frozenset[str]:
    import timm

    return frozenset(timm.list_models(pretrained=True))


@cache
def pretrained_facts(backbone: str) -> PretrainedFacts:
    """Return what timm says of a backbone's weights, without downloading anything.

    Raises:
        ModelFileError: timm is missing or has no such network.
    """
    name = timm_name(backbone)
    from timm.models import get_pretrained_cfg

    found: Any = get_pretrained_cfg(name)
    facts: Mapping[str, Any] = {} if found is None else found.to_dict()
    architecture, _, tag = name.partition(".")
    mean, std = (
        tuple(float(value) for value in facts.get(key) or of)
        for key, of in zip(("mean", "std"), _IMAGENET, strict=True)
    )
    classifier = facts.get("classifier") or ()
    interpolation = str(facts.get("interpolation") or "bilinear")
    return PretrainedFacts(
        architecture=architecture,
        tag=str(facts.get("tag") or tag),
        licence=str(facts.get("license") or "unknown").lower(),
        place=str(facts.get("hf_hub_id") or facts.get("url") or ""),
        mean=mean,  # type: ignore[arg-type]  # three numbers
        std=std,  # type: ignore[arg-type]
        interpolation=interpolation if interpolation in ("bilinear", "bicubic") else "bicubic",
        classifier=(classifier,) if isinstance(classifier, str) else tuple(classifier),
        input_size=int((facts.get("input_size") or (3, 224, 224))[-1]),
    )


class TimmFeatures(nn.Module):
    """A timm network as a feature extractor: normalised images (B, 3, H, W) to a map (B, D, h, w).

    Args:
        network: timm's network, without classifier and pooling.
        facts: What its weights expect.
        size: Side of its input, in pixels, to find out what it returns.

    Attributes:
        network: The network, with plain BatchNorm layers.

    Raises:
        ModelFileError: It gives no map of cells that cover the image.
    """

    def __init__(self, network: nn.Module, facts: PretrainedFacts, size: int) -> None:
        super().__init__()
        self.network = network
        # In place of x: (x * std + mean - own_mean) / own_std. Nothing is computed where the colours are ImageNet's.
        self._same = (facts.mean, facts.std) == _IMAGENET
        colours = tuple(zip(*_IMAGENET, facts.mean, facts.std, strict=True))
        self._scale = [std / own_std for _, std, _, own_std in colours]
        self._shift = [(mean - own_mean) / own_std for mean, _, own_mean, own_std in colours]
        self._prefix = int(getattr(network, "num_prefix_tokens", 0))
        self._channels_last = getattr(network, "output_fmt", "NCHW") == "NHWC"
        self._unpooled = False
        with torch.no_grad():
            found = self._mapped(network(torch.zeros(1, 3, size, size)))
            if found.shape[2:] == (1, 1) and size > 64:  # a head that is a convolution over the whole map, as VGG's
                self._unpooled = True
                found = self._mapped(network.forward_features(torch.zeros(1, 3, size, size)))  # type: ignore[operator]
        if found.shape[2] != found.shape[3]:
            raise ModelFileError(f"{facts.architecture} gives no square map of features; choose another backbone.")

    def forward(self, images: Tensor) -> Tensor:
        """Compute S, shape (B, D, h, w)."""
        if not self._same:
            scale, shift = (images.new_tensor(of).reshape(1, 3, 1, 1) for of in (self._scale, self._shift))
            images = images * scale + shift
        if self._unpooled:
            return self._mapped(self.network.forward_features(images))  # type: ignore[operator]
        return self._mapped(self.network(images))

    def _mapped(self, output: Tensor) -> Tensor:
        if output.ndim == 3:  # tokens of a transformer: (B, prefix + h * w, D)
            tokens = output[:, self._prefix :]
            side = round(tokens.shape[1] ** 0.5)
            if side * side != tokens.shape[1]:
                raise ModelFileError("This transformer's tokens do not form a square; choose another backbone.")
            return tokens.transpose(1, 2).reshape(len(tokens), tokens.shape[2], side, side)
        if output.ndim != 4:
            raise ModelFileError("This network gives no map of features, which Eq. 1 needs; choose another backbone.")
        return output.permute(0, 3, 1, 2) if self._channels_last else output


def build_timm(backbone: str, size: int) -> TimmFeatures:
    """Build a backbone of timm with random weights.

    Args:
        backbone: Its name, with the prefix.
        size: Side of its input, in pixels.

    Raises:
        ModelFileError: timm is missing, has no such network, or it cannot be used with this size.
    """
    name, facts = timm_name(backbone), pretrained_facts(backbone)
    network = _created(name, size)
    plain_norms(network)
    training = network.training
    network.eval()
    try:
        features = TimmFeatures(network, facts, size)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelFileError(
            f"{facts.architecture} cannot read images of {size} pixels ({reason}); its weights were trained with "
            f"{facts.input_size}."
        ) from error
    features.train(training)
    return features


def _created(name: str, size: int, **options: Any) -> nn.Module:
    """Create timm's network; those that are built for one size (transformers) are built for this one."""
    import timm

    try:
        network: nn.Module = timm.create_model(name, num_classes=0, global_pool="", img_size=size, **options)
    except TypeError:  # it takes images of any size
        network = timm.create_model(name, num_classes=0, global_pool="", **options)
    return network


def pretrained_state(backbone: str) -> Mapping[str, Tensor]:
    """Return the pretrained weights of a backbone in timm's layout; they are downloaded if they are not on this machine.

    Raises:
        DownloadFailed: They cannot be obtained.
        ModelFileError: timm is missing, or has no pretrained weights of this network.
    """
    name, facts = timm_name(backbone), pretrained_facts(backbone)
    if not facts.place:
        raise ModelFileError(f"timm has no pretrained weights of {name}; choose a weight file, or none.")
    at_hand = {"pretrained_cfg_overlay": {"file": str(facts.file)}} if facts.file.is_file() else {}
    try:
        return _created(name, facts.input_size, pretrained=True, **at_hand).state_dict()
    except Exception as error:  # the hub's client raises errors of many libraries
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DownloadFailed(
            f"The weights of {name} could not be {'read' if at_hand else 'downloaded'} ({reason}). Download {facts.address} on "
            f"another machine and copy it to {facts.file}, or set weights to a local file or to none (`--set weights=none`).",
            url=facts.address,
            path=facts.file,
        ) from error


def cached_weights(backbone: str) -> Path | None:
    """Return the file of a backbone's pretrained weights on this machine; None if it is not there."""
    facts = pretrained_facts(backbone)
    if facts.place and facts.file.is_file():
        return facts.file
    from huggingface_hub import try_to_load_from_cache

    for file in ("model.safetensors", "pytorch_model.bin"):
        found = try_to_load_from_cache(facts.place, file) if "/" in facts.place and ":" not in facts.place else None
        if isinstance(found, str):
            return Path(found)
    return None


def origin(backbone: str, weights: str) -> dict[str, str]:
    """Return where a network's weights come from, for its model file: architecture, tag, timm's version, licence, hash.

    Args:
        backbone: The backbone's name.
        weights: "none", "imagenet" (timm's pretrained weights) or a file.
    """
    import timm

    facts = pretrained_facts(backbone)
    found = {"architecture": facts.architecture, "timm": timm.__version__}
    if weights == "none":
        return found
    file = cached_weights(backbone) if weights == "imagenet" else Path(weights)
    if weights == "imagenet":
        found |= {"tag": facts.tag, "licence": facts.licence}
    else:
        found |= {"file": Path(weights).name, "licence": "unknown"}
    if file is not None and file.is_file():
        found["sha256"] = file_sha256(file)
    return found


def plain_norms(module: nn.Module) -> None:
    """Replace timm's BatchNorm layers that hold their activation by a plain BatchNorm2d and the activation, in place.

    Everything else in this program (statistics per branch or over several processes, folding) knows BatchNorm2d, and would lose
    the activation with the class.
    """
    from timm.layers.norm_act import BatchNormAct2d

    for name, child in module.named_children():
        if isinstance(child, BatchNormAct2d):
            norm = nn.BatchNorm2d(
                child.num_features, child.eps, child.momentum, child.affine, child.track_running_stats
            )
            norm.load_state_dict({key: value for key, value in child.state_dict().items() if "." not in key})
            norm.train(child.training)
            setattr(module, name, NormAct(norm, child.drop, child.act))
        else:
            plain_norms(child)


@dataclass(frozen=True, slots=True)
class CellGeometry:
    """Where the cells of a network lie on its input: cell i is centred on pixel ``i * stride + offset``.

    Attributes:
        stride: Pixels from one cell to the next.
        offset: Pixel on which the first cell is centred.
    """

    stride: int
    offset: float


def cell_geometry(layers: nn.Module, size: int) -> CellGeometry:
    """Follow the strides of a network from its input to its map, at the size that is used ("SAME" padding varies with it).

    Of several layers that reduce the same map, as in the two paths of a residual block, the one with the largest kernel counts.
    Reductions that are no layers, such as merged patches, are centred.

    Args:
        layers: The network, in evaluation mode, images to features.
        size: Side of its input, in pixels.

    Raises:
        ModelFileError: Its cells do not cover the image.
    """
    found: list[tuple[int, int, float, int]] = []  # side before and after, shift in pixels of the side before, kernel
    padded: dict[int, tuple[int, int]] = {}  # side after padding: side before, and pixels before the first

    def note(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        before = inputs[0] if inputs else None
        if not isinstance(before, Tensor) or not isinstance(output, Tensor) or before.ndim != 4 or output.ndim != 4:
            return
        side, after = before.shape[2], output.shape[2]
        if isinstance(layer, nn.ConstantPad2d):
            padded[after] = (side, int(layer.padding[2]))
        elif after < side:
            shift, kernel = _shift(layer, side)
            side, pixels = padded.get(side, (side, 0))
            found.append((side, after, shift - pixels, kernel))

    hooks = [layer.register_forward_hook(note) for layer in layers.modules() if _reduces(layer)]
    try:
        with torch.no_grad():
            cells = layers(torch.zeros(1, 3, size, size)).shape[2]
    finally:
        for hook in hooks:
            hook.remove()
    side, stride, offset = size, 1, 0.0
    while side > cells:
        here = [entry for entry in found if entry[0] == side]
        if here:
            _, after, shift, _ = max(here, key=lambda entry: entry[3])
        else:
            after = max([entry[0] for entry in found if cells <= entry[0] < side], default=cells)
            shift = (side / after - 1) / 2
        offset += stride * shift
        stride *= round(side / after)
        side = after
    if abs(cells * stride - size) >= stride:
        raise ModelFileError(
            f"The {cells} x {cells} cells of this backbone do not cover an image of {size} pixels; choose another backbone "
            "or size."
        )
    return CellGeometry(stride, offset)


def _reduces(layer: nn.Module) -> bool:
    """Whether a layer may halve a map by itself, or pads it for one that does."""
    return (
        isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d | nn.ConstantPad2d)
        or type(layer).__name__ == "BlurPool2d"
    )


def _shift(layer: Any, side: int) -> tuple[float, int]:
    """Return how far the first output of a layer is centred from its first input, in inputs, and its kernel's side."""
    if type(layer).__name__ == "BlurPool2d":
        return (layer.filt_size - 1) / 2 - layer.padding[0], layer.filt_size
    kernel, stride, dilation = (_side(getattr(layer, name, 1)) for name in ("kernel_size", "stride", "dilation"))
    reach = dilation * (kernel - 1)
    if type(layer).__name__.endswith("Same") or layer.padding == "same":
        padding = max((-(-side // stride) - 1) * stride + reach + 1 - side, 0) // 2
    else:
        padding = _side(layer.padding)
    return reach / 2 - padding, kernel


def _side(value: Any) -> int:
    return int(value[0] if isinstance(value, tuple | list) else value)


def last_at_stride(layers: nn.Module, size: int, stride: int) -> str:
    """Return the name of the last layer that runs and gives a map with ``stride`` pixels per cell; "" if there is none.

    Args:
        layers: The network, in evaluation mode; it may be folded.
        size: Side of its input, in pixels.
        stride: Input pixels per cell.
    """
    last = ""

    def noting(name: str) -> Any:
        def note(layer: nn.Module, inputs: Any, output: Any) -> None:
            nonlocal last
            if isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] == -(-size // stride):
                last = name

        return note

    hooks = [layer.register_forward_hook(noting(name)) for name, layer in layers.named_modules() if name]
    try:
        with torch.no_grad():
            layers(torch.zeros(1, 3, size, size, device=next(layers.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
    return last
