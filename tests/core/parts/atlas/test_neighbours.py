"""The places of an atlas that look most like a place."""

from pathlib import Path

import numpy as np
import pytest
from made_up_atlas import draw_pictures, write_atlas
from numpy.typing import NDArray

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.neighbours import found_share, index_of

FILES = ("neighbours.npy", "neighbour_directions.npy", "neighbours.json")


def drawn(count: int = 3000, channels: int = 160) -> NDArray[np.float32]:
    """L2-normalised descriptors: groups, a spread in some directions, and noise in all, so that 64 directions lose a little."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(12, channels))[rng.integers(0, 12, count)]
    values += rng.normal(size=(count, 50)) @ rng.normal(size=(50, channels)) / 10
    values += 0.1 * rng.normal(size=values.shape)
    found: NDArray[np.float32] = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
    return found


def test_the_nearest_are_those_of_brute_force(tmp_path: Path) -> None:
    values = drawn()
    index = index_of(tmp_path, lambda rows: values[rows], len(values), centred=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    assert found_share(index, lambda rows: values[rows], len(values)) >= 0.95
    rows, cosines = index.nearest(values[7], 20)
    assert rows[0] == 7
    assert cosines.tolist() == pytest.approx((values[rows] @ values[7]).tolist(), abs=1e-6)
    assert (np.diff(cosines) <= 0).all()
    left_out = np.zeros(len(values), dtype=bool)
    left_out[rows[:5]] = True
    without, _ = index.nearest(values[7], 20, left_out=left_out)
    assert not set(without.tolist()) & set(rows[:5].tolist())
    few, _ = index.nearest(values[7], 20, left_out=np.arange(len(values)) > 3)
    assert sorted(few.tolist()) == [0, 1, 2, 3]


def test_recall_falls_when_the_projections_are_of_something_else(tmp_path: Path) -> None:
    values, other = drawn(), drawn()[::-1]
    index = index_of(tmp_path, lambda rows: other[rows], len(values), centred=False)
    assert found_share(index, lambda rows: values[rows], len(values), queries=20) < 0.5


def test_kept_projections_are_used_again_and_made_anew_for_others(tmp_path: Path) -> None:
    values = drawn(400)
    index_of(tmp_path, lambda rows: values[rows], 400, centred=False)
    before = (tmp_path / FILES[0]).stat().st_mtime_ns
    index_of(tmp_path, lambda rows: values[rows], 400, centred=False)
    assert (tmp_path / FILES[0]).stat().st_mtime_ns == before
    index_of(tmp_path, lambda rows: values[::-1][rows], 400, centred=True)
    assert not np.array_equal(np.load(tmp_path / FILES[0])[0], values[0] @ np.load(tmp_path / FILES[1]))
    # A folder that cannot be written to keeps them in memory.
    nowhere = index_of(tmp_path / "none", lambda rows: values[rows], 400, centred=False)
    assert nowhere.nearest(values[3], 1)[0].tolist() == [3]


def test_peaks_like_a_peak_are_of_its_part_and_of_other_images(tmp_path: Path) -> None:
    files = draw_pictures(tmp_path / "data", 4)
    atlas: Atlas = write_atlas(tmp_path / "atlas", tmp_path / "data", files)
    atlas.rename("part 1", "bill")
    row, x, y = atlas.peak_of(files[2]) or (0, 0, 0)
    assert (x, y) == (30, 40)  # the strongest peak
    found = atlas.nearest(row, 5)
    assert [one.name for one in found] == ["bill"] * 5
    assert all(one.image != files[2] and (one.x, one.y) == (30, 40) for one in found)
    assert found[0].similarity == pytest.approx(1, abs=1e-3)
    near_tail = atlas.peak_of(files[2], (79, 52))
    assert near_tail is not None
    assert {one.part for one in atlas.nearest(near_tail[0], 3)} == {1}
    # Drawn cells are no peaks; with the same descriptor, the peak itself is found as well.
    assert all(one.part != 2 for one in atlas.nearest(row, 200))
    descriptor = np.eye(3, 8, dtype=np.float32)[0]
    assert len(atlas.nearest(descriptor, 12)) == 12
    assert atlas.peak_of("none.jpg") is None
    with pytest.raises(AtlasError, match="no place 999"):
        atlas.nearest(999)
