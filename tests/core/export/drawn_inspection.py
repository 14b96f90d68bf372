"""Synthetic inspections with known pixels in every figure, and a search for colours in images."""

from dataclasses import fields
from typing import Any

import numpy as np
from PIL import Image, ImageColor

from s3n_core.inspection.geometry import ViewFrame, cell_places
from s3n_core.inspection.inspection import Inspection, Response, Scores, Warps
from s3n_core.inspection.peak import Peak
from s3n_core.inspection.settings import InspectionSettings

CELLS = 31


def hot_cell(row: int, column: int) -> np.ndarray:
    """A map of zeros with a single one."""
    values = np.zeros((CELLS, CELLS), dtype=np.float32)
    values[row, column] = 1
    return values


def drawn_inspection(
    image_size: tuple[int, int] = (300, 200),
    source_box: tuple[float, float, float, float] | None = None,
    peaks: tuple[tuple[int, int, float, float, float], ...] = (),
    **changes: Any,
) -> Inspection:
    """The inspection of a grey image with identity grids; ``peaks`` are (row, column, response, weight_d, weight_c)."""
    width, height = image_size
    box = source_box or (0.0, 0.0, float(width), float(height))
    frame = ViewFrame(box=box, size=64)
    places = frame.to_original(cell_places(CELLS, CELLS))
    grid = cell_places(CELLS, CELLS).astype(np.float32)
    values: dict[str, Any] = {
        "name": "folder/bird.jpg",
        "image": np.full((height, width, 3), 128, dtype=np.uint8),
        "image_scale": 1.0,
        "image_size": image_size,
        "source_box": box,
        "source_size": 64,
        "classes": ("001.Red_bird", "002.Blue_bird", "003.Green_bird"),
        "logits": {
            "joint": np.array([3, 1, 0], dtype=np.float32),
            "O": np.array([1, 2, 0], dtype=np.float32),
            "D": np.array([4, 0, 0], dtype=np.float32),
            "C": np.array([0, 0, 1], dtype=np.float32),
        },
        "gate_logits": np.array([1, 2, 0], dtype=np.float32),
        "entropy": 0.83,
        "delta": 0.2,
        "sure": False,
        "merged_classes": (1,),
        "class_maps": np.zeros((3, 2, 2), dtype=np.float32),
        "mapped_classes": (0, 1, 2),
        "alignment": "origins",
        "span": None,
        "map": hot_cell(10, 20),
        "peaks": tuple(
            Peak(
                x=float(places[row, column, 0]),
                y=float(places[row, column, 1]),
                cell=(row, column),
                found_at=(row, column),
                response=response,
                zeta=0.5,
                set="both" if d and c else "D" if d else "C" if c else "off",
                weight_d=d,
                weight_c=c,
            )
            for row, column, response, d, c in peaks
        ),
        "map_d": 0.09 + hot_cell(10, 20),
        "map_c": 0.09 + 2 * hot_cell(25, 5),
        "grid_d": grid,
        "grid_c": grid,
        "image_d": np.full((64, 64, 3), (200, 30, 30), dtype=np.uint8),
        "image_c": np.full((64, 64, 3), (30, 30, 200), dtype=np.uint8),
        "beta_1": 2.8,
        "beta_2": 9.3,
        "window": 3,
        "floor": "mean",
        "base": 0.09,
        "sampling": "random",
        "attention": "sparse",
        "control": "none",
        "settings": InspectionSettings(),
        "precision": "float32",
        "device": "cpu",
        "model": "tiny.safetensors",
        "model_digest": "0123456789abcdef",
        "licence": "",
    }
    values |= changes
    response, warps, scores = (
        part(**{field.name: values.pop(field.name) for field in fields(part)}) for part in (Response, Warps, Scores)
    )
    assert not values
    return Inspection(response=response, warps=warps, scores=scores)


def pixels_of(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB")).astype(int)


def where_colour(picture: Image.Image, colour: str, *, within: int = 24) -> np.ndarray:
    """Return the centres (n, 2) as (x, y) of the pixels whose colour is within a tolerance."""
    difference = np.abs(pixels_of(picture) - np.array(ImageColor.getrgb(colour))).max(axis=-1)
    rows, columns = np.nonzero(difference <= within)
    return np.stack([columns, rows], axis=-1) + 0.5
