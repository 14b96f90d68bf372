import loop_reference as loops
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from method_examples import few_examples

from s3n_core.method.ablations import coin_peaks
from s3n_core.method.peaks import extreme_peaks, find_peaks, split_peaks

# Few distinct values on small maps: many plateaus and ties, all exactly representable.
PLANES = npst.arrays(
    np.float64, st.tuples(st.integers(3, 9), st.integers(3, 9)), elements=st.sampled_from([0, 0.25, 0.5, 1])
)


@pytest.mark.parametrize("floor", ["mean", "none", 0.5])
@pytest.mark.parametrize("window", [3, 5, 7])
@few_examples
@given(plane=PLANES)
def test_peaks_are_the_first_maxima_of_their_windows(plane: np.ndarray, window: int, floor: str | float) -> None:
    found = find_peaks(torch.from_numpy(plane)[None], window=window, floor=floor)[0].numpy()
    assert np.array_equal(found, loops.peaks(plane, window, floor))


@few_examples
@given(plane=PLANES)
def test_no_two_peaks_share_a_window(plane: np.ndarray) -> None:
    rows, columns = find_peaks(torch.from_numpy(plane)[None], floor="none")[0].nonzero(as_tuple=True)
    apart = torch.maximum((rows[:, None] - rows).abs(), (columns[:, None] - columns).abs())
    assert bool((apart.fill_diagonal_(9) > 1).all())


def test_every_image_of_a_batch_is_judged_by_itself() -> None:
    planes = torch.rand(5, 31, 31)
    together = find_peaks(planes)
    assert torch.equal(together, torch.cat([find_peaks(plane[None]) for plane in planes]))
    assert torch.equal(find_peaks(planes * torch.tensor([1, 2, 3, 4, 5.0])[:, None, None]), together)


def test_a_flat_map_and_a_zero_map_have_no_peak_and_a_plateau_has_one() -> None:
    planes = torch.stack([torch.ones(9, 9), torch.zeros(9, 9), torch.zeros(9, 9)])
    planes[2, 3:5, 6:8] = 1
    found = find_peaks(planes)
    assert found[:2].sum() == 0
    assert found[2].nonzero().tolist() == [[3, 6]]


def test_peaks_on_corners_and_edges_are_found() -> None:
    plane = torch.zeros(1, 9, 9)
    for row, column in ((0, 0), (0, 8), (8, 0), (8, 8), (0, 4), (4, 0), (8, 4), (4, 8)):
        plane[0, row, column] = 1
    assert torch.equal(find_peaks(plane), plane > 0)


@pytest.mark.parametrize("window", [0, 1, 2, 4])
def test_a_window_must_be_odd_and_at_least_three(window: int) -> None:
    with pytest.raises(ValueError, match="odd"):
        find_peaks(torch.rand(1, 9, 9), window=window)


@few_examples
@given(seed=st.integers(0, 10_000))
def test_splits_are_disjoint_and_complete(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    response = torch.rand(3, 15, 15, generator=generator).mul(8).round().div(8)
    draws = torch.rand(3, 15, 15, generator=generator).mul(8).floor().div(8)
    peaks = find_peaks(response)
    for split in (split_peaks(peaks, response, draws), coin_peaks(peaks, draws)):
        assert not bool((split[0] & split[1]).any())
        assert torch.equal(split[0] | split[1], peaks)
    discriminative, complementary = split_peaks(peaks, response, draws)
    assert bool(discriminative[peaks & (response == 1)].all())  # a response of 1 is always discriminative
    assert bool(complementary[peaks & (response == draws)].all())


def test_the_share_of_a_split_is_the_response() -> None:
    response = torch.full((1, 200, 200), 0.3)
    peaks = torch.ones_like(response, dtype=torch.bool)
    assert split_peaks(peaks, response, torch.rand_like(response))[0].float().mean() == pytest.approx(0.3, abs=0.01)
    assert coin_peaks(peaks, torch.rand_like(response))[0].float().mean() == pytest.approx(0.5, abs=0.01)


def test_extremes_take_the_first_of_equals_and_none_where_there_is_none() -> None:
    response = torch.tensor([[[0.0, 0.9, 0, 0.4, 0, 0.9, 0, 0.4]]]).expand(3, 1, 8).clone()
    peaks = response > 0
    peaks[1] = False
    peaks[2, 0, :] = torch.arange(8) == 3
    highest, lowest = extreme_peaks(peaks, response)
    assert highest[0].nonzero().tolist() == [[0, 1]]
    assert lowest[0].nonzero().tolist() == [[0, 3]]
    assert highest[1].sum() == lowest[1].sum() == 0
    assert torch.equal(highest[2], peaks[2])
    assert torch.equal(lowest[2], peaks[2])
