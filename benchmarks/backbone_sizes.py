"""Measures number of weights and stride of every backbone, for ``resources/backbones/sizes.csv``.

``python -m benchmarks.backbone_sizes resources/backbones/sizes.csv``; run it again when timm has new networks. Names after the
file renew their rows only. Nothing is downloaded: the networks of timm are built without memory for their weights, at the size
that they were trained with. One that this program refuses has no stride.
"""

from __future__ import annotations

import csv
import sys
import warnings
from pathlib import Path

import timm
import torch
from torch import nn

from s3n_core.errors import ModelFileError
from s3n_core.method.backbones import build_backbone
from s3n_core.method.configuration import BACKBONES, TIMM

HEAD = ("backbone", "parameters", "stride")


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


def _measured(name: str) -> tuple[str, int, int | str]:
    if not name.startswith(TIMM):
        backbone, _ = build_backbone(name)
        return name, _parameters(backbone), backbone.stride
    own = name.removeprefix(TIMM)
    side = int(timm.models.get_pretrained_cfg(own).input_size[-1])
    with torch.device("meta"):
        try:
            backbone, _ = build_backbone(name, size=side)
        except ModelFileError:
            return name, _parameters(_refused(own)), ""
    return name, _parameters(backbone), backbone.stride


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
