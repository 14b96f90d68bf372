"""Which backbones there are, what they weigh, and where their pretrained weights are: for a list to choose from."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from s3n_core.method.backbones import build_backbone, imagenet_place
from s3n_core.method.configuration import BACKBONES, TIMM, NetworkChoices
from s3n_core.runs.model_paths import file_sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneEntry:
    """A backbone in a list.

    Attributes:
        name: What a recipe calls it.
        licence: Licence of its pretrained weights, as their source gives it; "unknown" if it gives none.
        place: Where they are downloaded from; "" if there are none.
        file: The file that they are in, or would be in; "" where a download names it.
        size: Its size in bytes; None if it is not there.
    """

    name: str
    licence: str
    place: str
    file: str
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneDescription:
    """What a network is, found by building it.

    Attributes:
        entry: Its name and weights.
        parameters: Number of its weights, without a classifier.
        channels: D of Eq. 1.
        stride: Input pixels per cell of its map.
        cells: Cells along a side, at the size that was asked for.
        sha256: Hash of the file of its pretrained weights; "" if it is not there.
        sentence: What must be known of the licence; "" for torchvision's.
    """

    entry: BackboneEntry
    parameters: int
    channels: int
    stride: int
    cells: int
    sha256: str
    sentence: str


def backbone_names(search: str = "") -> tuple[str, ...]:
    """Return the names of all backbones that hold every word of ``search``: this program's, then those of timm with weights.

    Without the package timm only the former. Nothing is built or downloaded.
    """
    names = list[str](BACKBONES)
    if importlib.util.find_spec("timm") is not None:
        import timm

        names += [TIMM + name for name in timm.list_models(pretrained=True)]
    words = search.lower().split()
    return tuple(name for name in names if all(word in name.lower() for word in words))


def entry_of(name: str) -> BackboneEntry:
    """Return a backbone's entry, without building it.

    Raises:
        ModelFileError: timm is missing, or has no such network.
    """
    licence = "unknown"
    place, file = imagenet_place(name)
    if name.startswith(TIMM):
        from s3n_core.method.timm_backbones import pretrained_facts

        licence = pretrained_facts(name).licence
    return BackboneEntry(
        name=name,
        licence=licence,
        place=place,
        file="" if file is None else str(file),
        size=file.stat().st_size if file is not None and file.is_file() else None,
    )


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
    sentence = ""
    if name.startswith(TIMM):
        from s3n_core.method.timm_backbones import pretrained_facts

        sentence = pretrained_facts(name).sentence()
        cells = round(size / backbone.stride)
    else:
        cells = NetworkChoices(backbone=name, input_size=size, source_size=size).feature_cells
    return BackboneDescription(
        entry=entry,
        parameters=sum(weight.numel() for weight in backbone.parameters()),
        channels=backbone.channels,
        stride=backbone.stride,
        cells=cells,
        sha256="" if entry.size is None else file_sha256(Path(entry.file)),
        sentence=sentence,
    )
