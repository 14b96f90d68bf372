"""Backbones of the timm library (extra `timm`): any network that gives a spatial map of features.

A name is ``timm:ARCHITECTURE`` or ``timm:ARCHITECTURE.TAG``, where the tag names pretrained weights. timm's networks are built
without classifier and pooling. Three things differ from torchvision's, and are settled here once: BatchNorm layers that hold
their activation (`plain_norms`), where a cell looks (`Reductions`), and the colours that the weights expect (`TimmFeatures`).
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import isqrt
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from s3n_core.errors import ModelFileError, ModelNotFound
from s3n_core.method.cell_geometry import CellGeometry, Layout, MiddleStage, Reductions, as_map
from s3n_core.method.configuration import TIMM
from s3n_core.method.folded_norm import NormAct
from s3n_core.method.weight_licences import UNKNOWN, WeightLicence

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # what images are normalised with before they come here

_ONE_CELL = 64  # side of an image, in pixels, up to which a network may have a single cell


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
    def terms(self) -> WeightLicence:
        """What the licence allows."""
        return WeightLicence(f"{self.architecture}.{self.tag}" if self.tag else self.architecture, self.licence)


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
        licence=str(facts.get("license") or UNKNOWN).lower(),
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
        prefix: Tokens that are no places.
        tokens: Whether the map is made of patch tokens: the network gives (B, prefix + h * w, D).
        channels: D, as found with this size.
        cells: Cells along a side of its map, likewise.
        geometry: Where they lie on the input, likewise.

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
        self.prefix = int(getattr(network, "num_prefix_tokens", 0))
        self._channels_last = getattr(network, "output_fmt", "NCHW") == "NHWC"
        self._unpooled, self.tokens = False, False
        images, reductions = torch.zeros(1, 3, size, size), Reductions(network)
        with torch.no_grad(), reductions:
            output = network(images)
            found, self.tokens = self._mapped(output), output.ndim == 3
            if found.shape[2:] == (1, 1):
                # A head may be a convolution over the whole map, as VGG's.
                before = self._mapped(network.forward_features(images))  # type: ignore[operator]
                self._unpooled = before.shape[2:] != (1, 1)
                found = before if self._unpooled else found
        if found.shape[2] != found.shape[3]:
            raise ModelFileError(f"{facts.architecture} gives no square map of features; choose another backbone.")
        if found.shape[2] == 1 and size > _ONE_CELL:
            raise ModelFileError(f"{facts.architecture} gives one cell for the whole image; choose another backbone.")
        self.channels, self.cells = int(found.shape[1]), int(found.shape[2])
        self.geometry: CellGeometry = reductions.geometry(size, self.cells)

    def forward(self, images: Tensor) -> Tensor:
        """Compute S, shape (B, D, h, w)."""
        if not self._same:
            scale, shift = (images.new_tensor(of).reshape(1, 3, 1, 1) for of in (self._scale, self._shift))
            images = images * scale + shift
        if self._unpooled:
            return self._mapped(self.network.forward_features(images))  # type: ignore[operator]
        return self._mapped(self.network(images))

    def _mapped(self, output: object) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim not in (3, 4):
            raise ModelFileError("This network gives no map of features, which Eq. 1 needs; choose another backbone.")
        if output.ndim == 4:
            return as_map(output, "NHWC" if self._channels_last else "NCHW")
        places = output.shape[1] - self.prefix  # tokens of a transformer
        if places < 1 or isqrt(places) ** 2 != places:
            raise ModelFileError("This transformer's tokens do not form a square; choose another backbone.")
        return as_map(output, "tokens", self.prefix)


def build_timm(backbone: str, size: int) -> TimmFeatures:
    """Build a backbone of timm with random weights.

    Args:
        backbone: Its name, with the prefix.
        size: Side of its input, in pixels.

    Raises:
        ModelFileError: timm is missing, has no such network, or it cannot be used with this size.
    """
    name, facts = timm_name(backbone), pretrained_facts(backbone)
    try:
        network = _created(name, size)
    except Exception as error:  # each family has errors of its own
        raise ModelFileError(
            f"timm does not build {facts.architecture} without its classifier for images of {size} pixels "
            f"({first_line(error)}); choose another backbone."
        ) from error
    plain_norms(network)
    _without_dropout_of_the_classifier(network)
    training = network.training
    network.eval()
    try:
        features = TimmFeatures(network, facts, size)
    except ModelFileError:
        raise
    except Exception as error:
        raise unreadable(backbone, size, error) from error
    features.train(training)
    return features


def geometry_at(backbone: str, network: nn.Module, size: int) -> CellGeometry:
    """Return where the cells of a network that was built for another size lie on images of this one.

    Args:
        backbone: Its name.
        network: The network, images to features.
        size: Side of the images, in pixels.

    Raises:
        ModelFileError: It cannot read them, or its cells do not cover them.
    """
    training, reductions = network.training, Reductions(network)
    network.eval()
    try:
        with torch.no_grad(), reductions:
            cells = network(torch.zeros(1, 3, size, size, device="cpu")).shape[2]
    except Exception as error:  # each family has errors of its own
        raise unreadable(backbone, size, error) from error
    finally:
        network.train(training)
    return reductions.geometry(size, cells)


def unreadable(backbone: str, size: int, error: Exception) -> ModelFileError:
    """Return the error that says that a network cannot read images of a size, in pixels, because of ``error``."""
    facts = pretrained_facts(backbone)
    return ModelFileError(
        f"{facts.architecture} cannot read images of {size} pixels ({first_line(error)}); its weights were trained with "
        f"{facts.input_size}."
    )


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its kind."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _without_dropout_of_the_classifier(network: Any) -> None:
    """Turn off the dropout before the classifier, in place, where a family has it by default (GhostNet, ReXNet, legacy SENet).

    Without pooling it would act on the cells of S, from which Eq. 1 makes R. torchvision's networks lose theirs with the
    classifier; random layers inside a network stay.
    """
    if getattr(network, "drop_rate", 0):
        network.drop_rate = 0.0
        head = getattr(network, "head", None)
        if isinstance(dropout := getattr(head, "drop", None), nn.Dropout):
            dropout.p = 0.0


def _created(name: str, size: int, **options: Any) -> nn.Module:
    """Create timm's network; those that are built for one size (transformers) are built for this one."""
    import timm

    try:
        network: nn.Module = timm.create_model(name, num_classes=0, global_pool="", img_size=size, **options)
    except TypeError:  # it takes images of any size
        network = timm.create_model(name, num_classes=0, global_pool="", **options)
    return network


def pretrained_state(backbone: str, size: int | None = None) -> Mapping[str, Tensor]:
    """Read the pretrained weights of a backbone in timm's layout; nothing is downloaded.

    Args:
        backbone: Its name, with the prefix.
        size: Side of the input, in pixels, whose position embeddings timm makes of those that were trained; None: as trained.

    Raises:
        ModelNotFound: They are not on this machine.
        ModelFileError: They cannot be read; timm is missing, or has no pretrained weights of this network.
    """
    name, facts = timm_name(backbone), pretrained_facts(backbone)
    if not facts.place:
        raise ModelFileError(f"timm has no pretrained weights of {name}; choose a weight file, or none.")
    file = cached_weights(backbone)
    if file is None:
        raise ModelNotFound(f"There is no weight file {facts.file}.", path=facts.file)
    try:
        # With a file of its own timm does not ask the hub, which it would even for one in the hub's cache.
        at_hand = {"pretrained_cfg_overlay": {"file": str(file)}}
        return _created(name, size or facts.input_size, pretrained=True, **at_hand).state_dict()
    except Exception as error:  # each family has errors of its own
        raise ModelFileError(
            f"The weights of {name} in {file} could not be read ({first_line(error)}). Delete the file and fetch it again "
            f"(`s3n weights fetch {backbone}`), or set weights to a local file or to none (`--set weights=none`)."
        ) from error


def fitted(backbone: str, network: nn.Module, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return weights for a network of another input size: its family's own code resamples the position embeddings.

    Args:
        backbone: Its name.
        network: timm's network.
        state: Its weights in timm's layout, without the classifier's; unchanged if all of them fit.
    """
    from timm.models import model_entrypoint

    own = network.state_dict()
    if all(key not in own or value.shape == own[key].shape for key, value in state.items()):
        return state
    family = sys.modules[model_entrypoint(pretrained_facts(backbone).architecture).__module__]
    resample = getattr(family, "checkpoint_filter_fn", None)
    if resample is None:
        return state
    try:
        found: Mapping[str, Tensor] = resample(dict(state), network)
    except Exception:  # of another network: the report says what does not fit
        return state
    return found


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


def middle_stage_of(layers: TimmFeatures, size: int, stride: int) -> MiddleStage:
    """Return the last layer of a network that gives a map with ``stride`` pixels per cell; the whole network if there is none.

    Tokens of a layer are taken only if they are a stage's map as timm itself gives it: some networks (Hiera) keep them in another
    order than row by row.

    Args:
        layers: The network, in evaluation mode; it may be folded.
        size: Side of its input, in pixels.
        stride: Input pixels per cell.

    Raises:
        ModelFileError: The cells of that layer do not cover the image.
    """
    sides = (-(-size // stride), size // stride)  # convolutions round up, patches down
    noted: list[tuple[str, Layout, Tensor]] = []

    def noting(name: str) -> Any:
        def note(layer: nn.Module, inputs: Any, output: Any) -> None:
            layout = _layout_of(output, sides, layers.prefix)
            if layout is not None:
                if noted and layout != "tokens":
                    noted.clear()  # only tokens are compared
                noted.append((name, layout, output))

        return note

    hooks = [layer.register_forward_hook(noting(name)) for name, layer in layers.named_modules() if name]
    # Not zeros: what is the same everywhere would look the same in any order.
    images = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    images = images.to(next(layers.parameters()).device)
    reductions = Reductions(layers)
    try:
        with torch.no_grad(), reductions:
            cells = layers(images).shape[2]
            whole = MiddleStage("", reductions.geometry(size, cells))
            if cells in sides or not noted:
                return whole
            layer, layout, output = noted[-1]
            if layout == "tokens":
                run = {(name, layout) for name, layout, _ in noted if layout == "tokens"}
                noted.clear()
                maps = _maps_of_stages(layers.network, images)
                tokens = [e for e in noted if e[:2] in run and any(_same(e[2], of, layers.prefix) for of in maps)]
                if not tokens:
                    return whole
                layer, layout, output = tokens[-1]
    finally:
        for hook in hooks:
            hook.remove()
    prefix = layers.prefix if layout == "tokens" else 0
    side = as_map(output, layout, prefix).shape[2]
    return MiddleStage(layer, reductions.geometry(size, side), layout, prefix)


def _layout_of(output: object, sides: tuple[int, ...], prefix: int) -> Layout | None:
    """Return how a layer's output for one image is a map with one of these sides; None if it is none."""
    if not isinstance(output, Tensor) or len(output) != 1:  # windows are many
        return None
    if output.ndim == 4 and output.shape[2] == output.shape[3] and output.shape[2] in sides:
        return "NCHW"
    if output.ndim == 4 and output.shape[1] == output.shape[2] and output.shape[1] in sides:
        return "NHWC"
    if output.ndim == 3 and output.shape[1] - prefix in {side * side for side in sides}:
        return "tokens"
    return None


def _maps_of_stages(network: Any, images: Tensor) -> list[Tensor]:
    """Return the maps (B, D, h, w) that timm itself makes of a network's stages; none if it cannot."""
    try:
        found: list[Tensor] = network.forward_intermediates(images, output_fmt="NCHW", intermediates_only=True)
    except Exception:  # each family has errors of its own
        return []
    return found


def _same(tokens: Tensor, of: Tensor, prefix: int) -> bool:
    found = as_map(tokens, "tokens", prefix)
    return found.shape == of.shape and bool(torch.equal(found, of))
