"""Merging, splitting, renaming and hiding parts; undoing, and replaying on another clustering."""

from pathlib import Path

import numpy as np
import pytest

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.clustering import Clusters
from s3n_core.parts.atlas.part_edits import EditedParts, PartEdit, read_edits, replayed, write_edits

EYE = np.eye(4, dtype=np.float32)


def parts(count: int = 3) -> EditedParts:
    return EditedParts(Clusters(EYE[:count], np.full(count, 0.5, dtype=np.float32)))


def split_of(part: int) -> PartEdit:
    """Split part 0 (around the first unit vector) into a half towards the fourth and one away from it."""
    halves = np.stack([EYE[0] - 0.2 * EYE[3], EYE[0] + 0.2 * EYE[3]])
    return PartEdit(kind="split", parts=(part,), centroids=tuple(halves.tolist()), reach=(0.1, 0.1))


def test_a_merge_is_one_part_and_can_be_undone() -> None:
    merged = parts().with_edit(PartEdit(kind="merge", parts=(2, 0)))
    assert merged.numbers == (1, 2)
    assert merged.of(EYE[:3])[0].tolist() == [2, 1, 2]
    assert merged.undone().of(EYE[:3])[0].tolist() == [0, 1, 2]
    with pytest.raises(AtlasError, match="no part 1"):
        merged.with_edit(PartEdit(kind="hide", parts=(0,)))
    with pytest.raises(AtlasError, match="two different"):
        parts().with_edit(PartEdit(kind="merge", parts=(1, 1)))
    with pytest.raises(AtlasError, match="no edit to undo"):
        parts().undone()


def test_a_split_gives_the_nearer_places_a_new_part_with_its_own_reach() -> None:
    split = parts().with_edit(split_of(0))
    assert split.numbers == (0, 1, 2, 3)
    asked = np.stack([EYE[0] - 0.2 * EYE[3], EYE[0] + 0.25 * EYE[3], EYE[0] + 0.4 * EYE[3], EYE[1]])
    found, within = split.of(asked)
    assert found.tolist() == [0, 3, 3, 1]
    assert within.tolist() == [True, True, False, True]
    # A part that was split off can be merged back.
    back = split.with_edit(PartEdit(kind="merge", parts=(0, 3)))
    assert back.of(asked)[0].tolist() == [0, 0, 0, 1]


def test_names_and_hiding() -> None:
    edited = parts().with_edit(PartEdit(kind="rename", parts=(1,), name="bill"))
    edited = edited.with_edit(PartEdit(kind="hide", parts=(2,)))
    assert [edited.name(part) for part in edited.numbers] == ["part 1", "bill", "part 3"]
    assert (edited.number("bill"), edited.number("part 3"), edited.number(0)) == (1, 2, 0)
    assert edited.is_hidden(2)
    assert not edited.with_edit(PartEdit(kind="show", parts=(2,))).is_hidden(2)
    with pytest.raises(AtlasError, match="no part 'beak'"):
        edited.number("beak")


def test_a_journal_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "edits.jsonl"
    assert read_edits(path) == ()
    edits = (parts().marked(split_of(0)), parts().marked(PartEdit(kind="rename", parts=(1,), name="bill ö")))
    write_edits(path, edits)
    asked = np.stack([EYE[0] - 0.2 * EYE[3], EYE[0] + 0.25 * EYE[3]])
    read = EditedParts(parts().clusters, read_edits(path))
    assert read.of(asked)[0].tolist() == [0, 3]
    assert read.name(1) == "bill ö"
    path.write_text('{"format": "something else"}\n', encoding="utf-8")
    with pytest.raises(AtlasError, match="cannot be read"):
        read_edits(path)


def test_edits_are_replayed_where_the_same_centroids_are_found() -> None:
    before = parts()
    edits = [
        before.marked(PartEdit(kind="rename", parts=(0,), name="bill")),
        before.marked(PartEdit(kind="rename", parts=(2,), name="tail")),
        before.marked(PartEdit(kind="merge", parts=(0, 1))),
    ]
    # Another clustering: the first two centroids in another order and a little off, the third one is gone.
    other = Clusters((EYE[[1, 0, 3]] + 0.02).astype(np.float32), np.full(3, 0.5, dtype=np.float32))
    found, lost = replayed(edits, other)
    assert lost == 1
    assert found.numbers == (1, 2)
    assert [found.name(part) for part in found.numbers] == ["bill", "part 3"]
    assert found.of(EYE[:2])[0].tolist() == [1, 1]


def test_a_peak_that_is_moved_follows_later_merges_and_splits_of_its_new_part() -> None:
    """Rows 0 and 1 look like part 1; row 1 is moved to part 3. Other descriptors that look the same are not."""
    move = PartEdit(kind="reassign", parts=(2,), image="a.jpg", x=3, y=4)
    rows = np.stack([EYE[0], EYE[0] + 0.2 * EYE[3], EYE[2]])

    def found(edited: EditedParts) -> list[int]:
        return edited.applied(
            np.array([0, 0, 2]), lambda some: rows[some], moved=lambda edit, _: np.array([1])
        ).tolist()

    moved = parts().with_edit(move)
    assert found(moved) == [0, 2, 2]
    assert moved.of(rows)[0].tolist() == [0, 0, 2]  # of other images
    assert found(moved.undone()) == [0, 0, 2]
    assert found(moved.with_edit(PartEdit(kind="merge", parts=(1, 2)))) == [0, 1, 1]
    halves = np.stack([EYE[2], EYE[0] + 0.2 * EYE[3]])
    split = PartEdit(kind="split", parts=(2,), centroids=tuple(halves.tolist()), reach=(0.1, 0.1))
    assert found(moved.with_edit(split)) == [0, 3, 2]
    back = PartEdit(kind="reassign", parts=(0,), image="a.jpg", x=3, y=4)
    assert found(moved.with_edit(back)) == [0, 0, 2]
    with pytest.raises(AtlasError, match="no part 9"):
        parts().with_edit(PartEdit(kind="reassign", parts=(8,), image="a.jpg"))


def test_a_moved_row_is_within_reach_whatever_its_descriptor() -> None:
    far = np.stack([EYE[3], EYE[3]])
    moved = parts().with_edit(PartEdit(kind="reassign", parts=(1,), image="a.jpg"))
    assert moved.of(far)[1].tolist() == [False, False]
    found, within = moved.of(far, lambda edit, before, near: np.array([1]))
    assert (found[1], within.tolist()) == (1, [False, True])


def test_a_moved_peak_is_read_again_and_replayed_only_where_it_is_found(tmp_path: Path) -> None:
    move = parts().marked(PartEdit(kind="reassign", parts=(1,), image="a.jpg", x=3.5, y=4.0))
    hide = parts().marked(PartEdit(kind="hide", parts=(0,)))
    write_edits(tmp_path / "edits.jsonl", [move, hide])
    assert read_edits(tmp_path / "edits.jsonl")[0] == move
    assert '"version":3' in (tmp_path / "edits.jsonl").read_text().replace(" ", "")
    assert "image" not in (tmp_path / "edits.jsonl").read_text().splitlines()[2]
    for there, left in ((True, 0), (False, 1)):
        found, lost = replayed([move, hide], parts().clusters, lambda edit, there=there: there)  # type: ignore[misc]
        assert (lost, [edit.kind for edit in found.edits]) == (left, ["reassign", "hide"][left:])
    assert replayed([move], parts().clusters)[1] == 1


def test_a_journal_of_the_version_before_is_read(tmp_path: Path) -> None:
    line = '{"kind":"merge","parts":[0,1],"name":"","centroids":[],"reach":[],"marks":[]}'
    (tmp_path / "edits.jsonl").write_text(f'{{"format":"s3n-part-edits","version":2}}\n{line}\n')
    (read,) = read_edits(tmp_path / "edits.jsonl")
    assert (read.kind, read.image) == ("merge", "")
    assert read.to_dict() == {"kind": "merge", "parts": [0, 1], "name": "", "centroids": [], "reach": [], "marks": []}
