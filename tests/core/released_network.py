"""The forward pass of the authors' released code, reimplemented from its description: one image and one peak at a time.

It does not use the program's own method. Stage 0 is the first stage of training (every peak in both maps), stage 2 that
of the final tests (the highest peak in one map, the lowest in the other).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

CELLS = 31
MARGIN = 30


class Scale(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([value]))


class ReleasedS3N(nn.Module):
    def __init__(
        self, backbone: str, classes: int, *, base: float = 0.09, radius: float = 0.09, radius_inv: float = 0.3
    ) -> None:
        super().__init__()
        whole = torchvision.models.get_model(backbone, weights=None)
        width = whole.fc.in_features
        self.features = nn.Sequential(*list(whole.children())[:-2])
        self.raw_classifier = nn.Linear(width, classes)
        self.sampler_buffer = self._buffer(width)
        self.sampler_classifier = nn.Linear(width, classes)
        self.sampler_buffer1 = self._buffer(width)
        self.sampler_classifier1 = nn.Linear(width, classes)
        self.con_classifier = nn.Linear(3 * width, classes)
        self.map_origin = nn.Conv2d(width, classes, 1)
        self.filter = nn.Conv2d(1, 1, 2 * MARGIN + 1, bias=False)
        away = torch.arange(-MARGIN, MARGIN + 1.0) ** 2
        with torch.no_grad():
            self.filter.weight[0, 0] = torch.exp(-4 * math.log(2) * (away[:, None] + away) / 13**2)
        self.radius, self.radius_inv = Scale(radius), Scale(radius_inv)
        self.base = base

    @staticmethod
    def _buffer(width: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(width, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())

    @torch.no_grad()
    def forward(self, images: Tensor, stage: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the logits: joint, original, discriminative, complementary."""
        features = self.features(images)
        vector_o = features.mean((2, 3))
        maps = self.maps(features)
        grids = [self.grids(image_maps, stage, images.shape[-1]) for image_maps in maps]
        vectors = [vector_o]
        for branch, buffer in enumerate((self.sampler_buffer, self.sampler_buffer1)):
            grid = torch.stack([pair[branch] for pair in grids])
            warped = F.grid_sample(images, grid, align_corners=True)
            vectors.append(buffer(self.features(warped)).mean((2, 3)))
        return (
            self.con_classifier(torch.cat(vectors, 1)),
            self.raw_classifier(vector_o),
            self.sampler_classifier(vectors[1]),
            self.sampler_classifier1(vectors[2]),
        )

    def maps(self, features: Tensor) -> Tensor:
        """Return every class's map (B, C, 31, 31), with the classifier's bias."""
        self.map_origin.weight.copy_(self.raw_classifier.weight[..., None, None])
        self.map_origin.bias.copy_(self.raw_classifier.bias)
        return F.interpolate(self.map_origin(features), CELLS, mode="bilinear", align_corners=True)

    @torch.no_grad()
    def unsure(self, images: Tensor) -> Tensor:
        """Return for each image whether the gate merges several maps."""
        return torch.tensor([self.gate(maps)[0] <= -0.2 for maps in self.maps(self.features(images))])

    def gate(self, maps: Tensor) -> tuple[float, list[int]]:
        """Return the sum of p log p over the five most probable classes, and those classes."""
        chances = maps.mean((1, 2)).softmax(0)
        likeliest = chances.argsort(descending=True)[:5].tolist()
        return sum(float(chances[c] * chances[c].log()) for c in likeliest), likeliest

    def grids(self, maps: Tensor, stage: int, side: int) -> tuple[Tensor, Tensor]:
        """Return the two grids (side, side, 2) of one image, from its upsampled maps (C, 31, 31)."""
        gate, likeliest = self.gate(maps)
        merged = maps[likeliest[0]] if gate > -0.2 else maps[likeliest].mean(0)
        response = (merged - merged.min()) / (merged.max() - merged.min())
        peaks = self.peaks(response)
        values = [float(response[y, x]) for y, x in peaks]
        if stage == 2:
            chosen_d = [peaks[values.index(max(values))]]
            chosen_c = [peaks[values.index(min(values))]]
        else:
            chosen_d = chosen_c = peaks
        map_d, map_c = torch.full((2, CELLS, CELLS), self.base)
        for y, x in chosen_d:
            map_d = map_d + response[y, x] * self.attention(response[y, x], self.radius.scale, y, x)
        for y, x in chosen_c:
            map_c = map_c + 1 / response[y, x] * self.attention(response[y, x], self.radius_inv.scale, y, x)
        return self.grid(map_d, side), self.grid(map_c, side)

    @staticmethod
    def peaks(response: Tensor) -> list[tuple[int, int]]:
        """Return the cells that are the first maximum of their 3 x 3 window and not below the map's mean."""
        found = []
        for y in range(CELLS):
            for x in range(CELLS):
                window = [
                    (-float(response[v, u]), v, u)
                    for v in range(max(0, y - 1), min(CELLS, y + 2))
                    for u in range(max(0, x - 1), min(CELLS, x + 2))
                ]
                if min(window)[1:] == (y, x) and response[y, x] >= response.mean():
                    found.append((y, x))
        return found

    @staticmethod
    def attention(value: Tensor, radius: Tensor, y: int, x: int) -> Tensor:
        """Return a Gaussian of height 1 whose width is radius * sqrt(value) times the map's side."""
        cells = torch.arange(CELLS)
        squared = (cells - y)[:, None] ** 2 + (cells - x) ** 2
        return torch.exp(-squared / 2 / (radius * value.sqrt() * CELLS) ** 2)

    def grid(self, quality: Tensor, side: int) -> Tensor:
        padded = F.pad(quality[None, None], (MARGIN,) * 4, mode="replicate")
        place = torch.arange(-MARGIN, CELLS + MARGIN) / (CELLS - 1)
        total = self.filter(padded)
        x = self.filter(padded * place) / total
        y = self.filter(padded * place[:, None]) / total
        grid = (torch.cat([x, y], 1) * 2 - 1).clamp(-1, 1)
        return F.interpolate(grid, (side, side), mode="bilinear", align_corners=True)[0].permute(1, 2, 0)
