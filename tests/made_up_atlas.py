"""Atlases without a model: drawn pictures of a few classes, and parts at known places in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import (
    ASSIGNMENTS,
    CENTROIDS,
    CLASS_MEANS,
    DESCRIPTORS,
    FORMAT,
    HEADER,
    IMAGES,
    IMAGES_FORMAT,
    PEAKS,
    PLACE,
    VERSION,
    AtlasHeader,
    AtlasImage,
    Collection,
)
from s3n_core.parts.comparison.comparison import FEWEST, ComparedImage, ComparedPart, Comparison
from s3n_core.runs.model_paths import file_digest
from s3n_core.system.json_values import to_json

MODEL = "0123456789abcdef"
CLASSES = ("001.Red_knot", "002.Grey_plover", "003.Ruff")
SIZE = (120, 90)
PLACES = ((30.0, 40.0), (80.0, 50.0), (10.0, 10.0))
"""Where the parts lie in every picture, the last one in the background; (x, y) in pixels."""


def draw_pictures(folder: Path, each: int, classes: Sequence[str] = CLASSES) -> list[str]:
    """Draw pictures, ``each`` of every class, into one subfolder per class; return their names."""
    names = []
    for number, label in enumerate(classes):
        (folder / label).mkdir(parents=True)
        for index in range(each):
            picture = Image.new("RGB", SIZE, (60 + 50 * number, 90, 120))
            ImageDraw.Draw(picture).ellipse((24, 34, 36, 46), fill=(250, 20 * index % 250, 0))
            names.append(f"{label}/{index}.jpg")
            picture.save(folder / names[-1])
    return names


def write_atlas(
    out: Path,
    data: Path,
    files: Sequence[str],
    *,
    classes: Sequence[str] = CLASSES,
    model: Path = Path("model.safetensors"),
    split: str = "test",
    origin: Mapping[str, str] | None = None,
    dimensions: int = 8,
) -> Atlas:
    """Write a finished atlas of three parts: two on the object, the third in the background.

    Every image has one peak of each part on the object and two drawn cells in the background. The first image of every class
    but the first is taken for the class before it. The first part contributes 2 logits in its images, the second 1.

    Args:
        out: The folder.
        data: The data set's folder.
        files: Names of the images, each below a folder that is named as its class.
        classes: The model's classes.
        model: The model file; where it exists, the atlas is of what it holds.
        split: Which images of the data set these are.
        origin: Where the weights come from that it began with; None: not known.
        dimensions: Of a descriptor; those of a real model's where its peaks are compared with the atlas.
    """
    out.mkdir(parents=True)
    images, places, descriptors = list[AtlasImage](), [], []
    seen = set[str]()
    for position, file in enumerate(files):
        label = file.partition("/")[0]
        index = classes.index(label)
        wrong = index > 0 and label not in seen
        seen.add(label)
        predicted = index - 1 if wrong else index
        rival = (index + 1) % len(classes) if not wrong else predicted
        images.append(
            AtlasImage(
                file=file,
                label=label,
                split="test",
                width=SIZE[0],
                height=SIZE[1],
                predicted=predicted,
                target=index,
                versus=rival,
                margin=-1.0 if wrong else 4.0,
                rest=-4.0 if wrong else 1.0,
                bias=0.0,
                rows=4,
            )
        )
        for part, strength in ((0, 2.0), (1, 1.0), (2, 0.0), (2, 0.0)):
            x, y = PLACES[part]
            places.append((position, x, y, 0.9 - 0.3 * part, strength, part, part == 2, predicted))
            descriptor = np.eye(3, dimensions)[part]
            descriptor[7] = 0.01 * (position % 7)  # not all alike
            descriptors.append(descriptor / np.linalg.norm(descriptor))
    collection = Collection(
        model=file_digest(model) if model.is_file() else MODEL,
        mode="expected",
        precision="float32",
        classes=tuple(classes),
        images="f" * 32,
        count=len(files),
        seed=0,
    )
    lines = [{"format": IMAGES_FORMAT, "version": VERSION, **to_json(collection)}, *map(to_json, images)]
    (out / IMAGES).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    np.save(out / PEAKS, np.array(places, dtype=PLACE))
    np.save(out / DESCRIPTORS, np.array(descriptors, dtype=np.float16))
    np.save(out / ASSIGNMENTS, np.array([0, 1, 2, 2] * len(files)))
    np.save(out / CENTROIDS, np.eye(3, dimensions, dtype=np.float32))
    np.save(out / CLASS_MEANS, np.zeros((len(classes), dimensions), dtype=np.float32))
    header = AtlasHeader(
        collection=to_json(collection),
        data=str(data.resolve()),
        data_format="class-folders",
        split=split,
        model_path=str(model),
        parts=3,
        suggested=True,
        silhouettes={"3": 0.9},
        centred=False,
        background_parts=(2,),
        reach=(0.5, 0.5, 0.5),
        origin=origin or {},
    )
    (out / HEADER).write_text(json.dumps({"format": FORMAT, "version": VERSION, **to_json(header)}), encoding="utf-8")
    return Atlas(out)


def made_up_comparison(atlas: Atlas, a: str, b: str, *, background: bool = False, images: int = 12) -> Comparison:
    """Return a comparison in which hiding the first part matters, and the second does not.

    Args:
        atlas: The atlas.
        a: Class A.
        b: Class B.
        background: Whether hiding the background matters instead.
        images: Number of images of each class.
    """

    def row(
        part: int | None, name: str, contribution: float, effect: float | None, found: tuple[int, int]
    ) -> ComparedPart:
        enough = images >= FEWEST
        return ComparedPart(
            part=part,
            name=name,
            background=part == 2,
            contribution=contribution,
            more_often=contribution,
            stronger=0.0,
            interval=(contribution - 0.5, contribution + 0.5) if enough else None,
            first=None if part is None else float(part == 0),
            relied_on=effect,
            relied_interval=(effect - 0.4, effect + 0.4) if enough and effect is not None else None,
            images_a=found[0],
            images_b=found[1],
            hidden=0 if effect is None else 2 * images,
            changed=None if effect is None else round(6 * max(effect, 0)),
            changed_random=None if effect is None else 0.9,
        )

    mattering = 2 if background else 0
    effects = [1.5 if part == mattering else 0.1 for part in range(3)]
    parts = [
        row(part, atlas.parts.name(part), contribution, effects[part], (images, images - 2 * part))
        for part, contribution in enumerate((4.0, 2.0, -1.0))
    ]
    files = [image for image in atlas.images if image.label in (a, b)]
    return Comparison(
        a=a,
        b=b,
        split="test",
        images_a=images,
        images_b=images,
        units_a=images,
        units_b=images,
        margin=8.0,
        parts=tuple(parts),
        rest=(row(None, "no part", 3.0, None, (images, images)),),
        images=tuple(
            ComparedImage(
                file=image.file,
                of_a=image.label == a,
                correct=True,
                parts=(0, 1) if number else (1,),
                x=tuple(PLACES[part][0] for part in ((0, 1) if number else (1,))),
                y=tuple(PLACES[part][1] for part in ((0, 1) if number else (1,))),
                contributions=(2.0, 1.0) if number else (1.0,),
                losses=((1.5 if image.label == a else -1.5), 0.01) if number else (0.01,),
                changed=(True, False) if number else (False,),
            )
            for number, image in enumerate(files)
        ),
    )
