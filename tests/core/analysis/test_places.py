import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from s3n_core.analysis.places import ViewFrame, cell_places, magnification_map, through_grid, through_inverse
from s3n_core.method.resampling import magnification, resize_grid, sampling_grid


def grid_of(seed: int, strength: float = 4.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    quality = torch.from_numpy(0.09 + strength * rng.random((1, 31, 31)) ** 20).float()
    return sampling_grid(quality)[0].numpy()


IDENTITY = cell_places(31, 31)


def test_square_lies_in_the_original_from_edge_to_edge():
    frame = ViewFrame(box=(10.0, 20.0, 50.0, 100.0), size=4)
    # The centre of the first of four pixels lies an eighth of the side inside the edge.
    np.testing.assert_allclose(frame.to_original(np.array([-1.0, -1.0])), [15.0, 30.0])
    np.testing.assert_allclose(frame.to_original(np.array([1.0, 1.0])), [45.0, 90.0])
    np.testing.assert_allclose(frame.to_original(np.array([0.0, 0.0])), [30.0, 60.0])
    places = np.random.default_rng(0).uniform(-1, 1, (5, 2))
    np.testing.assert_allclose(frame.from_original(frame.to_original(places)), places, atol=1e-12)
    assert frame.shows((10.0, 20.0))
    assert not frame.shows((9.9, 20.0))


def test_identity_grid_leaves_places_alone():
    x, y = through_grid(IDENTITY, (112.0, 30.5), 224)
    assert (x, y) == pytest.approx((0.0, 30 / 223 * 2 - 1))
    assert through_inverse(IDENTITY, (x, y), 224) == pytest.approx((112.0, 30.5))


def test_through_grid_reads_what_the_warp_reads():
    grid = grid_of(1)
    full = resize_grid(torch.from_numpy(grid)[None], 64)[0].numpy()
    for row, column in [(0, 0), (63, 63), (10, 50), (33, 7)]:
        assert through_grid(grid, (column + 0.5, row + 0.5), 64) == pytest.approx(tuple(full[row, column]), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.floats(0.5, 63.5), st.floats(0.5, 63.5), st.floats(0, 50))
def test_there_and_back_is_where_it_began(seed: int, x: float, y: float, strength: float):
    grid = grid_of(seed, strength)
    place = through_grid(grid, (x, y), 64)
    back = through_inverse(grid, place, 64)
    assert back is not None
    if max(map(abs, place)) < 1:  # on the border the clamp may have put several places onto one
        assert through_grid(grid, back, 64) == pytest.approx(place, abs=1e-5)
        assert back == pytest.approx((x, y), abs=0.05)


def test_place_that_the_warp_leaves_out_has_no_image():
    crop = IDENTITY * 0.5
    assert through_inverse(crop, (0.9, 0.0), 64) is None
    assert through_inverse(crop, (0.5, 0.0), 64) == pytest.approx((63.5, 32.0))


def test_clamped_squares_are_endlessly_magnified_and_hide_nothing():
    grid = np.clip(IDENTITY * 1.2, -1, 1)
    assert np.isinf(magnification_map(grid)).any()
    assert through_inverse(grid, (0.6, -0.3), 61) == pytest.approx((0.5 + 60 * 0.75, 0.5 + 60 * 0.375))


def test_magnification_is_the_methods():
    grid = grid_of(3)
    expected = magnification(torch.from_numpy(grid)[None].double())[0].numpy()
    kept = np.isfinite(magnification_map(grid))
    np.testing.assert_allclose(magnification_map(grid)[kept], expected[kept], rtol=1e-6)
    np.testing.assert_allclose(magnification_map(IDENTITY * 0.5), 4.0)
