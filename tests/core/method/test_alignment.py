"""The positions of cells on the square: one rule for numbers, arrays and tensors."""

import numpy as np
import pytest
import torch

from s3n_core.method.alignment import (
    cell_to_feature,
    cell_to_grid,
    grid_to_cell,
    grid_to_share,
    reading_matrix,
    share_to_grid,
)
from s3n_core.method.configuration import Alignment
from s3n_core.method.response_maps import interpolation_matrix


def test_the_outer_cells_lie_on_the_centres_of_the_outer_pixels():
    assert [cell_to_grid(cell, 31) for cell in (0, 15, 30)] == [-1, 0, 1]
    assert grid_to_share(cell_to_grid(0, 31), 448) == pytest.approx(0.5 / 448)
    assert grid_to_share(cell_to_grid(30, 31), 448) == pytest.approx(1 - 0.5 / 448)


def test_there_and_back():
    cells = np.linspace(0, 30, 13)
    np.testing.assert_allclose(grid_to_cell(cell_to_grid(cells, 31), 31), cells, atol=1e-12)
    shares = np.linspace(0, 1, 13)
    np.testing.assert_allclose(grid_to_share(share_to_grid(shares, 448), 448), shares, atol=1e-12)


@pytest.mark.parametrize(
    ("alignment", "expected"),
    [("corners", [0, 1.5, 3]), ("origins", [0, 2, 3]), ("centres", [0, 1.5, 3])],
)
def test_cells_of_r_are_read_from_features(alignment: Alignment, expected: list[float]):
    assert cell_to_feature(np.array([0.0, 15.0, 30.0]), 31, 4, alignment).tolist() == expected


def test_a_row_of_cells_may_be_longer_or_shorter_than_the_input():
    cells = np.array([0.0, 15.0, 30.0])
    assert cell_to_feature(cells, 31, 8, "origins", 7.5).tolist() == [0, 3.75, 7]
    assert cell_to_feature(cells, 31, 7, "centres", 7.5).tolist() == [0, 3.25, 6]
    assert cell_to_feature(cells, 31, 8, "corners", 7.5).tolist() == [0, 3.5, 7]


@pytest.mark.parametrize("alignment", ["origins", "centres", "corners"])
@pytest.mark.parametrize("features", [7, 14, 28])
def test_arrays_are_read_as_the_network_reads_tensors(alignment: Alignment, features: int):
    ours = reading_matrix(cell_to_feature(np.arange(31), 31, features, alignment), np.arange(features))
    theirs = interpolation_matrix(features, 31, alignment, torch.zeros(1, dtype=torch.float64))
    np.testing.assert_array_equal(ours, theirs.numpy())
    np.testing.assert_allclose(ours.sum(axis=1), 1, rtol=1e-12)
