"""The views of an image: their source boxes, one resampling step instead of two, and torchvision's randomness."""

import json
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from s3n_core.datasets import transforms
from s3n_core.datasets.transforms import Augmentation, Preprocess, random_crop_box, source_box, train_view
from s3n_core.system.json_values import from_json, to_json


def noise(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(width * 10_000 + height)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def two_steps(image: Image.Image, preprocess: Preprocess) -> np.ndarray:
    """Resize the whole image, then crop, as the pipelines of the paper and the released code do."""
    side = preprocess.source_size
    if preprocess.resize == "squash":
        size = (side, side)
    elif preprocess.resize == "squash_crop":
        size = (round(side * preprocess.resize_ratio),) * 2
    else:
        scale = side / min(image.size)
        size = (round(image.width * scale), round(image.height * scale))
    x0, y0 = (size[0] - side) // 2, (size[1] - side) // 2
    whole = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(whole.crop((x0, y0, x0 + side, y0 + side)))


@pytest.mark.parametrize("resize", ["squash", "squash_crop", "keep_crop"])
@pytest.mark.parametrize("size", [(480, 320), (320, 480), (90, 60), (448, 448), (1200, 800)])
def test_one_resample_equals_two_steps(resize: str, size: tuple[int, int]) -> None:
    # Sizes at which the two steps need no rounding: 112 -> 150, cropped at 19; 3:2 -> 168 x 112, cropped at 28.
    preprocess = Preprocess(input_size=112, source_size=112, resize=resize)
    image = noise(*size)
    view = transforms.test_view(image, preprocess)
    assert view.shape == (112, 112, 3)
    assert view.dtype == np.uint8
    difference = np.abs(view.astype(int) - two_steps(image, preprocess))
    assert difference.max() <= 2  # white noise is the worst case: Pillow stores the box in single precision
    assert difference.mean() < 0.1


def test_release_pipeline_at_its_own_size() -> None:
    preprocess = Preprocess(input_size=448, source_size=448, resize="squash_crop")
    image = noise(500, 333)
    whole = image.resize((600, 600), Image.Resampling.BILINEAR)
    expected = np.asarray(whole.crop((76, 76, 524, 524))).astype(int)
    difference = np.abs(transforms.test_view(image, preprocess) - expected)
    assert difference.max() <= 2
    assert difference.mean() < 0.1


def test_source_box() -> None:
    assert source_box((500, 300), Preprocess(resize="squash")) == (0, 0, 500, 300)
    assert source_box((500, 300), Preprocess(resize="keep_crop")) == (100, 0, 400, 300)
    box = source_box((600, 300), Preprocess(resize="squash_crop"))
    assert box == pytest.approx((76, 38, 524, 262), abs=1e-9)


@given(
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.sampled_from(["squash", "squash_crop", "keep_crop"]),
    st.floats(1, 4, allow_nan=False),
)
def test_source_box_lies_inside_and_is_centred(width: int, height: int, resize: str, ratio: float) -> None:
    x0, y0, x1, y1 = source_box((width, height), Preprocess(resize=resize, resize_ratio=ratio))
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height
    assert (x0 + x1, y0 + y1) == pytest.approx((width, height))


def test_the_view_shows_the_source_box() -> None:
    """A bright spot of the original appears where the box predicts it."""
    preprocess = Preprocess(input_size=224, source_size=224, resize="squash_crop")
    pixels = np.zeros((300, 500, 3), dtype=np.uint8)
    pixels[98:102, 298:302] = 255  # centre (300, 100)
    view = transforms.test_view(Image.fromarray(pixels), preprocess)[..., 0].astype(float)
    x0, y0, x1, y1 = source_box((500, 300), preprocess)
    y, x = np.mgrid[0:224, 0:224] + 0.5
    assert x0 + (x1 - x0) * (view * x).sum() / view.sum() / 224 == pytest.approx(300, abs=0.2)
    assert y0 + (y1 - y0) * (view * y).sum() / view.sum() / 224 == pytest.approx(100, abs=0.2)


def test_source_size_is_delivered() -> None:
    preprocess = Preprocess(input_size=64, source_size=96)
    assert transforms.test_view(noise(50, 40), preprocess).shape == (96, 96, 3)
    assert train_view(noise(50, 40), preprocess, Augmentation(), np.random.default_rng(0)).shape == (96, 96, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (3000, 2)])
def test_tiny_and_extreme_images(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for resize in ("squash", "squash_crop", "keep_crop"):
        preprocess = Preprocess(input_size=32, source_size=32, resize=resize)
        assert transforms.test_view(noise(*size), preprocess).shape == (32, 32, 3)
        augmentation = Augmentation(crop_scale=(0.08, 1))
        assert train_view(noise(*size), preprocess, augmentation, rng).shape == (32, 32, 3)


def test_preprocess_round_trip() -> None:
    preprocess = Preprocess(input_size=224, source_size=448, resize="keep_crop", resize_ratio=1.1)
    assert from_json(Preprocess, json.loads(json.dumps(to_json(preprocess))), closed=True) == preprocess
    assert from_json(Preprocess, {}, closed=True) == Preprocess()


@pytest.mark.parametrize(
    "fields",
    [
        {"input_size": 0},
        {"input_size": 448, "source_size": 224},
        {"input_size": "448"},
        {"source_size": 448.5},
        {"resize": "stretch"},
        {"resize_ratio": 0.5},
        {"resize_ratio": float("nan")},
        {"resize_ratio": None},
        {"colour": "grey"},
    ],
)
def test_preprocess_refuses(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields)).split("_")[0]):
        from_json(Preprocess, fields, closed=True)


@pytest.mark.parametrize("bad", [{"crop_scale": (0.0, 1.0)}, {"crop_scale": (1.0, 0.5)}, {"crop_ratio": (2.0, 1.0)}])
def test_augmentation_refuses(bad: dict[str, tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="crop"):
        Augmentation(**bad)


def test_train_view_is_its_crop_and_its_mirror() -> None:
    preprocess = Preprocess(input_size=64, source_size=64)
    image = noise(200, 150)
    augmentation = Augmentation(crop_scale=(0.5, 1), flip=True)
    mirrored = 0
    for seed in range(40):
        view = train_view(image, preprocess, augmentation, np.random.default_rng(seed))
        rng = np.random.default_rng(seed)
        flip = rng.random() < 0.5
        box = random_crop_box(image.size, (0.5, 1), (3 / 4, 4 / 3), rng)
        crop = np.asarray(image.resize((64, 64), Image.Resampling.BILINEAR, box=box))
        np.testing.assert_array_equal(view, crop[:, ::-1] if flip else crop)
        assert view.flags["C_CONTIGUOUS"]
        mirrored += flip
    assert 10 < mirrored < 30


def test_without_a_crop_the_train_view_is_the_test_view() -> None:
    preprocess = Preprocess(input_size=64, source_size=64, resize="squash_crop")
    image = noise(200, 150)
    view = train_view(image, preprocess, Augmentation(flip=False), np.random.default_rng(0))
    np.testing.assert_array_equal(view, transforms.test_view(image, preprocess))


@pytest.mark.parametrize(
    ("size", "scale"), [((500, 375), (0.5, 1.0)), ((375, 500), (0.08, 1.0)), ((900, 300), (0.5, 1))]
)
def test_random_crop_is_distributed_as_torchvisions(size: tuple[int, int], scale: tuple[float, float]) -> None:
    torch = pytest.importorskip("torch")
    from torchvision.transforms import RandomResizedCrop

    count = 3000
    rng = np.random.default_rng(0)
    ours = np.array([random_crop_box(size, scale, (3 / 4, 4 / 3), rng) for _ in range(count)], dtype=float)
    canvas = torch.empty((1, size[1], size[0]))
    torch.manual_seed(0)
    drawn = [RandomResizedCrop.get_params(canvas, list(scale), [3 / 4, 4 / 3]) for _ in range(count)]
    theirs = np.array([(left, top, left + w, top + h) for top, left, h, w in drawn], dtype=float)

    def statistics(boxes: np.ndarray) -> np.ndarray:
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        area = width * height / (size[0] * size[1])
        return np.stack([area, np.log(width / height), boxes[:, 0] / size[0], boxes[:, 1] / size[1]])

    a, b = statistics(ours), statistics(theirs)
    error = np.sqrt(a.var(axis=1) / count + b.var(axis=1) / count) + 1e-9
    assert (np.abs(a.mean(axis=1) - b.mean(axis=1)) < 4 * error).all()
    np.testing.assert_allclose(a.std(axis=1), b.std(axis=1), rtol=0.08, atol=1e-6)
    for quantile in (0.1, 0.5, 0.9):
        np.testing.assert_allclose(np.quantile(a, quantile, axis=1), np.quantile(b, quantile, axis=1), atol=0.03)


@pytest.mark.parametrize("size", [(1000, 10), (10, 1000), (300, 300), (1, 50)])
def test_fallback_is_torchvisions(size: tuple[int, int]) -> None:
    """An area larger than the image never fits: after ten attempts, torchvision takes the largest centred crop."""
    torch = pytest.importorskip("torch")
    from torchvision.transforms import RandomResizedCrop

    x0, y0, x1, y1 = random_crop_box(size, (4, 5), (3 / 4, 4 / 3), np.random.default_rng(0))
    top, left, height, width = RandomResizedCrop.get_params(torch.empty((1, size[1], size[0])), [4, 5], [3 / 4, 4 / 3])
    assert (x0, y0, x1, y1) == (left, top, left + width, top + height)


def test_crops_stay_in_range() -> None:
    rng = np.random.default_rng(1)
    for _ in range(500):
        x0, y0, x1, y1 = random_crop_box((320, 240), (0.5, 1), (3 / 4, 4 / 3), rng)
        assert 0 <= x0 < x1 <= 320
        assert 0 <= y0 < y1 <= 240
        assert abs(log((x1 - x0) / (y1 - y0))) < log(4 / 3) + 0.02
