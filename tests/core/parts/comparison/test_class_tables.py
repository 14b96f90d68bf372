"""What an atlas says of classes without a model: confused pairs, classes by parts, and names from key points."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_atlas import CLASSES, PLACES, write_atlas

from s3n_core.datasets.records import ImageRecord, Part
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import DESCRIPTORS, EDITS, PEAKS
from s3n_core.parts.atlas.examples import part_examples
from s3n_core.parts.atlas.key_points import key_point_names
from s3n_core.parts.atlas.placed_parts import PlacedParts
from s3n_core.parts.comparison.class_matrix import class_matrix
from s3n_core.parts.comparison.class_pairs import class_pairs
from s3n_core.parts.comparison.class_portrait import class_portrait

EACH = 4


@pytest.fixture
def files() -> list[str]:
    return [f"{label}/{index}.jpg" for label in CLASSES for index in range(EACH)]


@pytest.fixture
def atlas(tmp_path: Path, files: list[str]) -> Atlas:
    return write_atlas(tmp_path / "atlas", tmp_path, files)


def test_confused_pairs_come_first_then_those_with_the_smallest_margin(atlas: Atlas) -> None:
    knot, plover, ruff = CLASSES
    pairs = class_pairs(atlas)
    # One ruff is taken for a plover (3 plovers have the ruff as rival, mean margin 2.75) and one plover for a knot (mean 3).
    assert [(pair.a, pair.b, pair.mistakes) for pair in pairs] == [
        (ruff, plover, 1),
        (plover, knot, 1),
        (ruff, knot, 0),
    ]
    by_classes = {(pair.a, pair.b): pair for pair in pairs}
    assert by_classes[plover, knot].images == 2 * EACH
    assert by_classes[plover, knot].fewest == EACH
    # Rivals: all 4 knots have the plover, one plover the knot; margins 4 and -1.
    assert by_classes[plover, knot].rivals == EACH + 1
    assert by_classes[plover, knot].margin == pytest.approx((EACH * 4 - 1) / (EACH + 1))


def test_classes_by_parts_sum_to_the_margin(atlas: Atlas) -> None:
    matrix = class_matrix(atlas)
    assert matrix.classes == CLASSES
    assert set(matrix.parts) == {0, 1, 2}
    assert matrix.images.tolist() == [EACH] * 3
    columns = {part: matrix.parts.index(part) for part in matrix.parts}
    assert matrix.found[:, columns[0]].tolist() == [EACH] * 3
    assert matrix.found[:, columns[2]].tolist() == [0] * 3  # drawn cells are no peaks
    assert matrix.contributions[:, columns[0]].tolist() == [2.0] * 3
    assert matrix.contributions[:, columns[1]].tolist() == [1.0] * 3
    margins = [4.0, 2.75, 2.75]  # one of four images of the others has -1
    assert (matrix.contributions.sum(axis=1) + matrix.rest).tolist() == pytest.approx(margins)
    assert matrix.shares[0].tolist() == pytest.approx([np.abs(c) / 4 for c in matrix.contributions[0]])
    # What a hidden part contributes stands in the rest; merged parts are counted once an image.
    atlas.hide(0)
    assert class_matrix(atlas).rest[0] == pytest.approx(matrix.rest[0] + 2)
    atlas.undo()
    atlas.merge(0, 1)
    merged = class_matrix(atlas)
    assert merged.found[:, merged.parts.index(0)].tolist() == [EACH] * 3
    assert merged.contributions[:, merged.parts.index(0)].tolist() == [3.0] * 3


def test_a_part_without_peaks_is_background_or_left_out(atlas: Atlas, files: list[str], tmp_path: Path) -> None:
    """A group of drawn cells only stands last and says so; a part whose peaks were all moved away stands nowhere."""
    assert [summary.title for summary in atlas.summaries()] == [
        "part 1",
        "part 2",
        "part 3 (background, drawn cells only)",
    ]
    assert [summary.found_text for summary in atlas.summaries()] == [
        "12 peaks in 12 images",
        "12 peaks in 12 images",
        "no peak, 24 drawn cells",
    ]
    matrix = class_matrix(atlas)
    assert (atlas.listed, matrix.parts) == ((0, 1, 2), (0, 1, 2))
    assert matrix.titles(atlas) == ["part 1", "part 2", "part 3 (background)"]
    assert [matrix.contribution_text(0, column) for column in range(3)] == ["+2.00", "+1.00", ""]
    assert PlacedParts(atlas.path).names == ("part 1", "part 2")  # nothing can be filtered by the third
    atlas.set_background(2, background=False)
    assert atlas.marks[2] == ("drawn cells only",)
    atlas.undo()
    for file in files:
        atlas.reassign(0, file, *PLACES[1])
    atlas = Atlas(atlas.path)
    assert [summary.title for summary in atlas.summaries()][-1] == "part 2 (empty)"
    assert atlas.summaries()[-1].found_text == "no peak"
    assert (atlas.listed, class_matrix(atlas).parts) == ((0, 2), (0, 2))
    assert [part.part.part for part in class_portrait(atlas, CLASSES[0])] == [0]
    atlas.write_coco(tmp_path / "points.json")
    assert json.loads((tmp_path / "points.json").read_text())["categories"][0]["keypoints"] == ["part 1"]
    atlas.hide(0)
    assert atlas.listed == (2,)


def test_parts_are_named_after_the_key_points_that_most_peaks_are_near_to(atlas: Atlas, files: list[str]) -> None:
    (x, y), (other_x, other_y), _ = PLACES
    record = ImageRecord(
        path=Path("a.jpg"),
        name="",
        parts=(
            Part(name="beak", x=x + 2, y=y),
            Part(name="tail", x=other_x, y=other_y + 1),
            Part(name="leg", x=110, y=80),
        ),
    )
    records = {file: replace(record, name=file) for file in files}
    for file in files[:3]:  # here the tail is where the first part has its peak
        beak, tail, leg = record.parts
        records[file] = replace(record, name=file, parts=(replace(beak, x=100, y=2), replace(tail, x=x, y=y), leg))
    found = key_point_names(atlas, records)
    assert set(found) == {0, 1}
    assert (found[0].name, found[0].peaks) == ("beak", 12)
    assert found[0].share == pytest.approx(9 / 12)
    assert found[1].name == "tail"
    assert key_point_names(atlas, {file: replace(record, name=file, parts=()) for file in files}) == {}


def test_what_a_person_says_is_background_overrides_what_was_found(atlas: Atlas) -> None:
    assert atlas.background == {2}
    atlas.set_background(0)
    atlas.set_background("part 3", background=False)
    assert Atlas(atlas.path).background == {0}
    undone = atlas.undo()
    assert atlas.background == {0, 2}
    atlas.redo(undone)
    assert Atlas(atlas.path).background == {0}


def test_a_journal_of_the_first_version_is_read(atlas: Atlas) -> None:
    atlas.rename(0, "bill")
    journal = atlas.path / EDITS
    journal.write_text(journal.read_text(encoding="utf-8").replace('"version":2', '"version":1'), encoding="utf-8")
    assert Atlas(atlas.path).parts.name(0) == "bill"


def test_examples_go_from_the_most_to_the_least_typical(atlas: Atlas) -> None:
    """The farther from the centroid, the larger the last number of a made-up descriptor."""
    examples = part_examples(atlas, 0, {CLASSES[0]}, 3)
    assert [example.rank for example in examples] == [1, 3, 4]
    assert [example.file for example in examples] == [f"{CLASSES[0]}/{index}.jpg" for index in (0, 2, 3)]
    assert all((example.x, example.y) == PLACES[0] and example.of == EACH for example in examples)
    assert len(part_examples(atlas, 0, set(CLASSES), 6)) == 6
    assert part_examples(atlas, 2, set(CLASSES)) == ()  # drawn cells are no peaks
    atlas.merge(0, 1)
    assert [example.of for example in part_examples(atlas, 0, {CLASSES[0]}, 1)] == [EACH]  # one peak per image


def test_examples_of_a_merged_part_are_typical_if_they_are_near_any_of_its_centroids(atlas: Atlas) -> None:
    """Of two images, the strongest peak of the first is of one group, that of the second of the other, and both are typical."""
    descriptors, places = np.load(atlas.path / DESCRIPTORS), np.load(atlas.path / PEAKS)
    own = np.flatnonzero(places["image"] == 0)
    places["response"][own[1]] = 1.0
    descriptors[own[1]] = np.eye(3, 8)[1]  # on the second group's centroid
    np.save(atlas.path / DESCRIPTORS, descriptors)
    np.save(atlas.path / PEAKS, places)
    merged = Atlas(atlas.path)
    merged.merge(0, 1)
    first = part_examples(merged, 0, {CLASSES[0]}, 1)[0]
    assert (first.file, first.x, first.y) == (f"{CLASSES[0]}/0.jpg", *PLACES[1])
