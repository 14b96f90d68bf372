"""How steady parts are: hand-made views with known answers, the exact way back from a changed view, and what an atlas keeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_up_atlas import MODEL, PLACES, SIZE, draw_pictures, write_atlas
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.loading import Sample
from s3n_core.datasets.records import ImageRecord, Part
from s3n_core.datasets.transforms import Preprocess
from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import PEAKS, AtlasImage
from s3n_core.parts.atlas.collecting import Collected
from s3n_core.parts.comparison.atlas_agreement import match_parts
from s3n_core.parts.comparison.stored_comparisons import parts_key
from s3n_core.parts.steadiness import steadiness_protocol
from s3n_core.parts.steadiness.steadiness_measures import ImagePeaks, key_point_accuracy, shared_places, steadiness
from s3n_core.parts.steadiness.steadiness_protocol import corner, measure_steadiness
from s3n_core.parts.steadiness.stored_steadiness import FILE, keep_steadiness, kept_steadiness, unmeasured_parts
from s3n_core.system.json_values import to_json

GRID = [(0.1 + 0.25 * (number % 4), 0.1 + 0.3 * (number // 4)) for number in range(12)]
"""Places of which any two are farther apart than a hit."""


def peaks(x: float, y: float, part: int = 0, **fields: Any) -> ImagePeaks:
    return ImagePeaks(np.array([[x, y]]), np.array([part]), (200, 100), **fields)


def test_peaks_come_again_within_a_hit_and_with_the_same_part_only() -> None:
    """Three of twelve have another part in the mirror image, two of the others lie too far off, and one crop misses its peak."""
    original = [peaks(x, y) for x, y in GRID]
    mirrored: list[ImagePeaks | None] = [peaks(x + 0.05, y, part=number < 3) for number, (x, y) in enumerate(GRID)]
    mirrored[3:5] = [peaks(x + 0.17, y) for x, y in GRID[3:5]]
    shifted: list[ImagePeaks | None] = [peaks(x, y) for x, y in GRID]
    shifted[0] = peaks(0.9, 0.9, seen=(0.2, 0.2, 1.0, 1.0))
    shifted[1] = None  # could not be used
    original.append(peaks(0.5, 0.5))
    for of_view in (mirrored, shifted):
        of_view.append(None)  # a whole image that could not be used
    found = steadiness(original, {"mirrored": mirrored, "shifted": shifted}, [0, 1])
    part, other = found.parts
    assert part.mirrored is not None
    assert part.shifted is not None
    assert (part.mirrored.share, part.mirrored.peaks, part.mirrored.images) == (7 / 12, 12, 12)
    assert part.mirrored.control == 0  # no other image has its peak there
    assert part.mirrored.low is not None
    assert part.mirrored.low < 7 / 12
    assert (part.shifted.share, part.shifted.peaks) == (1, 10)
    assert part.accuracy is not None
    # Half of its 0.05 of the width in one view and 0 in the other; the median over the images.
    assert part.accuracy.distance == pytest.approx(0.025)
    assert part.accuracy.control is not None
    assert part.accuracy.control > 0.2
    assert part.accuracy.point == ""
    assert (other.mirrored, other.shifted, other.accuracy) == (None, None, None)
    assert part.statements()[1].said == "Mirrored: 58 % of 12 come again"
    assert part.statements()[1].beside.endswith("; in another image's mirror image 0 %")
    assert (found.images, found.left_out) == (12, 1)


def test_a_part_that_always_lies_at_one_place_is_no_better_than_its_control() -> None:
    same: list[ImagePeaks] = [peaks(0.5, 0.5) for _ in range(12)]
    (part,) = steadiness(same, {"mirrored": same, "shifted": same}, [0]).parts
    assert part.mirrored is not None
    assert part.mirrored.share == part.mirrored.control == 1
    assert part.accuracy is not None
    assert part.accuracy.distance == part.accuracy.control == 0


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Atlas, dict[str, ImageRecord]]:
    """An atlas of six pictures, in which the first part is a red disc, and their records."""
    names = draw_pictures(tmp_path / "data", 2)
    atlas = write_atlas(tmp_path / "atlas", tmp_path / "data", names)
    return atlas, {name: ImageRecord(path=tmp_path / "data" / name, name=name, label=0) for name in names}


def collect_discs(
    model: object,
    records: Sequence[ImageRecord],
    classes: Sequence[str],
    *,
    read: Callable[[Sample], Image.Image],
    workers: int | None = None,
) -> Iterator[list[Collected]]:
    """Collect the middle of the red disc of each view as a peak of the first part."""
    assert all(record.label is None for record in records)
    for record in records:
        view: NDArray[np.int64] = np.asarray(read(Sample.of(record)), dtype=np.int64)
        rows, columns = np.nonzero(view[..., 0] - view[..., 2] > 120)
        x, y = columns.mean() + 0.5, rows.mean() + 0.5
        image = AtlasImage(file=record.name, width=view.shape[1], height=view.shape[0], predicted=0, rows=1)
        line = {**to_json(image), "peaks": [[x, y, 1.0, 0.0, 0]], "cells": []}
        yield [Collected(line, np.eye(3, 8, dtype=np.float16)[:1])]


def test_the_peaks_of_changed_views_are_mapped_back_exactly(
    pictures: tuple[Atlas, dict[str, ImageRecord]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever finds the disc in the mirrored or cropped file finds it where the original has it, to a pixel."""
    atlas, records = pictures
    monkeypatch.setattr(steadiness_protocol, "collect", collect_discs)
    model: Any = SimpleNamespace(digest=MODEL, preprocess=Preprocess())
    steps = list[tuple[int, int]]()
    found = measure_steadiness(atlas, model, records, progress=lambda done, total: steps.append((done, total)))
    disc = found.of(0)
    assert disc is not None
    assert disc.mirrored is not None
    assert disc.shifted is not None
    assert disc.mirrored.share == disc.shifted.share == 1
    assert disc.accuracy is not None
    assert disc.accuracy.distance < 1 / max(SIZE)
    assert steps[-1] == (12, 12)
    tail = found.of(1)
    assert tail is not None
    assert tail.mirrored is not None
    assert tail.mirrored.share == 0
    assert measure_steadiness(atlas, model, records, images=4).images == 4
    with pytest.raises(AtlasError, match="None of the 6 images"):
        measure_steadiness(atlas, model, {})
    with pytest.raises(AtlasError, match="another model"):
        measure_steadiness(atlas, SimpleNamespace(digest="other"), records)  # type: ignore[arg-type]


def test_crops_have_every_corner_and_a_peak_that_they_cut_off_does_not_count(
    pictures: tuple[Atlas, dict[str, ImageRecord]], monkeypatch: pytest.MonkeyPatch
) -> None:
    corners = {corner(f"{number}.jpg", SIZE) for number in range(40)}
    assert corners == {(x, y, x + 108, y + 81) for x in (0, 12) for y in (0, 9)}
    atlas, records = pictures
    monkeypatch.setattr(steadiness_protocol, "collect", collect_discs)
    # A network that sees only the middle of a square crop does not see the disc at the left.
    narrow: Any = SimpleNamespace(digest=MODEL, preprocess=Preprocess(resize="keep_crop"))
    disc = measure_steadiness(atlas, narrow, records).of(0)
    assert disc is not None
    assert disc.mirrored is not None
    assert disc.mirrored.peaks == 6  # 15 to 105 of 120 pixels
    squashed: Any = SimpleNamespace(digest=MODEL, preprocess=Preprocess(resize="squash_crop", resize_ratio=3.0))
    disc = measure_steadiness(atlas, squashed, records).of(0)
    assert disc is not None
    assert disc.mirrored is None  # 40 to 80 of 120 pixels


def test_places_are_held_against_the_key_point_of_their_part_on_either_side(
    pictures: tuple[Atlas, dict[str, ImageRecord]],
) -> None:
    """The eye is 6 of 120 pixels from the first part's peaks; in one image it is not visible."""
    atlas, records = pictures
    (x, y), (tail_x, tail_y), _ = PLACES
    of_records = {}
    for number, (name, record) in enumerate(records.items()):
        eye = Part(name=("left eye", "right eye")[number % 2], x=x + 6, y=y)
        tail = Part(name="tail", x=tail_x, y=tail_y)
        of_records[name] = replace(record, parts=(tail,) if number == 0 else (eye, tail))
    found = key_point_accuracy(atlas, of_records)
    assert set(found) == {0, 1}
    assert (found[0].point, found[0].images) == ("eye", 5)
    assert found[0].distance == pytest.approx(6 / 120, abs=1e-6)
    assert found[0].control == pytest.approx(6 / 120, abs=1e-6)  # the peaks are at one place in all images
    assert found[1].distance == 0
    assert key_point_accuracy(atlas, records) == {}


def test_a_part_on_both_sides_alike_has_its_key_point(pictures: tuple[Atlas, dict[str, ImageRecord]]) -> None:
    """In two of six images the left eye is the nearest, in two the right one, in two the tail: neither eye has half of them."""
    atlas, records = pictures
    (x, y), (far_x, far_y), _ = PLACES
    names = ("left eye", "right eye", "tail")
    of_records = {
        name: replace(record, parts=(Part(name=names[number % 3], x=x, y=y), Part(name="leg", x=far_x, y=far_y)))
        for number, (name, record) in enumerate(records.items())
    }
    found = key_point_accuracy(atlas, of_records)
    assert (found[0].point, found[0].images) == ("eye", 4)


def test_the_control_of_a_key_point_takes_places_to_other_images_not_to_the_next_of_the_class(tmp_path: Path) -> None:
    """Within a class the part always lies at one place, which differs between the classes: the next image would hide that."""
    names = draw_pictures(tmp_path / "data", 12)
    write_atlas(tmp_path / "atlas", tmp_path / "data", names)
    places = np.load(tmp_path / "atlas" / PEAKS)
    places["x"][::4] += 30 * (places["image"][::4] // 12)  # every image has four rows, the first of the first part
    np.save(tmp_path / "atlas" / PEAKS, places)
    (x, y), *_ = PLACES
    records = {
        name: ImageRecord(
            path=tmp_path / name,
            name=name,
            parts=(Part(name="eye", x=x + 30 * (number // 12), y=y), Part(name="leg", x=5, y=5)),
        )
        for number, name in enumerate(names)
    }
    found = key_point_accuracy(Atlas(tmp_path / "atlas"), records)
    assert found[0].distance == 0
    assert found[0].control is not None
    assert found[0].control >= 30 / max(SIZE)  # of the next images, all but three are of the same class


def test_an_atlas_keeps_what_was_measured_until_its_parts_change(
    pictures: tuple[Atlas, dict[str, ImageRecord]], tmp_path: Path
) -> None:
    atlas, _ = pictures
    files = [image.file for image in atlas.images]
    other = write_atlas(tmp_path / "seed 1", tmp_path / "data", files[:3])
    other.rename(0, "disc")
    shared = shared_places(atlas, [(other, match_parts(atlas, other))])
    assert [(one.atlas, one.name, one.shared, one.places) for one in shared[0]] == [("seed 1", "disc", 3, 3)]
    assert kept_steadiness(atlas) is None
    same = [peaks(x, y) for x, y in GRID]
    found = steadiness(same, {"mirrored": same, "shifted": same}, [0, 1], others=shared)
    keep_steadiness(atlas, found)
    assert kept_steadiness(atlas) == found
    assert found.parts[0].statements()[-1].text == (
        "Model of seed 1: 3 of 3 (44 to 100 %) of its peaks are there, too (as disc)."
    )
    atlas.rename(0, "bill")
    atlas.set_background(1)
    atlas.hide(1)
    assert kept_steadiness(Atlas(atlas.path)) == found
    (atlas.path / FILE).write_text("{")
    with pytest.raises(AtlasError, match="measure again"):
        kept_steadiness(atlas)


def test_an_edit_makes_only_what_was_measured_of_its_parts_outdated(
    pictures: tuple[Atlas, dict[str, ImageRecord]],
) -> None:
    """Moving a peak concerns two parts; so does merging; splitting one, and the new one."""
    atlas, _ = pictures
    same = [peaks(x, y) for x, y in GRID]
    keep_steadiness(atlas, steadiness(same, {"mirrored": same, "shifted": same}, [0, 1, 2]))

    def left() -> list[int]:
        kept = kept_steadiness(Atlas(atlas.path))
        assert kept is not None
        assert kept.images == 12
        return [one.part for one in kept.parts]

    (x, y), *_ = PLACES
    name = atlas.images[0].file
    atlas.reassign(2, name, x, y)
    assert left() == [1]
    assert unmeasured_parts(atlas, kept_steadiness(atlas)) == [0, 2]
    atlas.reassign(0, name, x, y)  # and back
    assert left() == [0, 1, 2]
    atlas.split(1)
    assert left() == [0, 2]
    assert unmeasured_parts(atlas, kept_steadiness(atlas)) == [1, 3]
    atlas.undo()
    atlas.merge(0, 2)
    assert left() == [1]
    atlas.undo()
    assert left() == [0, 1, 2]


def test_a_file_of_version_1_tells_of_the_parts_that_have_not_changed_since(
    pictures: tuple[Atlas, dict[str, ImageRecord]],
) -> None:
    atlas, _ = pictures
    same = [peaks(x, y) for x, y in GRID]
    atlas.rename(0, "bill")
    found = steadiness(same, {"mirrored": same, "shifted": same}, [0, 1, 2])
    old = {"format": "s3n-steadiness", "version": 1, "when": "", "parts_key": parts_key(atlas), **found.to_dict()}
    (atlas.path / FILE).write_text(json.dumps(old))
    assert kept_steadiness(atlas) == found
    atlas.reassign(2, atlas.images[0].file, *PLACES[0])
    kept = kept_steadiness(atlas)
    assert kept is not None
    assert [one.part for one in kept.parts] == [1]
    (atlas.path / FILE).write_text(json.dumps({**old, "parts_key": "of another grouping"}))
    assert kept_steadiness(atlas) is None


def test_measuring_again_asks_only_images_that_tell_of_the_edited_parts_and_gives_the_same(
    pictures: tuple[Atlas, dict[str, ImageRecord]], monkeypatch: pytest.MonkeyPatch
) -> None:
    atlas, records = pictures
    asked = list[str]()

    def collect(model: object, records: Sequence[ImageRecord], *rest: Any, **named: Any) -> Iterator[list[Collected]]:
        asked.extend(record.name for record in records)
        return collect_discs(model, records, *rest, **named)

    monkeypatch.setattr(steadiness_protocol, "collect", collect)
    model: Any = SimpleNamespace(digest=MODEL, preprocess=Preprocess())
    moved = atlas.images[0].file
    atlas.reassign(2, moved, *PLACES[0])
    whole = measure_steadiness(atlas, model, records)
    assert len(asked) == 12
    kept = replace(whole, parts=tuple(one for one in whole.parts if one.part != 2))
    asked.clear()
    assert measure_steadiness(atlas, model, records, kept=kept) == whole
    assert len(asked) == 4  # the image with the moved peak, and the one that is its control, in both views
    assert moved in asked
    asked.clear()
    assert measure_steadiness(atlas, model, records, kept=whole) == whole
    assert not asked
