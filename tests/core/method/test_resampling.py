import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from method_examples import few_examples

from s3n_core.inspection.geometry import magnification
from s3n_core.method.resampling import (
    gaussian_kernel,
    identity_grid,
    resize_grid,
    sampling_grid,
    warp,
)
from s3n_core.method.sparse_attention import beta_from_radius, sampling_map


def any_map(kind: str, scale: float, seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Two maps Q >= 0 of 31 x 31 cells, of a kind that a network or a careless caller may produce."""
    generator = torch.Generator().manual_seed(seed)
    quality = torch.rand(2, 31, 31, generator=generator, dtype=torch.float64)
    if kind == "few hot":
        quality = (quality > 0.997).double()
    elif kind == "one-hot":
        place = int(quality[0].argmax())
        quality = F.one_hot(torch.tensor([place, 930]), 961).double().view(2, 31, 31)
    elif kind == "steep":
        quality = quality**100
    elif kind == "zero":
        quality.zero_()
    elif kind == "corner":
        quality = quality * 0.01
        quality[0, 0, 0] = quality[1, 30, 30] = 50
    return (quality * scale).to(dtype)


KINDS = st.sampled_from(["rough", "few hot", "one-hot", "steep", "zero", "corner"])
SCALES = st.sampled_from([1e-30, 1e-3, 1.0, 1e30])


@pytest.mark.parametrize("path", ["gaussian", "kernel"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("value", [1e-30, 0.09, 7.0, 1e30])
def test_constant_q_is_the_identity(path: str, dtype: torch.dtype, tolerance: float, value: float) -> None:
    quality = torch.full((2, 31, 25), value, dtype=dtype)
    grid = sampling_grid(quality, kernel=gaussian_kernel().to(dtype) if path == "kernel" else None)
    assert torch.allclose(grid, identity_grid(2, 31, 25, like=quality), atol=tolerance)


@few_examples
@given(kind=KINDS, scale=SCALES, seed=st.integers(0, 10_000), single=st.booleans())
def test_no_map_folds_a_row_or_a_column(kind: str, scale: float, seed: int, single: bool) -> None:
    dtype = torch.float32 if single else torch.float64
    quality = any_map(kind, scale, seed, dtype)
    for grid in (sampling_grid(quality), sampling_grid(quality, output_size=100)):
        assert bool(grid.isfinite().all())
        assert float(grid.abs().max()) <= 1
        least = -1e-5 if single else -1e-12
        assert float((grid[:, :, 1:, 0] - grid[:, :, :-1, 0]).min()) >= least
        assert float((grid[:, 1:, :, 1] - grid[:, :-1, :, 1]).min()) >= least


@few_examples
@given(seed=st.integers(0, 10_000), complementary=st.booleans(), count=st.integers(0, 12))
def test_no_square_of_a_sampling_maps_grid_is_turned_over(seed: int, complementary: bool, count: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    response = torch.rand(4, 31, 31, generator=generator, dtype=torch.float64) ** 3
    peaks = torch.zeros(4, 961, dtype=torch.bool)
    peaks.scatter_(1, torch.randint(0, 961, (4, max(count, 1)), generator=generator), count > 0)
    beta = beta_from_radius(torch.tensor(0.3 if complementary else 0.09, dtype=torch.float64), 31)
    grid = sampling_grid(sampling_map(peaks.view(4, 31, 31), response, beta, complementary=complementary))
    area, free = _areas(grid)
    assert float(area.min(dim=1).values.min()) > -0.5  # a sliver where the clamp cuts a square
    assert float(area[free].min()) >= -1e-12


@few_examples
@given(kind=st.sampled_from(["rough", "steep", "few hot", "corner"]), seed=st.integers(0, 10_000))
def test_no_square_is_turned_over_where_every_cell_weighs_something(kind: str, seed: int) -> None:
    quality = any_map(kind, 1.0, seed)
    area, free = _areas(sampling_grid(quality / quality.amax().clamp(min=1e-9) + 0.02))
    assert float(torch.where(free, area, 0).min()) >= -1e-12


def _areas(grid: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Signed areas of the grid's squares in cells, (B, N), and which squares the clamp did not touch."""
    cells = grid * 15
    right = cells[:, :, 1:] - cells[:, :, :-1]
    down = cells[:, 1:] - cells[:, :-1]
    right, down = (right[:, 1:] + right[:, :-1]) / 2, (down[:, :, 1:] + down[:, :, :-1]) / 2
    inside = (grid.abs() < 1).all(dim=-1)
    free = inside[:, 1:, 1:] & inside[:, 1:, :-1] & inside[:, :-1, 1:] & inside[:, :-1, :-1]
    area = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    return area.flatten(1), free.flatten(1)


@few_examples
@given(scale=st.sampled_from([1e-30, 1e-6, 1e6, 1e30]), seed=st.integers(0, 1000))
def test_the_scale_of_q_does_not_matter(scale: float, seed: int) -> None:
    quality = any_map("rough", 1.0, seed) + 0.1
    assert torch.allclose(sampling_grid(quality * scale), sampling_grid(quality), atol=1e-12)


def test_more_weight_means_more_room() -> None:
    quality = torch.full((1, 31, 31), 0.09)
    quality[0, 10, 20] = 5
    larger = magnification(sampling_grid(quality))[0]
    assert float(larger[10, 20]) > 1.5
    assert float(larger[25, 3]) < 1
    grid = sampling_grid(quality)
    nearest = (grid - torch.tensor([20 / 15 - 1, 10 / 15 - 1])).norm(dim=-1)[0]
    assert int((nearest < 1 / 15).sum()) > int(
        (identity_grid(1, 31, 31, like=quality)[0] - grid[0, 10, 20]).norm(dim=-1).lt(1 / 15).sum()
    )


def test_the_gaussian_and_the_kernel_path_agree_on_any_shape() -> None:
    quality = torch.rand(3, 19, 31, dtype=torch.float64)
    assert torch.allclose(sampling_grid(quality), sampling_grid(quality, kernel=gaussian_kernel()), atol=1e-12)
    narrow = gaussian_kernel(1.5)
    assert torch.allclose(sampling_grid(quality, sigma=1.5), sampling_grid(quality, kernel=narrow), atol=1e-12)


def test_a_kernel_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="61"):
        sampling_grid(torch.rand(1, 31, 31), kernel=torch.ones(31, 31))


def test_a_kernel_that_has_learned_its_way_below_zero_gives_a_finite_grid() -> None:
    grid = sampling_grid(torch.rand(2, 31, 31), kernel=torch.randn(61, 61))
    assert bool(grid.isfinite().all())
    assert float(grid.abs().max()) <= 1
    nothing = sampling_grid(torch.rand(1, 31, 31), kernel=torch.zeros(61, 61))
    assert torch.equal(nothing, identity_grid(1, 31, 31, like=nothing))


def test_inference_first_does_not_hinder_training_later() -> None:
    quality = torch.rand(1, 17, 17)
    with torch.inference_mode():
        sampling_grid(quality, sigma=3.21)
    quality.requires_grad_()
    sampling_grid(quality, sigma=3.21).sum().backward()
    assert quality.grad is not None


def test_warping_with_the_identity_changes_nothing() -> None:
    images = torch.rand(2, 3, 20, 24)
    grid = identity_grid(2, 20, 24, like=images)
    for layout in (torch.contiguous_format, torch.channels_last):
        assert torch.allclose(warp(images.contiguous(memory_format=layout), grid), images, atol=1e-5)
    assert warp(images.bfloat16(), grid).dtype == torch.bfloat16


def test_resized_grids_agree_in_any_memory_order_under_autocast() -> None:
    cells = sampling_grid(torch.rand(2, 31, 31))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = resize_grid(cells, 64)
    assert torch.equal(cast, resize_grid(cells, (64, 64)))
    assert resize_grid(cells, 31) is cells
    images = torch.rand(2, 3, 64, 64)
    assert torch.allclose(warp(images, cast), warp(images, cast.contiguous()), atol=1e-6)


@pytest.mark.parametrize("complementary", [False, True])
def test_gradient_of_the_radius_through_map_grid_and_warp(complementary: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    response = torch.rand(1, 9, 9, generator=generator, dtype=torch.float64)
    peaks = (response > 0.8).double()
    # A smooth image and a coarse output: bilinear sampling has kinks at the pixels.
    images = torch.linspace(0, 1, 12, dtype=torch.float64).square().expand(1, 1, 12, 12)
    images = images + images.transpose(2, 3)
    radius = torch.tensor(0.17, dtype=torch.float64, requires_grad=True)

    def warped(radius: torch.Tensor) -> torch.Tensor:
        quality = sampling_map(peaks, response, beta_from_radius(radius, 9), complementary=complementary)
        return warp(images, sampling_grid(quality, output_size=5))

    assert torch.autograd.gradcheck(warped, (radius,), eps=1e-7, atol=1e-6)
    assert float(torch.autograd.grad(warped(radius).sum(), radius)[0].abs()) > 0


def test_gradient_of_a_given_kernel() -> None:
    generator = torch.Generator().manual_seed(2)
    quality = torch.rand(1, 3, 3, generator=generator, dtype=torch.float64)
    kernel = gaussian_kernel().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda kernel: sampling_grid(quality, kernel=kernel), (kernel,), fast_mode=True, atol=1e-6
    )
    grid = sampling_grid(quality, kernel=kernel)
    assert float(torch.autograd.grad(grid[..., 0].square().sum(), kernel)[0].abs().max()) > 0


def test_gradient_of_q() -> None:
    quality = (torch.rand(2, 6, 6, dtype=torch.float64) + 0.2).requires_grad_()
    assert torch.autograd.gradcheck(lambda q: sampling_grid(q, output_size=8), (quality,))
