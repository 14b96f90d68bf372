"""Answers that an atlas keeps, marks expected before them, tags, and atlases side by side."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s3n_core.errors import AtlasError, DataSetError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import (
    ASSIGNMENTS,
    CENTROIDS,
    DESCRIPTORS,
    FORMAT,
    HEADER,
    IMAGES,
    PEAKS,
    PLACE,
    VERSION,
)
from s3n_core.parts.comparison.atlas_agreement import match_parts, rank_agreement
from s3n_core.parts.comparison.comparison import ComparedImage, Comparison, SecondMark
from s3n_core.parts.comparison.expectations import agreement_sentence, expect, expectations
from s3n_core.parts.comparison.image_tags import read_tags
from s3n_core.parts.comparison.measured_images import ClassValues, MeasuredImages
from s3n_core.parts.comparison.stored_comparisons import keep_comparison, kept_comparison, kept_comparisons, parts_key
from s3n_core.system.json_values import to_json

CLASSES = ("001.Pale", "002.Dark", "003.Spotted")


def written_atlas(folder: Path, places: list[tuple[int, float, float, int]], parts: int = 3) -> Atlas:
    """Write an atlas of six images of 100 x 100 pixels, two of each class, with (image, x, y, part) as its peaks."""
    folder.mkdir()
    places = sorted(places)  # those of an image stand together
    collection = {"model": "m", "mode": "expected", "precision": "float32", "classes": CLASSES, "images": "i"}
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "collection": {**collection, "count": 6, "seed": 0},
        "data": "data",
        "data_format": "images",
        "split": "test",
        "model_path": "m.safetensors",
        "parts": parts,
        "suggested": False,
        "silhouettes": {},
        "centred": False,
        "background_parts": [],
        "reach": [1.0] * parts,
    }
    rows = np.zeros(len(places), dtype=PLACE)
    for row, (image, x, y, _) in zip(rows, places, strict=True):
        row["image"], row["x"], row["y"] = image, x, y
    np.save(folder / PEAKS, rows)
    np.save(folder / ASSIGNMENTS, np.array([part for *_, part in places], dtype=np.int16))
    np.save(folder / CENTROIDS, np.eye(parts, dtype=np.float32))
    np.save(folder / DESCRIPTORS, np.eye(parts, dtype=np.float16)[[part for *_, part in places]])
    lines: list[dict[str, Any]] = [{}]
    lines += [{"file": f"{n}.jpg", "label": CLASSES[n // 2], "width": 100, "height": 100} for n in range(6)]
    (folder / IMAGES).write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / HEADER).write_text(json.dumps(header))
    return Atlas(folder)


def measured(losses: tuple[float, float, float] = (3, 1, 0)) -> MeasuredImages:
    """Twelve images of each of two classes; hiding the parts costs A so much; even images of A have no part 1."""
    found = np.ones((24, 4), dtype=bool)
    found[:12:2, 0] = False
    contributions = np.where(found, [2.0, 1.0, 0.5, 0.25], 0)
    contributions[12:] = 0
    cost = np.where(found[:, :3], losses, 0.0)
    cost[12:] = 0
    return MeasuredImages(
        a=CLASSES[0],
        b=CLASSES[1],
        split="test",
        files=tuple(f"{'ab'[side]}{n}.jpg" for side in (0, 1) for n in range(12)),
        of_a=np.arange(24) < 12,
        right=np.ones(24, dtype=bool),
        values=ClassValues(
            contributions, found, cost, np.arange(24), (cost > 2).astype(float), np.full((24, 3), 1 / 8)
        ),
        parts=((0, "part 1", False), (1, "part 2", False), (2, "part 3", True)),
        rest=("no part",),
        not_hidden=("",) * 24,
    )


def test_a_kept_answer_is_read_again_and_follows_names_but_not_other_edits(tmp_path: Path) -> None:
    atlas = written_atlas(tmp_path / "atlas", [(0, 10, 10, 0), (1, 10, 10, 1), (2, 50, 50, 2)])
    second = SecondMark(hidden="part 1", part=None, images=24, right_before=24, right_after=18)
    answer = replace(measured().comparison(), second=second)
    assert kept_comparison(atlas, "Pale", "Dark") is None
    keep_comparison(atlas, answer)
    kept = kept_comparison(Atlas(atlas.path), "Pale", "Dark")
    assert kept is not None
    assert kept.current
    assert not any(part.background for part in kept.comparison.parts)
    atlas.set_background("part 3")
    kept = kept_comparison(atlas, "Pale", "Dark")
    assert kept is not None
    assert kept.current
    assert kept.comparison == answer
    atlas.rename("part 1", "bill")
    kept = kept_comparison(atlas, "001.Pale", "002.Dark")
    assert kept is not None
    assert kept.current
    assert kept.comparison.mark is not None
    assert kept.comparison.mark.name == "bill"
    atlas.hide("part 3")
    (only,) = kept_comparisons(atlas)
    assert not only.current
    atlas.undo()
    assert [one.current for one in kept_comparisons(atlas)] == [True]
    keep_comparison(atlas, replace(answer, b=None))
    assert [one.comparison.b for one in kept_comparisons(atlas)] == ["002.Dark", None]
    (atlas.path / "comparisons" / "0-1.json").write_text("{}")
    with pytest.raises(AtlasError, match="Delete it"):
        kept_comparisons(atlas)


def test_the_background_is_found_once_for_all_kept_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    atlas = written_atlas(tmp_path / "atlas", [(0, 10, 10, 0), (1, 10, 10, 1), (2, 50, 50, 2)])
    answer = measured().comparison()
    for b in (answer.b, None):
        keep_comparison(atlas, replace(answer, b=b))
    found = list[frozenset[int]]()

    def background(_: Atlas) -> frozenset[int]:
        found.append(frozenset((1,)))
        return found[-1]

    monkeypatch.setattr(Atlas, "background", property(background))
    kept = kept_comparisons(atlas)
    assert len(found) == 1
    assert [[part.part for part in one.comparison.parts if part.background] for one in kept] == [[1], [1]]


def test_a_peak_that_is_moved_makes_only_answers_with_its_image_outdated(tmp_path: Path) -> None:
    atlas = written_atlas(tmp_path / "atlas", [(n, 10, 10, n % 3) for n in range(6)])

    def answer(a: str, b: str, files: tuple[int, ...]) -> Comparison:
        images = tuple(
            ComparedImage(
                file=f"{n}.jpg",
                of_a=n == files[0],
                correct=True,
                parts=(),
                x=(),
                y=(),
                contributions=(),
                losses=(),
                changed=(),
            )
            for n in files
        )
        return replace(measured().comparison(), a=a, b=b, images=images)

    keep_comparison(atlas, answer(CLASSES[0], CLASSES[1], (0, 2)))
    keep_comparison(atlas, answer(CLASSES[1], CLASSES[2], (2, 4)))
    atlas.reassign("part 2", "0.jpg", 10, 10)
    assert [one.current for one in kept_comparisons(atlas)] == [False, True]
    atlas.undo()
    assert [one.current for one in kept_comparisons(atlas)] == [True, True]


def test_the_key_of_the_parts_is_that_of_earlier_versions(tmp_path: Path) -> None:
    """Answers that were kept before peaks could be moved stay current."""
    atlas = written_atlas(tmp_path / "atlas", [(n, 10, 10, n % 3) for n in range(6)])
    atlas.merge("part 1", "part 2")
    assert parts_key(atlas) == "cc2be4a06468a67b"


def test_predictions_that_change_are_counted_beside_random_places_and_said() -> None:
    found = measured().comparison()
    bill = next(part for part in found.parts if part.part == 0)
    assert (bill.hidden, bill.changed) == (24, 6)
    assert bill.changed_random == pytest.approx(3)
    said = " ".join(found.sentences())
    assert "Hiding part 1 changes 6 of 24 predictions; a random place of the same size changes 3.0 of them." in said
    assert "rests on the background" not in said
    background = measured((1, 2, 9)).comparison()
    assert background.mark is not None
    assert background.mark.background
    assert "The model rests on the background here." in " ".join(background.sentences())
    nothing = measured((0, 0, 0)).comparison()
    assert nothing.mark is None
    assert "No part was shown to matter" in " ".join(nothing.sentences())


def test_a_class_divided_by_tags_has_a_table_for_each(tmp_path: Path) -> None:
    images = measured()
    (tmp_path / "sex.csv").write_text("image,sex\n" + "".join(f"a{n}.jpg,{'mf'[n % 2]}\n" for n in range(11)))
    female, male = images.by_tag(read_tags(tmp_path / "sex.csv", images.files))
    assert (female.tag, female.images_a, female.images_b) == ("f", 5, 12)  # B has no tags: all of it
    assert (male.tag, male.images_a) == ("m", 6)
    shares = [next(part.images_a for part in one.parts if part.part == 0) for one in (female, male)]
    assert shares == [5, 0]
    assert any("tag f" in sentence for sentence in female.sentences())
    (tmp_path / "flying.txt").write_text("a0.jpg\nb3.jpg\n")
    tags = read_tags(tmp_path / "flying.txt", images.files)
    listed, rest = images.by_tag(tags)
    assert (listed.images_a, listed.images_b, rest.images_a, rest.images_b) == (1, 1, 11, 11)
    # Paths are found by their file name where that is unique.
    assert read_tags(tmp_path / "sex.csv", ["x/a0.jpg", "y/a1.jpg", "z/a1.jpg"]) == {"x/a0.jpg": {"m"}}
    (tmp_path / "wrong.csv").write_text("image,tag\na0.jpg\n")
    with pytest.raises(DataSetError, match="none of the images a tag"):
        read_tags(tmp_path / "wrong.csv", images.files)
    with pytest.raises(DataSetError, match="none of the images"):
        read_tags(tmp_path / "sex.csv", ["other.jpg"])


def test_an_image_with_several_tags_counts_for_each(tmp_path: Path) -> None:
    """The Data page writes a row for each image and tag, and Excel may save them with semicolons."""
    images = measured()
    (tmp_path / "tags.csv").write_text("path;tag\na0.jpg;juvenile\na0.jpg;in flight\na1.jpg;juvenile\na2.jpg;\n")
    tags = read_tags(tmp_path / "tags.csv", images.files)
    assert tags == {"a0.jpg": {"juvenile", "in flight"}, "a1.jpg": {"juvenile"}}
    assert [(one.tag, one.images_a) for one in images.by_tag(tags)] == [("in flight", 1), ("juvenile", 2)]
    (tmp_path / "tags.json").write_text(json.dumps([{"image": "a0.jpg", "tag": "juvenile"}]))
    assert read_tags(tmp_path / "tags.json", images.files) == {"a0.jpg": {"juvenile"}}


def test_tags_are_read_whatever_ends_a_line(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):  # (the last is that of "CSV (Macintosh)" in Excel)
        (tmp_path / "sex.csv").write_bytes(f"image,sex{end}a0.jpg,m{end}a1.jpg,f{end}".encode())
        assert read_tags(tmp_path / "sex.csv", ["a0.jpg", "a1.jpg"]) == {"a0.jpg": {"m"}, "a1.jpg": {"f"}}
    (tmp_path / "long.csv").write_text(f"image,sex\na0.jpg,{'m' * 200_000}\n")
    with pytest.raises(DataSetError, match=r"long\.csv is not a table"):
        read_tags(tmp_path / "long.csv", ["a0.jpg"])


def test_marks_expected_before_the_answer_are_counted_apart(tmp_path: Path) -> None:
    atlas = written_atlas(tmp_path / "atlas", [(0, 10, 10, 0), (1, 10, 10, 1), (2, 50, 50, 2)])
    assert agreement_sentence(expectations(atlas)) == "No marks were written down."
    assert expect(atlas, "Pale", "Dark", " Bill ").before
    expect(atlas, "Pale", None, "tail")
    assert [one.agrees for one in expectations(atlas)] == [None, None]
    keep_comparison(atlas, replace(measured().comparison(), a=CLASSES[1], b=CLASSES[0]))  # the other way round
    assert [one.agrees for one in expectations(atlas)] == [False, None]
    atlas.rename("part 1", "bill")  # recognised once the part is named
    assert [one.agrees for one in expectations(atlas)] == [True, None]
    keep_comparison(atlas, replace(measured((0, 0, 0)).comparison(), b=CLASSES[2]))
    assert not expect(atlas, "Pale", "Spotted", "spots").before
    checked = expectations(atlas)
    assert [one.answer for one in checked] == ["bill", None, ""]
    assert agreement_sentence(checked) == (
        "1 of 1 marks written before the answer agree; 0 of 1 marks written after the answer agree; 1 waits for an answer."
    )
    with pytest.raises(AtlasError, match="Say which part"):
        expect(atlas, "Pale", "Dark", "  ")


def test_parts_of_two_atlases_are_matched_by_their_places(tmp_path: Path) -> None:
    """The bill has another number in the other atlas, whose places are a little off; the tail and the leg are in one only."""
    first = [(n, 20, 20, 0) for n in range(6)] + [(n, 80, 80, 1) for n in range(6)]
    second = [(n, 24, 22, 2) for n in range(6)] + [(n, 50, 90, 1) for n in range(5)]
    atlas, other = written_atlas(tmp_path / "a", first, parts=2), written_atlas(tmp_path / "b", second)
    other.rename("part 3", "bill")
    found = match_parts(atlas, other)
    assert [(one.first, one.second) for one in found] == [
        (0, 2),
        (1, None),
        (None, 1),
    ]  # the other's part 1 has no peak
    assert found[0].overlap == 1
    assert (found[0].first_name, found[0].second_name) == ("part 1", "bill")
    assert [one.places for one in found] == [6, 6, 5]
    far = written_atlas(tmp_path / "c", [(n, 60, 60, 0) for n in range(6)])
    assert all(one.first is None or one.second is None for one in match_parts(atlas, far))


def test_an_atlas_without_a_peak_shares_nothing(tmp_path: Path) -> None:
    atlas, empty = (
        written_atlas(tmp_path / "a", [(n, 20, 20, 0) for n in range(6)]),
        written_atlas(tmp_path / "b", []),
    )
    assert [(one.first, one.second, one.overlap, one.places) for one in match_parts(atlas, empty)] == [(0, None, 0, 6)]
    assert [(one.first, one.second, one.overlap, one.places) for one in match_parts(empty, atlas)] == [(None, 0, 0, 6)]
    assert match_parts(empty, empty) == ()


def test_rankings_agree_by_kendalls_tau_over_the_shared_parts(tmp_path: Path) -> None:
    places = [(n, 20 + 30 * part, 20, part) for n in range(6) for part in range(3)]
    atlas, other = written_atlas(tmp_path / "a", places), written_atlas(tmp_path / "b", places)
    matched = match_parts(atlas, other)
    same = rank_agreement(measured().comparison(), measured().comparison(), matched)
    assert (same.parts, same.same_mark) == (3, True)
    assert same.contribution == pytest.approx(1)
    assert same.relied_on == pytest.approx(1)
    turned = rank_agreement(measured((9, 2, 1)).comparison(), measured((1, 2, 3)).comparison(), matched)
    assert turned.relied_on == pytest.approx(-1)
    assert turned.same_mark is False
    assert rank_agreement(measured().comparison(), measured((0, 0, 0)).comparison(), matched).same_mark is None
    assert json.loads(json.dumps(to_json(same)))["parts"] == 3
