"""Merging, splitting, renaming and hiding parts; undoing, and replaying on another clustering."""

from pathlib import Path

import numpy as np
import pytest

from s3n_core.errors import AtlasError
from s3n_core.parts.clustering import Clusters
from s3n_core.parts.part_edits import EditedParts, PartEdit, read_edits, replayed, write_edits

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
