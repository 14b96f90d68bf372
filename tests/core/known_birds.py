"""Birds of plain squares, and a network that reads each square exactly: every attribution's truth is known."""

import dataclasses
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from s3n_core.datasets.transforms import Preprocess
from s3n_core.demo.drawing import DrawnBird
from s3n_core.demo.interventions import FOLDER, JPEG_QUALITY, SceneRecord, write_index
from s3n_core.demo.species import PARTS, SPECIES, VARIANTS, Species
from s3n_core.method.network import S3N
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import MEAN, STD

CELL = 8
SIDE = 12 * CELL
GAIN = 144.0
LOOKS = [(part, variant) for part in PARTS for variant in VARIANTS[part]]
STRENGTHS = {part: 1 + 0.1 * number for number, part in enumerate(PARTS)}
OBJECTS = 2


def colour(number: int) -> tuple[int, int, int]:
    """A colour of its own for each variant of each part."""
    return 40 + 40 * (number % 5), 40 + 40 * (number // 5), 200


def square(number: int) -> tuple[slice, slice]:
    """The place of a part (0 to 6) or background object (7, 8), a cell of its own with free cells around."""
    row, column = 1 + 3 * (number // 4), 1 + 3 * (number % 4)
    return slice(CELL * row, CELL * (row + 1)), slice(CELL * column, CELL * (column + 1))


class KnownScene:
    """Stands for `Scene`: the same for all scenes but for a grey tone."""

    def __init__(self, index: int, seed: int = 0) -> None:
        self.tone = index % 3

    def draw(
        self, species: Species, *, without: Collection[str] = (), background_without: Collection[int] = ()
    ) -> DrawnBird:
        pixels = np.full((SIDE, SIDE, 3), self.tone, dtype=np.uint8)
        for number, (part, variant) in enumerate(species.look(without).items()):
            if variant is not None:
                pixels[square(number)] = colour(LOOKS.index((part, variant)))
        for number in range(1, OBJECTS + 1):
            if number not in background_without:
                pixels[square(len(PARTS) + number - 1)] = (250, 250, 0)
        return DrawnBird(Image.fromarray(pixels), (0, 0, SIDE, SIDE), {})


class Looks(nn.Module):
    """One channel per variant: 1 in the cells that show it."""

    def forward(self, images: Tensor) -> Tensor:
        cells = nn.functional.avg_pool2d(images, CELL)
        channels: list[Tensor] = []
        for number in range(len(LOOKS)):
            wanted = (torch.tensor(colour(number)) / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
            distance = (cells - wanted[:, None, None]).abs().sum(dim=1)
            channels.append((1 - 10 * distance).clip(min=0))
        return torch.stack(channels, dim=1)


def knowing_model(model: Model, small_network: Callable[..., S3N], known: tuple[Species, ...] = SPECIES) -> Model:
    """A model whose logit of a species is the sum of the strengths of the parts that look like it."""
    network = small_network(branches="O", backbone="vgg16", num_classes=len(known), input_size=SIDE, source_size=SIDE)
    network.backbone.layers, network.backbone.stride = Looks(), CELL  # type: ignore[assignment]
    classifier = nn.Linear(len(LOOKS), len(known))
    with torch.no_grad():
        classifier.bias.zero_()
        for row, species in enumerate(known):
            for column, (part, variant) in enumerate(LOOKS):
                classifier.weight[row, column] = GAIN * STRENGTHS[part] * (species.variants()[part] == variant)
    network.head("O").classifier = classifier
    classes = tuple(f"{number:03d}.{species.name.replace(' ', '_')}" for number, species in enumerate(known, start=1))
    return dataclasses.replace(
        model,
        network=network.eval(),
        header=model.header.model_copy(update={"network": network.config, "classes": classes}),
        preprocess=Preprocess(input_size=SIDE, source_size=SIDE, resize="squash"),
        digest="2" * 16,
    )


def write_known_birds(root: Path, species: list[int]) -> None:
    """Write one image of each species, given by number, with its interventions."""
    (root / "images").mkdir(parents=True)
    (root / FOLDER).mkdir()
    masks: dict[str, str] = {}
    for number, name in enumerate((*PARTS, "1", "2")):
        mask = np.zeros((SIDE, SIDE), dtype=bool)
        mask[square(number)] = True
        masks[name] = f"{FOLDER}/mask_{name}.png"
        Image.fromarray(mask).save(root / masks[name])
    records = []
    for scene, number in enumerate(species):
        kind, name = SPECIES[number], f"images/{scene}.jpg"
        KnownScene(scene).draw(kind).image.save(root / name, quality=JPEG_QUALITY)
        records.append(
            SceneRecord(
                image=name,
                seed=0,
                scene=scene,
                species=kind.name,
                label=number + 1,
                parts=kind.variants(),
                box=(0, 0, SIDE, SIDE),
                key_points={},
                part_images={},
                part_masks={part: masks[part] for part in PARTS},
                background_images={},
                background_masks={number: masks[number] for number in ("1", "2")},
            )
        )
    write_index(root, records)
