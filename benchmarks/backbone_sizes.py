"""Measures weights, stride, place of BatchNorm and kind of cells of every backbone, for ``resources/backbones/sizes.csv``.

``python -m benchmarks.backbone_sizes resources/backbones/sizes.csv``; run it again when timm has new networks. Names after the
file renew their rows only. Nothing is downloaded: the networks of timm are built without memory for their weights, at the size
that they were trained with. One that this program refuses has no stride.
"""

from __future__ import annotations

import csv
import sys
import warnings
from math import isqrt
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from s3n_core.errors import ModelFileError
from s3n_core.method.backbone_sizes import TOKENS
from s3n_core.method.backbones import Backbone, build_backbone
from s3n_core.method.branch_norm import AnyBatchNorm
from s3n_core.method.configuration import BACKBONES, TIMM

HEAD = ("backbone", "parameters", "stride", "norm_stride", "tokens")


def main(out: Path, only: list[str]) -> None:
    """Write the rows of all backbones; with names, only theirs anew."""
    kept: list[list[str]] = []
    if only:
        with out.open(encoding="utf-8", newline="") as file:
            kept = list(csv.reader(file))[1:]
    else:
        names = sorted({name.partition(".")[0] for name in timm.list_models(pretrained=True)})
        kept = [[name] for name in (*BACKBONES, *(TIMM + name for name in names))]
    with warnings.catch_warnings(action="ignore"):
        rows = [_measured(row[0]) if not only or row[0] in only else row for row in kept]
    with out.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEAD, *rows])


def _measured(name: str) -> tuple[str, int, int | str, int | str, str]:
    if not name.startswith(TIMM):
        backbone, _ = build_backbone(name)
        return name, _parameters(backbone), backbone.stride, _norm_stride(backbone, 224), ""
    own = name.removeprefix(TIMM)
    side = int(timm.models.get_pretrained_cfg(own).input_size[-1])
    with torch.device("meta"):
        try:
            backbone, _ = build_backbone(name, size=side)
        except ModelFileError:
            return name, _parameters(_refused(own)), "", "", ""
        tokens = TOKENS if backbone.tokens else ""
        return name, _parameters(backbone), backbone.stride, _norm_stride(backbone, side), tokens


def _norm_stride(backbone: Backbone, side: int) -> int | str:
    """Return `BackboneSize.norm_stride` as the table has it: "" without BatchNorm."""
    places: list[int] = []

    def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        places.append(inputs[0].numel() // inputs[0].shape[1])  # of one image; tokens may be (B * places, channels)

    hooks = [layer.register_forward_pre_hook(note) for layer in backbone.modules() if isinstance(layer, AnyBatchNorm)]
    with torch.no_grad():
        cells = backbone.eval()(torch.zeros(1, 3, side, side)).shape[2]
    for hook in hooks:
        hook.remove()
    if not places:
        return ""
    coarsest = isqrt(min(places))
    if coarsest == 1 < cells:
        return 0
    finer, coarser = round(coarsest / cells), round(cells / coarsest)
    return backbone.stride // finer if finer > 1 else backbone.stride * coarser


def _refused(name: str) -> nn.Module:
    """Return timm's network without its classifier, if it can be built so."""
    try:
        return timm.create_model(name, num_classes=0, global_pool="")
    except Exception:  # each family has errors of its own
        return timm.create_model(name)


def _parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
