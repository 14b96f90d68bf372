import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from method_examples import few_examples

from s3n_core.method.sparse_attention import beta_from_radius, sampling_map


def _one_peak(row: int, column: int, strength: float) -> tuple[torch.Tensor, torch.Tensor]:
    peaks = torch.zeros(1, 11, 13, dtype=torch.float64)
    response = torch.full_like(peaks, 0.1)
    peaks[0, row, column], response[0, row, column] = 1, strength
    return peaks, response


def test_one_peak_by_hand() -> None:
    peaks, response = _one_peak(4, 6, 0.5)
    quality = sampling_map(peaks, response, 2.0, base=0.09)
    assert float(quality[0, 4, 6]) == pytest.approx(0.09 + 0.5)
    assert float(quality[0, 5, 8]) == pytest.approx(0.09 + 0.5 * math.exp(-5 / (0.5 * 4)))
    complementary = sampling_map(peaks, response, 2.0, complementary=True, base=0.09)
    assert float(complementary[0, 4, 5]) == pytest.approx(0.09 + 2 * math.exp(-1 / (0.5 * 4)))


def test_attention_adds_up_and_images_do_not_mix() -> None:
    first, second = _one_peak(2, 3, 0.5), _one_peak(9, 12, 0.8)
    both = first[0] + second[0], torch.where(second[0] > 0, second[1], first[1])
    alone = sampling_map(*first, 2.0, base=0) + sampling_map(*second, 2.0, base=0)
    assert torch.allclose(sampling_map(*both, 2.0, base=0), alone)
    batch = sampling_map(torch.cat([first[0], second[0]]), torch.cat([first[1], second[1]]), 2.0)
    assert torch.allclose(batch, torch.cat([sampling_map(*first, 2.0), sampling_map(*second, 2.0)]))


def test_expected_weights_are_the_mean_of_q_over_random_splits() -> None:
    peaks, response = _one_peak(4, 6, 0.3)
    weight = peaks * response
    mean = 0.3 * sampling_map(peaks, response, 2.0) + 0.7 * sampling_map(peaks * 0, response, 2.0)
    assert torch.allclose(sampling_map(weight, response, 2.0), mean)


def test_a_weak_peak_is_bounded_and_without_peaks_q_is_the_base() -> None:
    peaks, response = _one_peak(4, 6, 0.0)
    assert float(sampling_map(peaks, response, 2.0, complementary=True).max()) == pytest.approx(0.09 + 1e3)
    assert torch.equal(sampling_map(peaks * 0, response, 2.0), torch.full_like(response, 0.09))


def test_radius_becomes_beta_in_cells_with_a_floor() -> None:
    assert float(beta_from_radius(torch.tensor(0.09), 31)) == pytest.approx(math.sqrt(2) * 0.09 * 31)
    assert float(beta_from_radius(torch.tensor(-3.0), 31)) == 0.5


@few_examples
@given(
    seed=st.integers(0, 1000),
    beta=st.sampled_from([0.0, 0.5, 3.9, 13.0, 1e4]),
    complementary=st.booleans(),
    level=st.sampled_from([0.0, 1e-30, 1e-4, 0.5, 1.0]),
)
def test_q_is_finite_and_at_least_the_base(seed: int, beta: float, complementary: bool, level: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    response = torch.rand(2, 31, 31, generator=generator) * level
    peaks = torch.rand(2, 31, 31, generator=generator) < 0.05
    quality = sampling_map(peaks, response, beta, complementary=complementary)
    assert bool(quality.isfinite().all())
    assert float(quality.min()) >= 0.09 - 1e-7


def test_half_precision_and_autocast_do_not_change_q() -> None:
    response = torch.rand(2, 31, 31)
    peaks = response > 0.9
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = sampling_map(peaks, response, 3.9, complementary=True)
    assert torch.equal(cast, sampling_map(peaks, response, 3.9, complementary=True))
    assert sampling_map(peaks, response.half(), 3.9).dtype == torch.float32


@pytest.mark.parametrize("complementary", [False, True])
def test_gradients_of_radius_weights_and_response(complementary: bool) -> None:
    response = (torch.rand(2, 7, 7, dtype=torch.float64) * 0.8 + 0.1).requires_grad_()
    weight = torch.rand(2, 7, 7, dtype=torch.float64).requires_grad_()
    radius = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)

    def quality(weight: torch.Tensor, response: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
        return sampling_map(weight, response, beta_from_radius(radius, 7), complementary=complementary)

    assert torch.autograd.gradcheck(quality, (weight, response, radius))
