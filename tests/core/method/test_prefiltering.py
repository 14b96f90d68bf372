import pytest
import torch

from s3n_core.method.prefiltering import warp_prefiltered
from s3n_core.method.resampling import identity_grid, sampling_grid, warp


@pytest.mark.parametrize(("source", "target"), [(64, 32), (97, 32), (448, 224), (300, 32), (32, 4), (512, 8), (70, 64)])
def test_a_constant_stays_constant(source: int, target: int) -> None:
    images = torch.full((2, 3, source, source), 0.7)
    quality = torch.rand(2, 31, 31) ** 20 + 1e-3
    for grid in (sampling_grid(quality, output_size=target), identity_grid(2, target, target, like=images)):
        assert torch.allclose(warp_prefiltered(images, grid)[0], torch.full((2, 3, target, target), 0.7), atol=1e-5)


def test_nothing_is_filtered_where_nothing_is_compressed() -> None:
    images = torch.rand(1, 3, 64, 64, dtype=torch.float64)
    grid = identity_grid(1, 32, 32, like=images) * 0.4
    assert torch.allclose(warp_prefiltered(images, grid)[0], warp(images, grid), atol=1e-12)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_checkerboard_becomes_grey_where_it_is_compressed(factor: int) -> None:
    board = (torch.arange(128)[:, None] + torch.arange(128)) % 2
    images = board.float().expand(1, 3, 128, 128)
    grid = identity_grid(1, 128 // factor, 128 // factor, like=images)
    assert float((warp_prefiltered(images, grid)[0] - 0.5).abs()[..., 1:-1, 1:-1].max()) < 0.05
    assert float((warp(images, grid) - 0.5).abs().max()) > 0.3


def test_places_are_not_shifted() -> None:
    images = torch.linspace(0, 1, 96).expand(1, 3, 96, 96)
    grid = identity_grid(1, 32, 32, like=images)
    expected = (grid[..., 0] + 1) / 2
    assert torch.allclose(warp_prefiltered(images, grid)[0][:, 0, :, 2:-2], expected[:, :, 2:-2], atol=2e-3)
