import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from method_examples import few_examples

from s3n_core.method.ablations import crop_grid, dense_maps, saliency, scatter_peaks
from s3n_core.method.peaks import find_peaks
from s3n_core.method.resampling import identity_grid


@few_examples
@given(seed=st.integers(0, 1000))
def test_scattered_peaks_keep_their_number_and_strength(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    response = torch.rand(3, 15, 15, generator=generator)
    peaks = find_peaks(response)
    moved_peaks, moved = scatter_peaks(peaks, response, torch.rand(3, 15, 15, generator=generator))
    assert torch.equal(moved_peaks.sum(dim=(1, 2)), peaks.sum(dim=(1, 2)))
    for image in range(3):
        assert torch.equal(moved[image][moved_peaks[image]].sort().values, response[image][peaks[image]].sort().values)
        assert torch.equal(moved[image].flatten().sort().values, response[image].flatten().sort().values)
    assert not torch.equal(moved_peaks, peaks)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (15, 15), (30, 3), (2, 30)])
def test_a_hard_crop_lies_inside_the_image_around_its_peak(row: int, column: int) -> None:
    weights = torch.zeros(1, 31, 31)
    weights[0, row, column] = 1
    grid = crop_grid(weights, torch.full((1, 31, 31), 0.5))
    x, y = grid[..., 0], grid[..., 1]
    assert float(x.max() - x.min()) == pytest.approx(1.0)
    assert float(y.max() - y.min()) == pytest.approx(1.0)
    assert float(grid.abs().max()) <= 1 + 1e-6
    peak = torch.tensor([column, row]) / 15 - 1
    assert float((grid - peak).norm(dim=-1).min()) < 0.06


def test_a_crop_of_an_empty_set_is_the_whole_image() -> None:
    empty = torch.zeros(2, 31, 31)
    assert torch.allclose(crop_grid(empty, torch.rand(2, 31, 31)), identity_grid(2, 31, 31, like=empty), atol=1e-6)


def test_dense_maps_sum_to_a_constant() -> None:
    attention = torch.rand(2, 31, 31)
    discriminative, complementary = dense_maps(attention, 0.09)
    assert torch.allclose(discriminative + complementary, torch.tensor(1.18))
    assert torch.allclose(discriminative - 0.09, attention)


@pytest.mark.parametrize(
    "features", [torch.rand(2, 8, 7, 7), torch.randn(2, 8, 7, 7).sign() * 3e38, torch.ones(2, 8, 7, 7)]
)
def test_saliency_is_finite_and_in_range(features: torch.Tensor) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = saliency(features, 31, align="centres")
    assert found.shape == (2, 31, 31)
    assert bool(found.isfinite().all())
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1


def test_saliency_keeps_float64() -> None:
    assert saliency(torch.rand(1, 8, 7, 7, dtype=torch.float64), 31, align="corners").dtype == torch.float64
