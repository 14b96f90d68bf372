"""Writing the data set in the layout of CUB-200-2011, with an additional table of the species."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import combinations, islice
from multiprocessing import get_context
from pathlib import Path

from s3n_core.demo.anatomy import CUB_PARTS
from s3n_core.demo.drawing import draw_bird
from s3n_core.demo.species import PARTS, SPECIES, VARIANTS, distinguishing_parts
from s3n_core.errors import OutputError
from s3n_core.system.output_marker import mark_output

JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class _Plate:
    """An image to draw: species index, scene number, file, name in ``images.txt``, and whether it is for training."""

    species: int
    scene: int
    file: Path
    name: str
    train: bool


@dataclass(frozen=True, slots=True)
class _Facts:
    """Annotations of an image: box (x, y, width, height) and visible parts (x, y), in pixels."""

    box: tuple[float, float, float, float]
    parts: dict[str, tuple[float, float]]


def write_drawn_birds(
    out: Path,
    *,
    train_per_species: int = 60,
    test_per_species: int = 20,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Draw the data set into a new or empty folder.

    Args:
        out: The folder; it is created if it does not exist.
        train_per_species: Training images per species, at least 1.
        test_per_species: Test images per species, 0 or more.
        seed: Seed of the images; the species do not depend on it.
        workers: Number of processes, without effect on the images; None: one per core (at most 8); 1: this process.
        progress: Called after each image with (images done, total).

    Raises:
        OutputError: The folder is not empty or cannot be written to.
        ValueError: A count is out of range.
    """
    if train_per_species < 1 or test_per_species < 0:
        raise ValueError("train_per_species must be at least 1 and test_per_species at least 0")
    plates = list(_plates(out, train_per_species, test_per_species))
    try:
        _make_folders(out)
        facts = []
        for done, fact in enumerate(_draw_all(plates, seed, workers), start=1):
            facts.append(fact)
            if progress is not None:
                progress(done, len(plates))
        _write_tables(out, plates, facts)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"The synthetic birds could not be written to {out} ({reason}); free some space or choose another folder."
        ) from error


def _plates(out: Path, train: int, test: int) -> Iterator[_Plate]:
    for number, species in enumerate(SPECIES):
        folder = _folder(number)
        for image in range(train + test):
            # Each scene is used for only one image, which does not depend on the number of images.
            scene = image * len(SPECIES) + number
            name = f"{folder}/{species.name.replace(' ', '_')}_{image + 1:04d}.jpg"
            yield _Plate(number, scene, out / "images" / name, name, image < train)


def _folder(number: int) -> str:
    return f"{number + 1:03d}.{SPECIES[number].name.replace(' ', '_')}"


def _make_folders(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; choose a new folder for the synthetic birds.")
    if out.exists() and any(out.iterdir()):
        raise OutputError(f"The folder {out} is not empty; choose a new or empty one for the synthetic birds.")
    (out / "parts").mkdir(parents=True, exist_ok=True)
    mark_output(out)
    for number in range(len(SPECIES)):
        (out / "images" / _folder(number)).mkdir(parents=True, exist_ok=True)


def _draw_all(plates: list[_Plate], seed: int, workers: int | None) -> Iterator[_Facts]:
    count = workers if workers is not None else min(8, os.cpu_count() or 1)
    if count <= 1 or len(plates) < 8:
        yield from (_draw(plate, seed) for plate in plates)
        return
    # Processes, because an image consists of many small brush strokes, each of which briefly holds the GIL.
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        ahead = iter(plates)
        pending: list[Future[_Facts]] = [pool.submit(_draw, plate, seed) for plate in islice(ahead, 4 * count)]
        try:
            while pending:
                yield pending.pop(0).result()
                pending.extend(pool.submit(_draw, plate, seed) for plate in islice(ahead, 1))
        finally:
            for future in pending:
                future.cancel()


def _draw(plate: _Plate, seed: int) -> _Facts:
    bird = draw_bird(SPECIES[plate.species], plate.scene, seed)
    bird.image.save(plate.file, quality=JPEG_QUALITY)
    return _Facts(bird.box, bird.parts)


def _write_tables(out: Path, plates: list[_Plate], facts: list[_Facts]) -> None:
    numbered = list(enumerate(zip(plates, facts, strict=True), start=1))
    _write_lines(out / "classes.txt", (f"{number + 1} {_folder(number)}" for number in range(len(SPECIES))))
    _write_lines(out / "images.txt", (f"{i} {plate.name}" for i, (plate, _) in numbered))
    _write_lines(out / "image_class_labels.txt", (f"{i} {plate.species + 1}" for i, (plate, _) in numbered))
    _write_lines(out / "train_test_split.txt", (f"{i} {int(plate.train)}" for i, (plate, _) in numbered))
    _write_lines(
        out / "bounding_boxes.txt", (" ".join([str(i), *(f"{v:.1f}" for v in fact.box)]) for i, (_, fact) in numbered)
    )
    _write_lines(out / "parts" / "parts.txt", (f"{i} {name}" for i, name in enumerate(CUB_PARTS, start=1)))
    _write_lines(out / "parts" / "part_locs.txt", (line for i, (_, fact) in numbered for line in _part_lines(i, fact)))
    table = {
        "parts": list(PARTS),
        "variants": {part: list(names) for part, names in VARIANTS.items()},
        "species": [{"label": i, "name": s.name, **s.variants()} for i, s in enumerate(SPECIES, start=1)],
    }
    pairs = [
        {"first": i + 1, "second": j + 1, "parts": list(distinguishing_parts(SPECIES[i], SPECIES[j]))}
        for i, j in combinations(range(len(SPECIES)), 2)
    ]
    (out / "species.json").write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    (out / "distinguishing_parts.json").write_text(json.dumps(pairs, indent=2) + "\n", encoding="utf-8")


def _part_lines(image: int, fact: _Facts) -> Iterator[str]:
    for number, name in enumerate(CUB_PARTS, start=1):
        x, y = fact.parts.get(name, (0.0, 0.0))
        yield f"{image} {number} {x:.1f} {y:.1f} {int(name in fact.parts)}"


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
