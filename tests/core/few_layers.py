"""A backbone that is compiled in a second."""

from itertools import pairwise
from typing import ClassVar

from torch import nn


class FewLayers(nn.Module):
    """A few convolutions in the place of MobileNetV2, because compilers take their time for every layer."""

    widths: ClassVar[tuple[int, ...]] = (3, 8, 12, 16, 24, 32)

    def __init__(self) -> None:
        super().__init__()
        strides = [2] * (len(self.widths) - 1) if len(self.widths) > 2 else [32]
        layers = [
            nn.Sequential(
                nn.Conv2d(one, other, stride + 1, stride, padding=1, bias=False), nn.BatchNorm2d(other), nn.ReLU()
            )
            for (one, other), stride in zip(pairwise(self.widths), strides, strict=True)
        ]
        self.features = nn.Sequential(*layers)
