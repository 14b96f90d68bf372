from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from s3n_core.method.configuration import NetworkConfig, Sampling
from s3n_core.method.resampling import identity_grid
from s3n_core.method.sampler import Response, SelectiveSampler


def _answer(sampler: SelectiveSampler, **changes: torch.Tensor) -> Response:
    config = sampler.config
    generator = torch.Generator().manual_seed(3)
    features = torch.rand(3, 5, 7, 7, generator=generator)
    weight = torch.randn(config.num_classes, 5, generator=generator)
    given = {"features": features, "weight": weight, "bias": torch.zeros(config.num_classes)} | changes
    return sampler.respond(**given, logits=torch.einsum("bdhw,cd->bc", given["features"], given["weight"]) / 49)


@pytest.fixture
def sampler() -> SelectiveSampler:
    return SelectiveSampler(NetworkConfig(num_classes=12))


def test_random_needs_draws_and_obeys_them(sampler: SelectiveSampler) -> None:
    answer = _answer(sampler)
    for mode in ("random", "coin"):
        with pytest.raises(ValueError, match="draws"):
            sampler.choose(answer.peaks, answer.response, mode, None)
    everything, nothing = sampler.choose(answer.peaks, answer.response, "random", torch.zeros_like(answer.response))
    assert torch.equal(everything, answer.peaks.float())
    assert float(nothing.sum()) == 0


@pytest.mark.parametrize("mode", ["all", "extremes", "expected", "identity"])
def test_deterministic_modes_need_no_draws(sampler: SelectiveSampler, mode: Sampling) -> None:
    answer, samples = sampler(_answer(sampler), mode, None)
    again = sampler(_answer(sampler), mode, None)[1]
    assert torch.equal(samples.grid_d, again.grid_d)
    assert torch.equal(samples.grid_c, again.grid_c)
    both = samples.weight_d + samples.weight_c
    if mode == "expected":
        assert torch.allclose(both, answer.peaks.float())
        assert torch.equal(samples.weight_d, answer.peaks * answer.response)
    elif mode == "extremes":
        assert samples.weight_d.sum(dim=(1, 2)).tolist() == [1, 1, 1]
    else:
        assert torch.equal(both, 2 * answer.peaks.float())
    if mode == "identity":
        assert torch.equal(samples.grid_d, identity_grid(3, 31, 31, like=samples.grid_d))


def test_one_image_of_a_batch_is_sampled_as_alone(sampler: SelectiveSampler) -> None:
    generator = torch.Generator().manual_seed(1)
    features = torch.rand(3, 5, 7, 7, generator=generator)
    together = sampler(_answer(sampler, features=features), "expected", None)[1]
    alone = sampler(_answer(sampler, features=features[1:2]), "expected", None)[1]
    assert torch.allclose(together.grid_c[1], alone.grid_c[0], atol=1e-5)


@pytest.mark.parametrize("kind", ["flat", "one-hot", "huge", "zero"])
@pytest.mark.parametrize("form", ["paper", "release"])
@pytest.mark.parametrize("attention", ["sparse", "saliency", "response"])
def test_any_finite_features_give_finite_grids(kind: str, form: str, attention: str) -> None:
    sampler = SelectiveSampler(NetworkConfig(num_classes=12, form=form, attention=attention))
    features = torch.full((3, 5, 7, 7), 0.3)
    if kind == "one-hot":
        features = torch.zeros(3, 5, 7, 7)
        features[:, 2, 0, 6] = 1e4
    elif kind == "huge":
        features = torch.randn(3, 5, 7, 7).sign() * 1e38
    elif kind == "zero":
        features = torch.zeros(3, 5, 7, 7)
    for mode in ("random", "coin", "all", "extremes", "expected"):
        answer, samples = sampler(_answer(sampler, features=features), mode, torch.rand(3, 31, 31))
        assert bool(answer.response.isfinite().all())
        assert bool(answer.entropy.isfinite().all())
        for grid in (samples.map_d, samples.map_c, samples.grid_d, samples.grid_c):
            assert bool(grid.isfinite().all())
        if kind in ("flat", "zero") and attention == "sparse":
            assert int(answer.peaks.sum()) == 0
            assert torch.allclose(samples.grid_d, identity_grid(3, 31, 31, like=samples.grid_d), atol=1e-5)


@pytest.mark.parametrize("form", ["paper", "release"])
def test_each_step_alone_is_float32_under_autocast(form: str) -> None:
    sampler = SelectiveSampler(NetworkConfig(num_classes=12, form=form))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        answer = _answer(sampler, features=torch.rand(3, 5, 7, 7).bfloat16())
        weights = sampler.choose(answer.peaks, answer.response, "expected", None)
        cast = sampler.sample(answer.response, *weights)
    plain = sampler.sample(answer.response, *weights)
    assert answer.response.dtype == torch.float32
    for name in ("map_d", "map_c", "grid_d", "grid_c"):
        assert torch.equal(getattr(cast, name), getattr(plain, name)), name


def test_nothing_flows_into_the_response_unless_asked_for() -> None:
    features, weight = torch.rand(3, 5, 7, 7, requires_grad=True), torch.randn(12, 5, requires_grad=True)
    for wanted in (False, True):
        sampler = SelectiveSampler(NetworkConfig(num_classes=12, response_gradient=wanted))
        answer, samples = sampler(_answer(sampler, features=features, weight=weight), "expected", None)
        assert answer.response.requires_grad is wanted
        assert not answer.peaks.requires_grad
        samples.grid_c[..., 0].square().sum().backward()
        assert (features.grad is not None) is wanted
        assert (weight.grad is not None) is wanted
        assert float(sampler.radius_c.grad.abs()) > 0
        assert sampler.radius_d.grad is not None
        assert float(sampler.radius_d.grad) == 0


@pytest.mark.parametrize("mode", ["expected", "all"])
def test_gradient_of_the_response_through_the_whole_sampler(mode: Sampling) -> None:
    config = NetworkConfig(num_classes=6, map_size=7, response_gradient=True, kernel_fwhm=4)
    sampler = SelectiveSampler(config).double()
    features = torch.rand(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)

    def grids(features: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        answer = sampler.respond(features, weight, torch.zeros(6), torch.zeros(1, 6).double())
        samples = sampler(answer, mode, None)[1]
        return samples.grid_d + 2 * samples.grid_c

    assert torch.autograd.gradcheck(grids, (features, weight), atol=1e-5, fast_mode=True)


def test_controls_replace_the_warps() -> None:
    choices: dict[str, Callable[[torch.Tensor], bool]] = {
        "identity": lambda grid: torch.equal(grid, identity_grid(3, 31, 31, like=grid)),
        "hard_crop": lambda grid: bool(torch.allclose(grid[:, 0, -1, 0] - grid[:, 0, 0, 0], torch.tensor(1.0))),
    }
    for control, holds in choices.items():
        sampler = SelectiveSampler(NetworkConfig(num_classes=12, control=control))
        samples = sampler(_answer(sampler), "expected", None)[1]
        assert holds(samples.grid_d)
        assert holds(samples.grid_c)
    scattered = SelectiveSampler(NetworkConfig(num_classes=12, control="random_places"))
    with pytest.raises(ValueError, match="draws"):
        scattered(_answer(scattered), "expected", None)
    before = _answer(scattered)
    after, _ = scattered(before, "expected", torch.rand(3, 31, 31))
    assert torch.equal(after.peaks.sum(dim=(1, 2)), before.peaks.sum(dim=(1, 2)))
    assert not torch.equal(after.peaks, before.peaks)


def test_controls_with_places_of_other_images_and_of_the_centre() -> None:
    sampler = SelectiveSampler(NetworkConfig(num_classes=12, control="other_image"))
    before = _answer(sampler)
    after, samples = sampler(before, "all", None)
    for image in range(3):
        assert torch.equal(after.peaks[image], before.peaks[image - 1])
        assert torch.equal(after.response[image], before.response[image - 1])
        own = sampler.sample(before.response[image - 1 :][:1], *[before.peaks[image - 1 :][:1].float()] * 2)
        assert torch.allclose(samples.grid_d[image], own.grid_d[0], atol=1e-6)
    alone = replace(before, **{name: getattr(before, name)[:1] for name in ("peaks", "response")})
    mirrored, _ = sampler(alone, "all", None)
    assert torch.equal(mirrored.peaks, alone.peaks.flip(-1))

    sampler = SelectiveSampler(NetworkConfig(num_classes=12, control="centre"))
    central, samples = sampler(before, "all", None)
    assert central.peaks.nonzero().tolist() == [[image, 15, 15] for image in range(3)]
    assert central.response[:, 15, 15].tolist() == [1.0] * 3
    assert torch.allclose(samples.grid_d, -samples.grid_d.flip(1, 2), atol=1e-5), "symmetric about the centre"
    assert (samples.grid_d[:, 15, 20, 0] < identity_grid(3, 31, 31, like=samples.grid_d)[:, 15, 20, 0]).all(), (
        "magnified"
    )
