import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from method_examples import few_examples

from s3n_core.method.resampling import identity_grid, invert_grid, sampling_grid


def some_maps(seed: int, kind: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    quality = torch.rand(2, 31, 31, generator=generator)
    if kind == "steep":
        return quality**200 + 1e-3
    if kind == "border":
        edges = torch.full((2, 31, 31), 0.09)
        places = torch.randint(0, 31, (2, 2), generator=generator)
        edges[0, 0, places[0, 0]] = edges[1, places[1, 0], 30] = 3
        edges[:, 30, 0] = 0.7
        return edges
    if kind == "few hot":
        return (quality > 0.995).float() * 2 + 0.09
    return quality


def read(grid: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Read a grid (B, h, w, 2) at places (B, h', w', 2) in [-1, 1]."""
    return F.grid_sample(grid.permute(0, 3, 1, 2), places, align_corners=True, padding_mode="border").permute(
        0, 2, 3, 1
    )


@pytest.mark.parametrize("size", [31, 60])
@few_examples
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(["rough", "steep", "border", "few hot"]))
def test_there_and_back_ends_within_half_a_pixel(size: int, seed: int, kind: str) -> None:
    check_there_and_back(size, seed, kind)


@pytest.mark.parametrize("kind", ["rough", "steep", "border", "few hot"])
def test_there_and_back_at_full_size(kind: str) -> None:
    check_there_and_back(224, 3, kind)


def check_there_and_back(size: int, seed: int, kind: str) -> None:
    grid = sampling_grid(some_maps(seed, kind), output_size=size)
    inverse, valid = invert_grid(grid)
    assert inverse.shape == grid.shape
    assert bool(inverse.isfinite().all())
    assert float(inverse.abs().max()) <= 1 + 1e-6
    away = (read(grid, inverse) - identity_grid(2, size, size, like=grid)).norm(dim=-1) * (size - 1) / 2
    assert float(away[valid].max()) < 0.5 + 1e-3
    if size == 224:
        assert float((away[valid] < 0.02).float().mean()) > 0.95

    # The mask is not too strict: every place that the densely sampled warp shows has an inverse.
    fine = read(grid, identity_grid(2, 2 * size, 2 * size, like=grid))
    pixels = (fine + 1) / 2 * (size - 1)
    near = pixels.round()
    seen = (pixels - near).norm(dim=-1) < 0.3
    index = (near[..., 1] * size + near[..., 0]).long().flatten(1)
    found = valid.flatten(1).gather(1, index).view(seen.shape)
    assert float((seen & ~found).float().sum() / seen.sum()) < 2e-3


def test_the_identity_is_its_own_inverse() -> None:
    grid = identity_grid(2, 40, 56, like=torch.zeros(1))
    inverse, valid = invert_grid(grid)
    assert bool(valid.all())
    assert torch.allclose(inverse, grid, atol=1e-3)


def test_a_shift_of_the_view_has_no_inverse_outside_of_it() -> None:
    grid = identity_grid(1, 32, 32, like=torch.zeros(1)) * 0.5  # shows the middle quarter only
    inverse, valid = invert_grid(grid)
    inside = identity_grid(1, 32, 32, like=grid).abs().amax(dim=-1) < 0.5
    assert bool(valid[inside].all())
    assert float(valid.float().mean()) < 0.35
    assert torch.allclose(inverse[inside], identity_grid(1, 32, 32, like=grid)[inside] * 2, atol=1e-2)


def test_a_grid_that_shows_one_place_only_is_survived() -> None:
    inverse, valid = invert_grid(torch.full((2, 31, 31, 2), 1.0))
    assert bool(inverse.isfinite().all())
    assert int(valid.sum()) == 2


def test_no_gradient_is_asked_for() -> None:
    quality = torch.rand(1, 31, 31, requires_grad=True)
    inverse, _ = invert_grid(sampling_grid(quality))
    assert not inverse.requires_grad
