"""Writing the data set in the layout of CUB-200-2011, with additional tables of the species and of parts left out."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from itertools import combinations, count, islice
from pathlib import Path

from s3n_core.demo.anatomy import CUB_PARTS
from s3n_core.demo.drawing import Scene
from s3n_core.demo.interventions import FOLDER, JPEG_QUALITY, SceneRecord, write_index, write_interventions
from s3n_core.demo.species import DEFAULT_SPECIES, PARTS, SPECIES, VARIANTS, Species, distinguishing_parts, fitting
from s3n_core.errors import OutputError
from s3n_core.system.output_marker import mark_output
from s3n_core.system.processes import usable_cores
from s3n_core.system.seeding import keyed_generator
from s3n_core.system.worker_pools import worker_pool

MOST_LEFT_OUT = 0.5
"""The highest rate at which parts can be left out; beyond it, hardly a bird could be told from the others."""


@dataclass(frozen=True, slots=True)
class _Plate:
    """An image to draw.

    Attributes:
        species: Number of the species, from 0.
        scene: Number of the scene.
        root: The data set's folder.
        name: The file's path below ``images/``.
        train: Whether it is for training.
        without: The parts to leave out.
        interventions: Whether to draw its interventions.
    """

    species: int
    scene: int
    root: Path
    name: str
    train: bool
    without: tuple[str, ...] = ()
    interventions: bool = False


@dataclass(frozen=True, slots=True)
class _Facts:
    """Annotations of an image: box (x, y, width, height) and visible parts (x, y), in pixels; its interventions, if any."""

    box: tuple[float, float, float, float]
    parts: dict[str, tuple[float, float]]
    record: SceneRecord | None


def write_drawn_birds(
    out: Path,
    *,
    train_per_species: int = 60,
    test_per_species: int = 20,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    species: int = DEFAULT_SPECIES,
    leave_out: float = 0.0,
    interventions: bool = False,
) -> int:
    """Draw the data set into a new or empty folder.

    Args:
        out: The folder; it is created if it does not exist.
        train_per_species: Training images per species, at least 1.
        test_per_species: Test images per species, 0 or more.
        seed: Seed of the images; the species do not depend on it.
        workers: Number of processes, without effect on the images; None: one per core (at most 8); 1: this process.
        progress: Called after each image with (images done, total).
        species: Number of species, the first of ``SPECIES``. Other scenes belong to each species with another number.
        leave_out: Rate at which each part is left out of a training image, independently of the others, 0 to
            ``MOST_LEFT_OUT``. Which parts were left out is written to ``left_out.json``.
        interventions: Whether to write every test image again without each part and without each object of the background,
            with their masks; see ``interventions``.

    Returns:
        How many choices of parts to leave out were made again because the remaining parts fitted several species.

    Raises:
        OutputError: The folder is not empty or cannot be written to.
        ValueError: A number is out of range.
    """
    if train_per_species < 1 or test_per_species < 0:
        raise ValueError("train_per_species must be at least 1 and test_per_species at least 0")
    if not 2 <= species <= len(SPECIES):
        raise ValueError(f"species must be from 2 to {len(SPECIES)}")
    if not 0 <= leave_out <= MOST_LEFT_OUT:
        raise ValueError(f"leave_out must be from 0 to {MOST_LEFT_OUT}")
    birds = SPECIES[:species]
    plates, redrawn = _plates(out, birds, (train_per_species, test_per_species), seed, leave_out, interventions)
    try:
        _make_folders(out, birds, interventions)
        facts = []
        for done, fact in enumerate(_draw_all(plates, seed, workers), start=1):
            facts.append(fact)
            if progress is not None:
                progress(done, len(plates))
        _write_tables(out, birds, plates, facts)
        if leave_out:
            _write_left_out(out, plates, leave_out, redrawn)
        if interventions:
            write_index(out, (fact.record for fact in facts if fact.record is not None))
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"The synthetic birds could not be written to {out} ({reason}); free some space or choose another folder."
        ) from error
    return redrawn


def parts_to_leave_out(
    species: Species, others: Sequence[Species], rate: float, key: tuple[int | str, ...]
) -> tuple[tuple[str, ...], int]:
    """Choose parts to leave out, so that the remaining ones fit no other species.

    Args:
        species: The species.
        others: The species of the data set, this one included.
        rate: Probability of each part to be left out, independently of the others, at most ``MOST_LEFT_OUT``.
        key: Key of the random numbers; equal keys give equal choices.

    Returns:
        The parts, in the order of ``PARTS``, and how many earlier choices fitted several species.
    """
    for attempt in count():
        left_out = keyed_generator(*key, "parts left out", attempt).random(len(PARTS)) < rate
        without = tuple(part for part, left in zip(PARTS, left_out, strict=True) if left)
        if fitting(species.look(without), others) == [species]:
            return without, attempt
    raise AssertionError  # count() does not end


def _plates(
    out: Path, birds: Sequence[Species], images: tuple[int, int], seed: int, leave_out: float, interventions: bool
) -> tuple[list[_Plate], int]:
    """Return the images to draw and how many choices of parts to leave out were made again."""
    plates, redrawn = [], 0
    train, test = images
    for number, species in enumerate(birds):
        folder = _folder(birds, number)
        for image in range(train + test):
            # Each scene is used for only one image, which does not depend on the number of images.
            scene = image * len(birds) + number
            name = f"{folder}/{species.name.replace(' ', '_')}_{image + 1:04d}.jpg"
            plate = _Plate(number, scene, out, name, image < train, interventions=interventions and image >= train)
            if leave_out and plate.train:
                without, attempts = parts_to_leave_out(species, birds, leave_out, (seed, "synthetic birds", scene))
                plate, redrawn = replace(plate, without=without), redrawn + attempts
            plates.append(plate)
    return plates, redrawn


def _folder(birds: Sequence[Species], number: int) -> str:
    return f"{number + 1:03d}.{birds[number].name.replace(' ', '_')}"


def _make_folders(out: Path, birds: Sequence[Species], interventions: bool) -> None:
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; choose a new folder for the synthetic birds.")
    if out.exists() and any(out.iterdir()):
        raise OutputError(f"The folder {out} is not empty; choose a new or empty one for the synthetic birds.")
    (out / "parts").mkdir(parents=True, exist_ok=True)
    mark_output(out)
    for place in ("images", FOLDER) if interventions else ("images",):
        for number in range(len(birds)):
            (out / place / _folder(birds, number)).mkdir(parents=True, exist_ok=True)
    if interventions:
        mark_output(out / FOLDER)  # also passed over where the data set is opened in another format


def _draw_all(plates: list[_Plate], seed: int, workers: int | None) -> Iterator[_Facts]:
    processes = workers if workers is not None else min(8, usable_cores())
    if processes <= 1 or len(plates) < 8:
        yield from (_draw(plate, seed) for plate in plates)
        return
    # Processes, because an image consists of many small brush strokes, each of which briefly holds the GIL.
    with worker_pool(processes) as pool:
        ahead = iter(plates)
        pending = deque(pool.submit(_draw, plate, seed) for plate in islice(ahead, 4 * processes))
        try:
            while pending:
                yield pending.popleft().result()
                pending.extend(pool.submit(_draw, plate, seed) for plate in islice(ahead, 1))
        except BrokenProcessPool as error:
            raise OutputError(
                "A process that draws was ended from outside, mostly because memory is scarce."
            ) from error


def _draw(plate: _Plate, seed: int) -> _Facts:
    scene, species = Scene(plate.scene, seed), SPECIES[plate.species]
    bird = scene.draw(species, without=plate.without)
    image = f"images/{plate.name}"
    bird.image.save(plate.root / image, quality=JPEG_QUALITY)
    record = None
    if plate.interventions:
        record = write_interventions(plate.root, image, plate.species + 1, scene, species, bird)
    return _Facts(bird.box, bird.parts, record)


def _write_tables(out: Path, birds: Sequence[Species], plates: list[_Plate], facts: list[_Facts]) -> None:
    numbered = list(enumerate(zip(plates, facts, strict=True), start=1))
    _write_lines(out / "classes.txt", (f"{number + 1} {_folder(birds, number)}" for number in range(len(birds))))
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
        "species": [{"label": i, "name": s.name, **s.variants()} for i, s in enumerate(birds, start=1)],
    }
    pairs = [
        {"first": i + 1, "second": j + 1, "parts": list(distinguishing_parts(birds[i], birds[j]))}
        for i, j in combinations(range(len(birds)), 2)
    ]
    _write_json(out / "species.json", table)
    _write_json(out / "distinguishing_parts.json", pairs)


def _write_left_out(out: Path, plates: list[_Plate], rate: float, redrawn: int) -> None:
    images = {str(i): list(plate.without) for i, plate in enumerate(plates, start=1) if plate.without}
    _write_json(out / "left_out.json", {"rate": rate, "redrawn": redrawn, "images": images})


def _part_lines(image: int, fact: _Facts) -> Iterator[str]:
    for number, name in enumerate(CUB_PARTS, start=1):
        x, y = fact.parts.get(name, (0.0, 0.0))
        yield f"{image} {number} {x:.1f} {y:.1f} {int(name in fact.parts)}"


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
