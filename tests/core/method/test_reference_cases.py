"""The sampler compared with external reference numbers, and with its equations cell by cell."""

from pathlib import Path

import loop_reference as loops
import numpy as np
import pytest
import torch
from torch import Tensor

from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.peaks import extreme_peaks, find_peaks, split_peaks
from s3n_core.method.resampling import FWHM_TO_SIGMA, gaussian_kernel, resize_grid, sampling_grid
from s3n_core.method.response_maps import class_response_maps, merge_response_maps
from s3n_core.method.sampler import SelectiveSampler
from s3n_core.method.sparse_attention import sampling_map

CASES = ("unsure", "sure", "coarse", "few_classes", "native", "no_floor")
MODES = ("random", "all", "extremes", "expected")
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}


class Case:
    """One case's arrays as tensors with a batch axis."""

    def __init__(self, path: Path, name: str, dtype: torch.dtype) -> None:
        with np.load(path) as archive:
            self.arrays = {k.split(".")[1]: archive[k] for k in archive.files if k.split(".")[0] == name}
        self.dtype = dtype

    def __getitem__(self, name: str) -> Tensor:
        tensor = torch.from_numpy(np.asarray(self.arrays[name]))[None]
        return tensor.to(self.dtype) if tensor.is_floating_point() else tensor

    def number(self, name: str) -> float:
        return float(self.arrays[name])

    @property
    def top_k(self) -> int:
        return int(self.arrays.get("top_k", 5))

    @property
    def floor(self) -> str:
        return "mean" if self.number("floor") else "none"

    def check(self, name: str, value: Tensor) -> None:
        expected = torch.from_numpy(np.asarray(self.arrays[name]))
        # The terms of an entropy near 0 cancel, so its last bits differ between processors: compare absolute errors.
        scale = expected.abs().max().clamp(min=1.0) if name == "entropy" else expected.abs().max()
        error = (value[0].double() - expected).abs().max() / scale
        assert error <= TOLERANCE[self.dtype], f"{name}: {float(error):.1e}"


@pytest.fixture
def archive(shared: Path) -> Path:
    path = shared / "reference" / "sampler_cases.npz"
    if not path.is_file():
        pytest.skip(f"the reference numbers are not here ({path})")
    return path


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_response_and_peaks_are_those_of_the_reference(archive: Path, name: str, dtype: torch.dtype) -> None:
    case = Case(archive, name, dtype)
    maps = class_response_maps(case["features"], case["weight"][0])
    case.check("maps", maps)
    response, entropy = merge_response_maps(maps, case["logits"], top_k=case.top_k, map_size=31, align="corners")
    case.check("response", response)
    case.check("entropy", entropy)
    assert torch.equal(find_peaks(response, floor=case.floor), case["peaks"])


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CASES)
def test_maps_and_grids_are_those_of_the_reference(archive: Path, name: str, mode: str, dtype: torch.dtype) -> None:
    case = Case(archive, name, dtype)
    sampler = SelectiveSampler(NetworkConfig(num_classes=3))
    weight_d, weight_c = sampler.choose(case["peaks"], case["response"], mode, case["draws"])
    for branch, weight, beta in (("d", weight_d, "beta1"), ("c", weight_c, "beta2")):
        quality = sampling_map(
            weight, case["response"], case.number(beta), complementary=branch == "c", base=case.number("base")
        )
        case.check(f"{mode}_q_{branch}", quality)
        case.check(f"{mode}_grid_{branch}", sampling_grid(quality, sigma=case.number("sigma")))
        kernel = gaussian_kernel(case.number("sigma")).to(dtype)
        case.check(f"{mode}_grid_{branch}", sampling_grid(quality, kernel=kernel))


@pytest.mark.parametrize("mode", MODES)
def test_whole_sampler_gives_the_references_grids(archive: Path, mode: str) -> None:
    case = Case(archive, "unsure", torch.float64)
    config = NetworkConfig(num_classes=200, form="release")
    sampler = SelectiveSampler(config).double()
    with torch.no_grad():
        sampler.radius_d.copy_(torch.tensor(config.radius_d, dtype=torch.float64))
        sampler.radius_c.copy_(torch.tensor(config.radius_c, dtype=torch.float64))
        sampler.kernel.copy_(gaussian_kernel())
    maps = class_response_maps(case["features"], case["weight"][0])
    response, _ = merge_response_maps(maps, case["logits"], map_size=31, align="corners")
    weight_d, weight_c = sampler.choose(find_peaks(response), response, mode, case["draws"])
    samples = sampler.sample(response, weight_d, weight_c)
    for name in ("q_d", "grid_d", "q_c", "grid_c"):
        case.check(f"{mode}_{name}", getattr(samples, name.replace("q", "map")))


@pytest.mark.parametrize("align", ["origins", "centres", "corners"])
@pytest.mark.parametrize("sharpness", [0.1, 40.0], ids=["unsure", "sure"])
def test_equations_cell_by_cell(align: str, sharpness: float) -> None:
    generator = np.random.default_rng(5)
    features, weight = generator.random((6, 5, 5)), generator.standard_normal((8, 6))
    size, sigma, window = 13, 13 * FWHM_TO_SIGMA, 3
    maps = loops.class_maps(features, weight)
    logits = maps.mean(axis=(1, 2)) * sharpness
    expected = loops.response(maps, logits, threshold=0.2, top_k=4, size=size, align=align)
    peaks = loops.peaks(expected, window, "mean")
    assert peaks.sum() >= 1

    ours = class_response_maps(torch.from_numpy(features)[None], torch.from_numpy(weight))
    assert _near(ours[0], maps)
    response, entropy = merge_response_maps(ours, torch.from_numpy(logits)[None], top_k=4, map_size=size, align=align)
    assert float(entropy) == pytest.approx(loops.entropy(logits, 4), rel=1e-10, abs=1e-10)
    assert (float(entropy) <= 0.2) == (sharpness > 1)
    assert _near(response[0], expected)
    assert np.array_equal(find_peaks(response)[0].numpy(), peaks)

    draws = generator.random((size, size))
    weights_d, weights_c = split_peaks(
        torch.from_numpy(peaks)[None], torch.from_numpy(expected)[None], torch.from_numpy(draws)[None]
    )
    assert np.array_equal(weights_d[0].numpy(), peaks & (expected > draws))
    first = (peaks & (expected == expected[peaks].max())).nonzero()
    highest, lowest = extreme_peaks(torch.from_numpy(peaks)[None], response)
    assert [tuple(place) for place in highest[0].nonzero().tolist()] == [(first[0][0], first[1][0])]
    assert float(response[lowest]) == pytest.approx(expected[peaks].min())
    for weights, complementary, beta in (
        (weights_d, False, 2.0),
        (weights_c, True, 5.0),
        (peaks[None] * 0.5, True, 5.0),
    ):
        weights = np.asarray(weights, dtype=np.float64)
        quality = sampling_map(torch.from_numpy(weights), response, beta, complementary=complementary, base=0.07)
        by_loops = loops.sampling_map(weights[0], expected, beta, complementary=complementary, base=0.07)
        assert _near(quality[0], by_loops)
        assert _near(sampling_grid(quality, sigma=sigma)[0], loops.grid(by_loops, loops.gaussian(sigma)))
        kernel = generator.random((61, 61))
        assert _near(sampling_grid(quality, kernel=torch.from_numpy(kernel))[0], loops.grid(by_loops, kernel))


def test_full_size_grid_is_the_cells_upsampled_with_aligned_corners() -> None:
    cells = sampling_grid(torch.rand(2, 31, 31, dtype=torch.float64))
    full = resize_grid(cells, (50, 70))
    planes = torch.nn.functional.interpolate(
        cells.permute(0, 3, 1, 2), size=(50, 70), mode="bilinear", align_corners=True
    )
    assert full.shape == (2, 50, 70, 2)
    assert torch.allclose(full, planes.permute(0, 2, 3, 1), atol=1e-12)
    assert torch.equal(sampling_grid(torch.ones(1, 31, 31), output_size=(50, 70)).isnan().any(), torch.tensor(False))


def _near(ours: Tensor, expected: np.ndarray) -> bool:
    return bool((ours - torch.from_numpy(expected)).abs().max() <= 1e-10 * np.abs(expected).max())
