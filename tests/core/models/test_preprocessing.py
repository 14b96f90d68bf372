import numpy as np
import pytest
import torch

from s3n_core.models.preprocessing import MEAN, STD, to_input, to_pixels


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_input_is_normalised_in_channels_last_memory():
    images = pixels(2, 5, 5, 3)
    tensor = to_input(images, "cpu")
    expected = (images / 255.0 - np.array(MEAN)) / np.array(STD)
    assert tensor.shape == (2, 3, 5, 5)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(tensor.permute(0, 2, 3, 1).numpy(), expected, atol=2e-6)


def test_layout_does_not_depend_on_how_a_single_image_was_given():
    image = pixels(6, 6, 3)
    strides = {
        to_input(images, "cpu").stride() for images in (image[None], np.stack([image]), image.reshape(1, 6, 6, 3))
    }
    assert strides == {(108, 1, 18, 3)}


def test_every_pixel_value_comes_back():
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1), (1, 16, 16, 3))  # also read-only
    with_warnings_as_errors = to_input(ramp, "cpu")
    np.testing.assert_array_equal(to_pixels(with_warnings_as_errors), ramp)


def test_pixels_given_stay_as_they_are():
    images = pixels(1, 4, 4, 3)
    before = images.copy()
    to_input(images, "cpu")
    np.testing.assert_array_equal(images, before)


def test_values_outside_the_range_and_nan_become_pixels():
    tensor = torch.tensor([1e9, -1e9, torch.nan, 0.0]).reshape(1, 1, 2, 2).expand(1, 3, 2, 2)
    array = to_pixels(tensor.half())
    assert array.dtype == np.uint8
    assert array[0, 0, 0, 0] == 255
    assert array[0, 0, 1, 0] == 0


@pytest.mark.parametrize("images", [np.zeros((1, 4, 4, 3), np.float32), np.zeros((4, 4, 3), np.uint8)])
def test_other_arrays_are_refused(images: np.ndarray):
    with pytest.raises(ValueError, match=r"pixels must be uint8 of shape \(B, S, S, 3\)"):
        to_input(images, "cpu")
