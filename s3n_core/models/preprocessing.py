"""Conversion between pixels and network input; the only place with ImageNet's statistics.

Pixels are copied to the device as bytes, a quarter of the traffic, and normalised there.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MEAN = (0.485, 0.456, 0.406)
"""Mean of ImageNet's red, green and blue, in [0, 1]."""

STD = (0.229, 0.224, 0.225)
"""Standard deviation of ImageNet's red, green and blue, in [0, 1]."""


def to_input(images: NDArray[np.uint8], device: str | torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """Convert pixels to network input.

    Args:
        images: RGB pixels, uint8, shape (B, S, S, 3).
        device: The device of the result.
        dtype: Floating point type of the result.

    Returns:
        Shape (B, 3, S, S), normalised with ImageNet's statistics, in channels-last memory.

    Raises:
        ValueError: If the pixels are not uint8 or have another shape.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"pixels must be uint8 of shape (B, S, S, 3), not {images.dtype} of shape {images.shape}")
    # torch warns about read-only memory, so copy such an array.
    pixels = torch.from_numpy(np.require(images, requirements=["C", "W"]))
    values = pixels.to(device, non_blocking=True).permute(0, 3, 1, 2)
    # Request the layout explicitly: for a single image, whose batch stride is arbitrary, torch might choose the other
    # one, in which convolutions round differently.
    values = values.to(dtype, memory_format=torch.channels_last)
    shift, scale = _shift_and_scale(values.device, dtype)
    return values.sub_(shift).mul_(scale)


def to_pixels(tensor: Tensor) -> NDArray[np.uint8]:
    """Convert normalised images back to pixels.

    Args:
        tensor: Shape (B, 3, h, w), normalised with ImageNet's statistics, of any floating point type.

    Returns:
        RGB pixels, uint8, shape (B, h, w, 3); a copy, never a view.
    """
    values = tensor.detach().float()
    shift, scale = _shift_and_scale(values.device, values.dtype)
    pixels = torch.nan_to_num(values / scale + shift).round_().clamp_(0, 255).to(torch.uint8)
    array: NDArray[np.uint8] = np.ascontiguousarray(pixels.permute(0, 2, 3, 1).cpu().numpy())
    return array


@functools.lru_cache(maxsize=16)
def _shift_and_scale(device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return shift (subtracted) and scale (multiplied) for pixel values 0 ... 255, shape (1, 3, 1, 1), cached."""
    with torch.inference_mode(False):  # the cached tensors must also work in training, even if inference creates them
        shift = torch.tensor(MEAN, dtype=torch.float64).mul(255).reshape(1, 3, 1, 1)
        scale = torch.tensor(STD, dtype=torch.float64).mul(255).reciprocal().reshape(1, 3, 1, 1)
        return shift.to(device, dtype), scale.to(device, dtype)
