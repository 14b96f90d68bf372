"""Made-up prediction rows, in any number."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from s3n_core.prediction.rows import Prediction, PredictionHeader
from s3n_core.prediction.tables import FORMAT, VERSION
from s3n_gui.prediction.table.prediction_columns import BlockReader, PredictionColumns

CLASSES = ("001.Ant", "002.Bee", "003.Wasp")


def header(count: int) -> PredictionHeader:
    return PredictionHeader(
        model="0123456789abcdef", mode="expected", precision="float32", classes=CLASSES, images="f" * 32, count=count
    )


def rows(count: int, *, labelled: bool = True, seed: int = 0) -> list[Prediction]:
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        label = CLASSES[number % 3]
        common = {
            "label": label if labelled else None,
            "mode": "expected",
            "precision": "float32",
            "model": header(0).model,
        }
        file = f"{label}/bild {number:06}.jpg"
        if number % 50 == 17:
            made.append(Prediction(file=file, error="the file is cut off", **common))  # type: ignore[arg-type]
            continue
        said = CLASSES[number % 3 if random.random() < 0.8 else (number + 1) % 3]
        top = float(f"{random.uniform(0.4, 1):.6g}")
        others = [name for name in CLASSES if name != said]
        branches = tuple((letter, said if random.random() < 0.9 else others[0]) for letter in "ODC")
        places = tuple(
            (
                round(random.uniform(0, 500), 1),
                round(random.uniform(0, 375), 1),
                *(round(random.random(), 4) for _ in "Rdc"),
            )
            for _ in range(int(random.integers(0, 9)))
        )
        made.append(
            Prediction(
                file=file,
                class_name=said,
                probability=top,
                top=(
                    (said, top),
                    (others[0], float(f"{(1 - top) * 0.7:.6g}")),
                    (others[1], float(f"{(1 - top) * 0.3:.6g}")),
                ),
                branches=branches,
                branch_probabilities=tuple(float(f"{random.uniform(0.3, 1):.6g}") for _ in branches),
                agreement=float(f"{sum(name == said for _, name in branches) / 3:.6g}"),
                margin=float(f"{top - (1 - top) * 0.7:.6g}"),
                entropy=float(f"{random.uniform(0, 1.1):.6g}"),
                rule="top-1" if random.random() < 0.5 else "top-K",
                peaks=len(places),
                peak_places=places,
                correct=(said == label) if labelled else None,
                **common,  # type: ignore[arg-type]
            )
        )
    return made


def predictions(count: int, *, labelled: bool = True, block: int = 40) -> PredictionColumns:
    table, reader = PredictionColumns(header(count)), BlockReader(header(count))
    made = rows(count, labelled=labelled)
    for start in range(0, count, block):
        table.append(reader.read([json.dumps(row.to_dict()) for row in made[start : start + block]]))
    return table


def part_lines(made: list[Prediction]) -> bytes:
    """Return the content of a ``TABLE.part`` with these rows."""
    head = {"format": FORMAT, "version": VERSION, **header(len(made)).to_dict()}
    return b"".join(json.dumps(one).encode() + b"\n" for one in [head, *(row.to_dict() for row in made)])


def write_part(out: Path, made: list[Prediction]) -> None:
    out.with_name(out.name + ".part").write_bytes(part_lines(made))
