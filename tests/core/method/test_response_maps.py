import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from method_examples import few_examples

from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.peaks import find_peaks
from s3n_core.method.response_maps import (
    class_response_maps,
    gate_entropy,
    merge_response_maps,
    min_max,
    resize_map,
)
from s3n_core.method.sampler import SelectiveSampler


def test_maps_average_to_the_logits_without_bias() -> None:
    features, head = torch.rand(2, 7, 5, 4), torch.nn.Linear(7, 3)
    maps = class_response_maps(features, head.weight)
    assert maps.shape == (2, 3, 5, 4)
    assert torch.allclose(maps.mean(dim=(2, 3)) + head.bias, head(features.mean(dim=(2, 3))), atol=1e-6)


def test_entropy_by_hand() -> None:
    uniform = torch.zeros(1, 200)
    assert float(gate_entropy(uniform, 5)) == pytest.approx(5 / 200 * math.log(200), rel=1e-6)
    assert float(gate_entropy(uniform, 5)) == pytest.approx(0.13, abs=0.003)  # an untrained network counts as certain
    assert float(gate_entropy(torch.tensor([[0.0, 0.0]]), 5)) == pytest.approx(math.log(2))
    assert float(gate_entropy(torch.tensor([[1000.0, 0.0, 0.0]]), 3)) == 0.0
    smoothed = torch.tensor([[0.85] + [0.15 / 9] * 9]).log()
    assert float(gate_entropy(smoothed, 5)) == pytest.approx(0.41, abs=0.005)


def test_entropy_of_a_sure_image_is_not_lost_to_rounding() -> None:
    logits = torch.tensor([[18.0, 0, 0, 0, 0]], dtype=torch.float64)
    exact = float(gate_entropy(logits, 5))
    assert float(gate_entropy(logits.float(), 5)) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize(("classes", "merged"), [(1, 1), (2, 1), (3, 1), (4, 2), (9, 4), (10, 5), (200, 5)])
def test_never_all_classes_are_merged(classes: int, merged: int) -> None:
    assert NetworkConfig(num_classes=classes).merged_classes == merged


def test_top_one_where_sure_and_mean_of_top_five_where_not() -> None:
    maps = torch.rand(2, 12, 7, 7)
    logits = torch.randn(2, 12).mul(0.1)
    logits[0, 4] = 30.0
    response, entropy = merge_response_maps(maps, logits)
    assert entropy[0] <= 0.2 < entropy[1]
    top = maps[1, logits[1].topk(5).indices].mean(dim=0)
    assert torch.allclose(response, min_max(torch.stack([maps[0, 4], top])), atol=1e-6)


def test_few_classes_do_not_ask_for_more_maps_than_there_are() -> None:
    response, _ = merge_response_maps(torch.rand(1, 2, 7, 7), torch.zeros(1, 2), top_k=5)
    assert response.shape == (1, 7, 7)
    single, entropy = merge_response_maps(torch.rand(1, 1, 7, 7), torch.zeros(1, 1), top_k=5)
    assert float(entropy) == 0
    assert float(single.max()) == 1


@pytest.mark.parametrize("align", ["origins", "centres", "corners"])
def test_resizing_the_merged_map_is_merging_the_resized_maps(align: str) -> None:
    maps, logits = torch.rand(2, 12, 7, 7, dtype=torch.float64), torch.randn(2, 12, dtype=torch.float64)
    resized = torch.stack([resize_map(image, 31, align=align) for image in maps])
    first, _ = merge_response_maps(maps, logits, map_size=31, align=align)
    then, _ = merge_response_maps(resized, logits)
    assert torch.allclose(first, then, atol=1e-12)


def test_corners_is_torchs_bilinear_interpolation() -> None:
    maps = torch.rand(3, 7, 9, dtype=torch.float64)
    expected = F.interpolate(maps[:, None], size=(31, 31), mode="bilinear", align_corners=True)[:, 0]
    assert torch.allclose(resize_map(maps, 31, align="corners"), expected, atol=1e-12)


@pytest.mark.parametrize("size", [7, 14])
@pytest.mark.parametrize("cell", [1, 3, 5])
def test_a_hot_feature_cell_peaks_at_its_physical_place(size: int, cell: int) -> None:
    maps = torch.zeros(1, 1, size, size, dtype=torch.float64)
    maps[0, 0, cell, size - 2] = 1
    response, _ = merge_response_maps(maps, torch.zeros(1, 1), top_k=1, map_size=31, align="centres")
    row, column = find_peaks(response)[0].nonzero()[0].tolist()
    # Feature cell i covers the image from i/n to (i + 1)/n; the peak must be at its centre.
    assert row / 30 == pytest.approx((cell + 0.5) / size, abs=0.5 / 30 + 1e-9)
    assert column / 30 == pytest.approx((size - 1.5) / size, abs=0.5 / 30 + 1e-9)


@few_examples
@given(
    kind=st.sampled_from(["flat", "one-hot", "huge", "mixed", "tiny", "zero", "nan"]),
    saturated=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_response_is_finite_and_in_range_for_any_input(kind: str, saturated: bool, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(2, 12, 7, 7, generator=generator)
    if kind == "flat":
        maps = torch.full_like(maps, 3.7)
    elif kind == "one-hot":
        maps = torch.zeros_like(maps)
        maps[:, :, 3, 2] = 1
    elif kind in ("huge", "tiny"):
        maps = maps.sign() * (1e38 if kind == "huge" else 1e-38)
    elif kind == "mixed":
        maps[:, 0] *= 1e38
    elif kind == "zero":
        maps.zero_()
    else:
        maps[0, 0, 0, 0] = torch.nan
    logits = torch.randn(2, 12, generator=generator) * (3e38 if saturated else 1)
    response, entropy = merge_response_maps(maps, logits.nan_to_num(), map_size=31)
    assert bool(response.isfinite().all())
    assert bool(entropy.isfinite().all())
    assert bool((entropy >= 0).all())
    assert float(response.min()) >= 0
    assert float(response.max()) <= 1
    if kind in ("flat", "zero"):
        assert float(response.max()) == 0


@few_examples
@given(
    scale=st.floats(1e-6, 1e6),
    offset=st.floats(-100, 100),
)
def test_scale_and_offset_of_the_maps_do_not_matter(scale: float, offset: float) -> None:
    maps = torch.rand(1, 12, 7, 7, dtype=torch.float64)
    logits = torch.zeros(1, 12, dtype=torch.float64)
    before, _ = merge_response_maps(maps, logits)
    after, _ = merge_response_maps(maps * scale + offset, logits)
    assert torch.allclose(before, after, atol=1e-5)


def test_huge_values_of_both_signs_have_a_finite_span() -> None:
    maps = torch.tensor([[[-3.4e38, 3.4e38], [0.0, 0.0]]])
    assert min_max(maps).tolist() == [[[0.0, 1.0], [0.5, 0.5]]]


def test_autocast_does_not_reach_the_sampler() -> None:
    maps, logits = torch.rand(2, 12, 7, 7), torch.randn(2, 12)
    features, weight = torch.rand(2, 8, 7, 7), torch.randn(12, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = merge_response_maps(maps, logits, map_size=31), class_response_maps(features, weight)
    assert torch.equal(cast[0][0], merge_response_maps(maps, logits, map_size=31)[0])
    assert torch.equal(cast[1], class_response_maps(features, weight))
    assert class_response_maps(features.half(), weight.half()).dtype == torch.float32


def test_release_gate_is_the_mean_of_the_upsampled_maps_and_the_bias() -> None:
    sampler = SelectiveSampler(NetworkConfig(num_classes=9, form="release"))
    features, weight, bias = torch.rand(2, 5, 7, 7), torch.randn(9, 5), torch.randn(9)
    answer = sampler.respond(features, weight, bias, torch.randn(2, 9))
    upsampled = F.interpolate(
        F.conv2d(features, weight[:, :, None, None], bias), size=31, mode="bilinear", align_corners=True
    )
    expected = upsampled.mean(dim=(2, 3)).softmax(dim=1)
    assert torch.allclose(answer.logits.softmax(dim=1), expected, atol=1e-5)
    top = expected.topk(4, dim=1).values
    assert torch.allclose(answer.entropy, -(top * top.log()).sum(dim=1), atol=1e-5)


def test_gradient_of_the_response() -> None:
    features = torch.rand(1, 4, 4, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    for logits in (torch.zeros(1, 6), torch.tensor([[30.0, 0, 0, 0, 0, 0]])):

        def response(features: torch.Tensor, weight: torch.Tensor, logits: torch.Tensor = logits) -> torch.Tensor:
            maps = class_response_maps(features, weight)
            return merge_response_maps(maps, logits.double(), top_k=3, map_size=7)[0]

        assert torch.autograd.gradcheck(response, (features, weight))


def test_contrast_shows_what_the_best_class_has_more_than_its_rivals() -> None:
    maps = torch.zeros(1, 4, 3, 3)
    maps[0, :3, 0, 0] = 1.0  # what the best three share
    maps[0, 0, 2, 1] = 0.5  # what only the best has
    maps[0, 1, 1, 2] = 0.8  # what only a rival has
    unsure, sure = torch.tensor([[0.3, 0.2, 0.1, 0.0]]), torch.tensor([[50.0, 0.0, 0.0, 0.0]])
    shared, entropy = merge_response_maps(maps, unsure, top_k=3)
    assert entropy > 0.2
    assert shared[0, 0, 0] == 1
    contrast, same = merge_response_maps(maps, unsure, top_k=3, contrast=True)
    assert same == entropy
    assert contrast[0].nonzero().tolist() == [[2, 1]]
    for options in ({"top_k": 1}, {"top_k": 3}):
        assert torch.equal(
            merge_response_maps(maps, sure, contrast=True, **options)[0], merge_response_maps(maps, sure, **options)[0]
        )
