"""Which backbones there are, how large they are, and where their pretrained weights are: for a list to choose from."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from s3n_core.method.backbone_entry import BackboneEntry
from s3n_core.method.backbone_sizes import size_of
from s3n_core.method.backbones import build_backbone, imagenet_bytes, imagenet_place
from s3n_core.method.configuration import BACKBONES, TIMM, NetworkChoices
from s3n_core.method.weight_licences import TORCHVISION_TAG, torchvision_licence, torchvision_sentence
from s3n_core.runs.model_paths import file_sha256

_TORCHVISION_SIDE = 224
_BYTES = 4  # of a weight, as nearly all are published


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneDescription:
    """What a network is, found by building it.

    Attributes:
        entry: Its name and weights.
        parameters: Number of its weights, without a classifier.
        channels: D of Eq. 1.
        stride: Input pixels per cell of its map.
        cells: Cells along a side, at the size that was asked for.
        tokens: Whether they are patch tokens (`tokens_sentence`).
        sha256: Hash of the file of its pretrained weights; "" if it is not there.
        sentence: What must be known of the licence.
    """

    entry: BackboneEntry
    parameters: int
    channels: int
    stride: int
    cells: int
    tokens: bool
    sha256: str
    sentence: str


def has_timm() -> bool:
    """Return whether the package timm is installed; it is not imported."""
    return importlib.util.find_spec("timm") is not None


def backbone_names(search: str = "") -> tuple[str, ...]:
    """Return the names of all backbones that hold every word of ``search``: this program's, then those of timm with weights.

    Without the package timm only the former. Networks of timm that are known to give no map of features are left out.
    Nothing is built or downloaded.
    """
    names = list[str](BACKBONES)
    if has_timm():
        import timm

        names += [TIMM + name for name in timm.list_models(pretrained=True)]
    words = search.lower().split()
    return tuple(name for name in names if all(word in name.lower() for word in words) and not _is_unfit(name))


def entry_of(name: str) -> BackboneEntry:
    """Return a backbone's entry, without building it.

    Raises:
        ModelFileError: timm is missing, or has no such network.
    """
    tag, terms, side = TORCHVISION_TAG, torchvision_licence(name), _TORCHVISION_SIDE
    if name.startswith(TIMM):
        from s3n_core.method.timm_backbones import pretrained_facts

        facts = pretrained_facts(name)
        tag, terms, side = facts.tag, facts.terms, facts.input_size
    place, file = imagenet_place(name)
    size = size_of(name)
    parameters, stride, tokens = (None,) * 3 if size is None else (size.parameters, size.stride, size.tokens)
    return BackboneEntry(
        name=name,
        tag=tag,
        parameters=parameters,
        stride=stride,
        tokens=tokens,
        input_size=side,
        licence=terms.licence,
        non_commercial=terms.non_commercial,
        place=place,
        file="" if file is None else str(file),
        size=file.stat().st_size if file is not None and file.is_file() else None,
        download_size=imagenet_bytes(name) or _BYTES * (parameters or 0),
    )


def entries(search: str = "") -> Iterator[BackboneEntry]:
    """Yield the entries of all backbones whose names hold every word of ``search``, as `backbone_names` orders them."""
    return map(entry_of, backbone_names(search))


def describe(name: str, size: int = 224) -> BackboneDescription:
    """Build a backbone with random weights and say what it is.

    Args:
        name: What a recipe calls it.
        size: Side of its input, in pixels.

    Raises:
        ModelFileError: timm is missing, has no such network, or it cannot read images of this size.
    """
    backbone, _ = build_backbone(name, size=size)
    entry = entry_of(name)
    # Of this program's own backbones the configuration says it.
    cells = backbone.cells or NetworkChoices(backbone=name, input_size=size, source_size=size).feature_cells
    return BackboneDescription(
        entry=entry,
        parameters=sum(weight.numel() for weight in backbone.parameters()),
        channels=backbone.channels,
        stride=backbone.stride,
        cells=cells,
        tokens=backbone.tokens,
        sha256="" if entry.size is None else file_sha256(Path(entry.file)),
        sentence=licence_sentence(entry),
    )


def licence_sentence(entry: BackboneEntry) -> str:
    """Return what must be known of the licence of pretrained weights before they are downloaded or used."""
    if not entry.place:
        return ""
    if entry.name.startswith(TIMM):
        from s3n_core.method.timm_backbones import pretrained_facts

        return pretrained_facts(entry.name).terms.sentence
    return torchvision_sentence(entry.name)


def _is_unfit(name: str) -> bool:
    size = size_of(name)
    return name.startswith(TIMM) and size is not None and size.stride is None
