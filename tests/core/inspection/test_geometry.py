import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from s3n_core.inspection.geometry import (
    ViewFrame,
    cell_places,
    inner_squares,
    largest_magnification,
    magnification,
    magnification_at,
    magnification_raster,
    read_between,
    source_areas,
    squares_at_all,
    through_grid,
    through_inverse,
    through_inverse_at_all,
)
from s3n_core.method.resampling import resize_grid, sampling_grid


def grid_of(seed: int, strength: float = 4.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    quality = torch.from_numpy(0.09 + strength * rng.random((1, 31, 31)) ** 20).float()
    return sampling_grid(quality)[0].numpy()


def clamped_square(grid: np.ndarray, pixel: tuple[float, float]) -> bool:
    """Return whether the clamp has moved a corner of the square of nodes around a pixel of 64."""
    column, row = (min(int((value - 0.5) / 63 * 30), 29) for value in pixel)
    return bool((np.abs(grid[row : row + 2, column : column + 2]) == 1).any())


IDENTITY = cell_places(31, 31)


def test_square_lies_in_the_original_from_edge_to_edge():
    frame = ViewFrame(box=(10.0, 20.0, 50.0, 100.0), size=4)
    # The centre of the first of four pixels is an eighth of the side from the edge.
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


@settings(max_examples=60)
@example(178, 1.0, 13.0, 23.0)
@example(330, 9.0, 9.0, 14.0)  # a square that the border has folded
@example(754, 62.0, 0.5, 6.0)  # a square that the border has flattened
@given(st.integers(0, 1000), st.floats(0.5, 63.5), st.floats(0.5, 63.5), st.floats(0, 50))
def test_there_and_back_is_where_it_began(seed: int, x: float, y: float, strength: float):
    grid = grid_of(seed, strength)
    place = through_grid(grid, (x, y), 64)
    back = through_inverse(grid, place, 64)
    assert back is not None
    assert through_grid(grid, back, 64) == pytest.approx(place, abs=1e-5)
    if clamped_square(grid, (x, y)) or clamped_square(grid, back):
        return  # a square cut by the clamp may be flat or folded, and show one place at several pixels
    # Where a shift by 0.05 pixels moves the place by less than float32 resolves, any of these pixels is correct.
    ways = np.linspace(0, 2 * np.pi, 64, endpoint=False)  # the grid may be flat in any direction
    steps = [through_grid(grid, (x + 0.05 * np.cos(way), y + 0.05 * np.sin(way)), 64) for way in ways]
    if min(np.hypot(*np.subtract(step, place)) for step in steps) > 1e-4:
        assert back == pytest.approx((x, y), abs=0.05)


def test_place_that_the_warp_leaves_out_has_no_image():
    crop = IDENTITY * 0.5
    assert through_inverse(crop, (0.9, 0.0), 64) is None
    assert through_inverse(crop, (0.5, 0.0), 64) == pytest.approx((63.5, 32.0))


def test_clamped_squares_are_endlessly_magnified_and_hide_nothing():
    grid = np.clip(IDENTITY * 1.2, -1, 1)
    assert np.isinf(magnification(grid)).any()
    assert through_inverse(grid, (0.6, -0.3), 61) == pytest.approx((0.5 + 60 * 0.75, 0.5 + 60 * 0.375))


def test_magnification_is_how_much_more_room_a_patch_of_the_original_takes():
    """Compare the area of a square of the warped image with that of the source quadrilateral shown in it."""
    grid, side = grid_of(3), 31
    areas = source_areas(grid.astype(np.float64))
    for row, column in [(4, 7), (15, 15), (20, 3)]:
        corners = [
            np.array(through_grid(grid, ((column + u) + 0.5, (row + v) + 0.5), side))
            for u, v in ((0, 0), (1, 0), (1, 1), (0, 1))
        ]
        area = 0.5 * abs(
            sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(corners, [*corners[1:], corners[0]], strict=True))
        )
        undeformed = (2 / (side - 1)) ** 2
        assert magnification(grid.astype(np.float64))[row, column] == pytest.approx(undeformed / area, rel=1e-9)
        assert areas[row, column] == pytest.approx(area / undeformed, rel=1e-9)
    np.testing.assert_allclose(magnification(IDENTITY * 0.5), 4.0)


def test_tensors_and_arrays_have_one_magnification():
    grid = grid_of(3).astype(np.float64)
    batch = torch.from_numpy(np.stack([grid, IDENTITY * 0.5]))
    np.testing.assert_array_equal(magnification(batch).numpy(), magnification(batch.numpy()))
    np.testing.assert_array_equal(inner_squares(batch).numpy(), inner_squares(batch.numpy()))


def test_magnification_at_a_place_is_its_squares_and_has_no_steps():
    grid = grid_of(4)
    squares = magnification(grid.astype(np.float64))
    for row, column in [(5, 9), (12, 20)]:
        centre = through_grid(grid, (column + 1.0, row + 1.0), 31)
        assert magnification_at(grid, centre) == pytest.approx(squares[row, column], rel=1e-9)
    beside = [magnification_at(grid, through_grid(grid, (10.5 + along, 8.2), 31)) for along in (-1e-4, 1e-4)]
    assert beside[0] == pytest.approx(beside[1], rel=1e-3), "no step at a node"
    assert magnification_at(IDENTITY * 0.5, (0.9, 0.0)) is None
    assert magnification_at(IDENTITY * 0.5, (0.1, 0.0)) == pytest.approx(4)


def test_a_raster_of_magnification_is_that_of_its_places():
    grid = grid_of(5, 8.0)
    xs, ys = np.linspace(-0.98, 0.98, 9), np.linspace(-0.9, 0.9, 7)
    raster = magnification_raster(grid, xs, ys)
    for i, y in enumerate(ys.tolist()):
        for j, x in enumerate(xs.tolist()):
            one = magnification_at(grid, (x, y))
            assert raster[i, j] == pytest.approx(np.nan if one is None else one, rel=1e-6, nan_ok=True)
    assert np.isnan(magnification_raster(IDENTITY * 0.5, xs, ys)[0]).all()


def test_largest_magnification_ignores_what_the_clamp_repeats():
    assert largest_magnification(IDENTITY) == pytest.approx(1)
    assert largest_magnification(IDENTITY * 0.5) == pytest.approx(4)
    assert largest_magnification(np.clip(IDENTITY * 1.5, -1, 1)) == pytest.approx(1 / 2.25)
    assert largest_magnification(np.ones_like(IDENTITY)) == 1


@pytest.mark.parametrize("strength", [0.0, 8.0, 40.0])
def test_a_raster_goes_through_the_inverse_as_its_places_do(strength: float):
    grid = grid_of(5, strength)
    xs, ys = np.linspace(-0.98, 0.98, 17), np.linspace(-0.9, 0.9, 13)
    places = through_inverse_at_all(grid, xs, ys)
    for i, y in enumerate(ys.tolist()):
        for j, x in enumerate(xs.tolist()):
            one = through_inverse(grid, (x, y), 64)
            if one is None:
                assert np.isnan(places[i, j]).all()
            else:
                column, row = (
                    (value - 0.5) / 63 * (cells - 1) for value, cells in zip(one, grid.shape[1::-1], strict=True)
                )
                assert places[i, j] == pytest.approx((row, column), abs=1e-6)


@pytest.mark.parametrize("scale", [1.0, 900.0])
@pytest.mark.parametrize("strength", [0.0, 8.0, 40.0, 400.0])
def test_the_square_of_a_place_is_the_one_that_its_inverse_lies_in(strength: float, scale: float):
    grid = grid_of(5, strength)
    if strength == 40.0:
        grid = np.clip(grid * 1.3, -1, 1)  # flattens squares, and folds some
    xs, ys = np.linspace(-0.98, 0.98, 170), np.linspace(-0.9, 0.9, 131)
    places = through_inverse_at_all(grid, xs, ys)
    squares = squares_at_all(grid * scale, xs * scale, ys * scale)
    assert ((squares < 0) == np.isnan(places[..., 0])).all()
    between = (np.abs(places - np.round(places)) > 1e-4).all(axis=-1)  # not on an edge, where either neighbour is right
    assert between.mean() > 0.5
    row, column = np.floor(places[between]).astype(int).T
    assert (squares[between] == row * (grid.shape[1] - 1) + column).all()


def test_what_the_warp_leaves_out_of_a_raster_is_nan():
    line = np.linspace(-1, 1, 21)
    places = through_inverse_at_all(IDENTITY * 0.5, line, line)
    assert np.isfinite(places[5:16, 5:16]).all()
    assert np.isnan(places[0]).all()
    assert np.isnan(places[:, 20]).all()


def test_areas_are_those_of_a_smooth_map():
    # x = u - 0.5 sin(pi u) / pi has the derivative 1 - 0.5 cos(pi u).
    places = cell_places(61, 61)
    grid = places - 0.5 * np.sin(np.pi * places) / np.pi
    slope = 1 - 0.5 * np.cos(np.pi * (np.arange(60) - 29.5) / 30)
    np.testing.assert_allclose(source_areas(grid), np.outer(slope, slope), rtol=0.002)


def test_values_are_read_bilinearly_between_nodes():
    rows, columns = np.array([0.0, 30.25]), np.array([60.0, 12.5])
    plane = np.add.outer(np.arange(61.0), 2 * np.arange(61.0))
    np.testing.assert_allclose(read_between(plane, rows, columns), rows + 2 * columns)
