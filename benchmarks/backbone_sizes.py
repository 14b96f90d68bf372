"""Measures number of weights and stride of every backbone, for ``resources/backbones/sizes.csv``.

``python -m benchmarks.backbone_sizes resources/backbones/sizes.csv``; run it again when timm has new networks. Nothing is
downloaded: the networks of timm are built without memory for their weights. One that gives no square map of features, or that
cannot be built without its classifier, has no stride.
"""

from __future__ import annotations

import csv
import sys
import warnings
from pathlib import Path

import timm
import torch
from torch import nn

from s3n_core.method.backbones import build_backbone
from s3n_core.method.configuration import BACKBONES, TIMM


def main(out: Path) -> None:
    with out.open("w", encoding="utf-8", newline="") as file, warnings.catch_warnings(action="ignore"):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("backbone", "parameters", "stride"))
        for name in BACKBONES:
            backbone, _ = build_backbone(name)
            table.writerow((name, _parameters(backbone), backbone.stride))
        for name in sorted({name.partition(".")[0] for name in timm.list_models(pretrained=True)}):
            table.writerow((TIMM + name, *_measured(name)))


def _measured(name: str) -> tuple[int, int | str]:
    with torch.device("meta"), torch.no_grad():
        try:
            network = timm.create_model(name, num_classes=0, global_pool="").eval()
        except Exception:  # each family has errors of its own
            return _parameters(timm.create_model(name)), ""
        side = int(timm.models.get_pretrained_cfg(name).input_size[-1])
        try:
            cells = _cells(network, torch.zeros(1, 3, side, side))
        except Exception:
            cells = 0
    return _parameters(network), round(side / cells) if cells > 1 else ""


def _cells(network: nn.Module, images: torch.Tensor) -> int:
    """Return the cells along a side; 0 if there is no square map."""
    found = network(images)
    if found.ndim == 3:
        tokens = found.shape[1] - int(getattr(network, "num_prefix_tokens", 0))
        side = round(tokens**0.5)
        return side if side * side == tokens else 0
    if found.ndim != 4:
        return 0
    if found.shape[2:] == (1, 1):
        found = network.forward_features(images)
    height, width = found.shape[1:3] if getattr(network, "output_fmt", "NCHW") == "NHWC" else found.shape[2:]
    return height if height == width else 0


def _parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
