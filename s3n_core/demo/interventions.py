"""Truth by intervention: each test image again without one part, or without one object of its background, and their masks.

The files lie in a folder of their own, which data sets pass over, under the names of the test images::

    interventions/index.jsonl
    interventions/001.Frost_tailed_Willowling/Frost_tailed_Willowling_0061_without_tail.jpg
    interventions/001.Frost_tailed_Willowling/Frost_tailed_Willowling_0061_mask_tail.png
    interventions/001.Frost_tailed_Willowling/Frost_tailed_Willowling_0061_without_background_3.jpg
    interventions/001.Frost_tailed_Willowling/Frost_tailed_Willowling_0061_mask_background_3.png

Images are exact counterfactuals until they are stored as JPEG, which spreads a change over the blocks that it touches. Where
this matters, or several parts are to be left out at once, `Scene` draws them from ``seed`` and ``scene`` of the index.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from PIL import Image

from s3n_core.demo.drawing import DrawnBird, PixelMask, Scene
from s3n_core.demo.species import PARTS, SPECIES, Species
from s3n_core.errors import DataSetError
from s3n_core.system.json_values import from_json, to_json

FOLDER: Final = "interventions"
"""The folder's name below the data set's."""

INDEX: Final = "index.jsonl"
"""Name of the index in the folder: a header, then a `SceneRecord` per test image, in their order in ``images.txt``."""

FORMAT: Final = "s3n-interventions"
VERSION: Final = 1

JPEG_QUALITY: Final = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRecord:
    """A test image and its interventions, as stored in the index. Paths are relative to the data set, with ``/``.

    Attributes:
        image: The image.
        seed: Seed of the scene.
        scene: Number of the scene; ``Scene(scene, seed)`` draws it.
        species: Name of the species.
        label: Number of its class, from 1.
        parts: The variant of each part.
        box: The bird's bounding box (x, y, width, height) in pixels.
        key_points: Positions (x, y) of the visible parts in pixels, by the part names of CUB-200-2011.
        part_images: The image without each part, by part.
        part_masks: The mask of each part, by part: 1-bit PNG, white where the part decides what is seen.
        background_images: The image without each object of the background that can be seen, by the object's number.
        background_masks: The pixels that each of these objects changes, by the object's number.
    """

    image: str
    seed: int
    scene: int
    species: str
    label: int
    parts: Mapping[str, str]
    box: tuple[float, ...]
    key_points: Mapping[str, tuple[float, float]]
    part_images: Mapping[str, str]
    part_masks: Mapping[str, str]
    background_images: Mapping[str, str]
    background_masks: Mapping[str, str]


def write_interventions(
    root: Path, image: str, label: int, scene: Scene, species: Species, whole: DrawnBird
) -> SceneRecord:
    """Draw and store the interventions of one test image; the folder of its class must exist below ``FOLDER``.

    Args:
        root: The data set's folder.
        image: The image's path below it, ``images/<class>/<name>.jpg``.
        label: Number of its class, from 1.
        scene: Its scene.
        species: Its species.
        whole: The image and its annotations.

    Raises:
        OSError: A file cannot be written.
    """
    name = PurePosixPath(image)
    stem = f"{FOLDER}/{name.parent.name}/{name.stem}"
    images: dict[str, str] = {}
    masks: dict[str, str] = {}

    def store(what: str, bird: DrawnBird, mask: PixelMask) -> None:
        images[what], masks[what] = f"{stem}_without_{what}.jpg", f"{stem}_mask_{what}.png"
        bird.image.save(root / images[what], quality=JPEG_QUALITY)
        Image.fromarray(mask).save(root / masks[what])

    for part, mask in scene.part_masks().items():
        store(part, scene.draw(species, without=(part,)), mask)
    for variant in scene.background_variants(species):
        store(f"background_{variant.number}", variant.bird, variant.mask)

    def of_background(files: Mapping[str, str]) -> dict[str, str]:
        return {what.removeprefix("background_"): file for what, file in files.items() if what not in PARTS}

    return SceneRecord(
        image=image,
        seed=scene.seed,
        scene=scene.index,
        species=species.name,
        label=label,
        parts=species.variants(),
        box=tuple(round(value, 1) for value in whole.box),
        key_points={part: (round(x, 1), round(y, 1)) for part, (x, y) in whole.parts.items()},
        part_images={part: images[part] for part in PARTS},
        part_masks={part: masks[part] for part in PARTS},
        background_images=of_background(images),
        background_masks=of_background(masks),
    )


def write_index(root: Path, records: Iterable[SceneRecord]) -> None:
    """Write the index of a data set's interventions.

    Raises:
        OSError: The file cannot be written.
    """
    lines = [{"format": FORMAT, "version": VERSION}, *map(to_json, records)]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (root / FOLDER / INDEX).write_text(text, encoding="utf-8", newline="\n")


def has_interventions(root: str | Path) -> bool:
    """Return whether there are interventions in ``root``."""
    return (Path(root) / FOLDER / INDEX).is_file()


def read_interventions(root: str | Path) -> list[SceneRecord]:
    """Return the interventions of the synthetic birds in ``root``, one record per test image.

    Raises:
        DataSetError: There are none, the index is damaged or of a newer version, or a species had other parts when it was drawn.
    """
    index = Path(root) / FOLDER / INDEX
    try:
        header, *lines = [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()]
        if header.get("format") != FORMAT:
            raise ValueError("it is no index of interventions")
        if header.get("version") != VERSION:
            raise ValueError("another version of this program wrote it")
        records = [_record(line) for line in lines]
    except FileNotFoundError:
        raise DataSetError(
            f"{root} has no interventions; draw a data set that has them with s3n demo-data DIR --interventions."
        ) from None
    except OSError as error:
        raise DataSetError(f"{index} cannot be read ({error.strerror or error}).") from error
    except (ValueError, AttributeError, TypeError) as error:
        raise DataSetError(f"{index} cannot be read: {error}. Draw the data set again.") from None
    parts = {species.name: species.variants() for species in SPECIES}
    for record in records:
        if parts.get(record.species, record.parts) != record.parts:
            raise DataSetError(
                f"{index} was written when {record.species} had other parts; with them its truth is another. Draw the data set "
                "again."
            )
    return records


def _record(line: object) -> SceneRecord:
    record = from_json(SceneRecord, line)
    return replace(record, key_points={name: (float(x), float(y)) for name, (x, y) in record.key_points.items()})
