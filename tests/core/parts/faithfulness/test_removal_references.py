"""Insertion, deletion and relative drop held against other programs, on a picture whose probability is a known formula.

Captum removes groups of pixels (``FeatureAblation``); Quantus flips pixels in order (``PixelFlipping``). Captum belongs to the
extra ``test``. Quantus does not: it installs ``opencv-python``, whose Qt does not go with the window's; where it is installed
all the same, the test runs.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.integrate import trapezoid
from test_faithfulness import GAIN, SIDE, measured, red_or_not  # noqa: F401  (a fixture)

from s3n_core.datasets.records import ImageRecord
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import MEAN, STD
from s3n_core.parts.faithfulness.faithfulness import BLUR, PATCHES
from s3n_core.parts.faithfulness.removal_curves import FRACTIONS, area_under, removal_order, removed

BLOCKS = 10
"""Squares of one red along a side; each is one cell of the network and 2 x 2 patches."""


@pytest.fixture
def reds() -> NDArray[np.uint8]:
    """The red of every square, all different."""
    return (np.random.default_rng(7).permutation(BLOCKS**2) * 2 + 55).reshape(BLOCKS, BLOCKS).astype(np.uint8)


def probability(views: torch.Tensor) -> torch.Tensor:
    """Return the probability of class 0 for views (B, 3, SIDE, SIDE), 0 ... 255; that of class 1 is the rest."""
    red = (views[:, 0].mean(dim=(1, 2)) / 255 - MEAN[0]) / STD[0]
    return torch.sigmoid(2 * GAIN * red)


def test_captum_removes_the_same_and_finds_the_same_numbers(
    red_or_not: Model,  # noqa: F811
    reds: NDArray[np.uint8],
    tmp_path: Path,
) -> None:
    captum: Any = pytest.importorskip("captum.attr")
    pixels = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    pixels[..., 0] = np.kron(reds, np.ones((SIDE // BLOCKS, SIDE // BLOCKS), dtype=np.uint8))
    picture = Image.fromarray(pixels)
    records = []
    for name, image in (("red.png", picture), ("black.png", Image.new("RGB", (SIDE, SIDE)))):
        image.save(tmp_path / name)
        records.append(ImageRecord(path=tmp_path / name, name=name, label=0))
    ours = measured(red_or_not, records).images[0].values

    def view(image: Image.Image) -> torch.Tensor:
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].double()

    patches = np.kron(reds.astype(int), np.ones((2, 2), dtype=int)).reshape(-1)
    place = np.empty(PATCHES**2, dtype=int)
    place[np.argsort(-patches, kind="stable")] = np.arange(PATCHES**2)  # the patches of most red first
    side = SIDE // PATCHES
    order = torch.from_numpy(np.kron(place.reshape(PATCHES, PATCHES), np.ones((side, side), dtype=int)))
    fills = {
        "blur": picture.filter(ImageFilter.GaussianBlur(BLUR * SIDE)),
        "other image": Image.new("RGB", (SIDE, SIDE)),
    }
    for fill, replacement in fills.items():

        def drop(
            of: Callable[[torch.Tensor], torch.Tensor], fraction: float, source: torch.Tensor, other: torch.Tensor
        ) -> float:
            """Return by how much a score of the source drops when its first patches are those of the other."""
            group = (order < round(fraction * PATCHES**2)).long()[None, None].expand(1, 3, SIDE, SIDE)
            found = captum.FeatureAblation(of).attribute(source, baselines=other, feature_mask=group)
            return float(found[group == 1][0])

        whole, gone = view(picture), view(replacement)
        for measure, source, other in (("deletion AUC", whole, gone), ("insertion AUC", gone, whole)):
            start = float(probability(source))
            inner = [start - drop(probability, fraction, source, other) for fraction in FRACTIONS[1:-1]]
            expected = trapezoid([start, *inner, float(probability(other))], FRACTIONS)
            assert ours[fill][measure][0] == pytest.approx(expected, abs=2e-5)  # type: ignore[index]
        for measure, fraction in (("RD@5 %", 0.05), ("RD@10 %", 0.1)):
            margin = drop(lambda views: 2 * probability(views) - 1, fraction, whole, gone)
            assert ours[fill][measure][0] == pytest.approx(margin, abs=2e-5)  # type: ignore[index]
            assert margin > 0.001


def test_quantus_flips_the_same_pixels() -> None:
    quantus: Any = pytest.importorskip("quantus")
    generator = np.random.default_rng(3)
    shape, fill = (PATCHES, PATCHES), 0.25
    weights, image, values = (generator.standard_normal(shape) for _ in range(3))

    class Linear(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            score = (images[:, 0].double() * torch.from_numpy(weights)).sum(dim=(1, 2)) / PATCHES
            return torch.stack([score, -score], dim=1)

    step = PATCHES**2 // 20
    flipping = quantus.PixelFlipping(
        features_in_step=step, perturb_baseline=fill, abs=False, normalise=False, disable_warnings=True
    )
    (curve,) = flipping(
        model=Linear().eval(),
        x_batch=image[None, None],
        y_batch=np.array([0]),
        a_batch=values[None, None],
        softmax=True,
    )

    def answer(fraction: float) -> float:
        changed = np.where(removed(removal_order(values), fraction, shape), fill, image)
        return float(Linear()(torch.from_numpy(changed[None, None])).softmax(1)[0, 0])

    by_step = {0.0: answer(0.0), **{(at + 1) / 20: value for at, value in enumerate(curve)}}
    ours = [answer(fraction) for fraction in FRACTIONS]
    assert ours == pytest.approx([by_step[fraction] for fraction in FRACTIONS], abs=1e-6)
    assert area_under(FRACTIONS, ours) == pytest.approx(trapezoid([by_step[f] for f in FRACTIONS], FRACTIONS), abs=1e-6)
