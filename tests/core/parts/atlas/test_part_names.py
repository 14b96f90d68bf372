"""Parts are told apart by their names, and a number is never taken for a name."""

from pathlib import Path

import numpy as np
import pytest
from made_up_atlas import draw_pictures, write_atlas

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.clustering import Clusters
from s3n_core.parts.atlas.part_edits import EditedParts, PartEdit


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return write_atlas(tmp_path / "atlas", tmp_path / "data", draw_pictures(tmp_path / "data", 2))


def named(*names: tuple[int, str]) -> EditedParts:
    """Four parts with names that an earlier version may have given them."""
    clusters = Clusters(np.eye(4, dtype=np.float32), np.ones(4, dtype=np.float32))
    return EditedParts(clusters, tuple(PartEdit(kind="rename", parts=(part,), name=name) for part, name in names))


def test_a_number_is_no_name(atlas: Atlas) -> None:
    atlas.rename(0, "2")
    atlas.rename(2, "tail")
    assert [atlas.parts.name(part) for part in range(3)] == ["2", "part 2", "tail"]
    assert [atlas.parts.number(part) for part in ("2", 2, np.int64(2), "part 1")] == [0, 2, 2, 0]


def test_a_name_of_several_parts_is_refused_until_one_is_renamed() -> None:
    with pytest.raises(AtlasError, match="'bill': part 1 and part 4"):
        named((0, "bill"), (3, "bill")).number("bill")
    with pytest.raises(AtlasError, match="'part 3': part 1 and part 3"):
        named((0, "part 3")).number("part 3")
    assert named((0, "part 3")).number("part 1") == 0
    assert named((0, "part 3")).number(2) == 2


def test_no_two_parts_get_the_same_name(atlas: Atlas) -> None:
    atlas.rename("part 1", " bill ")
    assert atlas.parts.name(0) == "bill"
    with pytest.raises(AtlasError, match="Another part is called 'bill'"):
        atlas.rename("part 2", "bill ")
    for name in ("part 1", "part 3", "part 4"):  # a split would make the fourth
        with pytest.raises(AtlasError, match="choose another name"):
            atlas.rename("part 2", name)
    atlas.rename("bill", "bill")
    atlas.rename("bill", "part 1")
    assert atlas.parts.edits[-1].name == ""
    atlas.rename("part 2", "bill")
    last = atlas.undo()
    Atlas(atlas.path).rename("part 3", "bill")
    with pytest.raises(AtlasError, match="Another part is called 'bill'"):
        atlas.redo(last)
