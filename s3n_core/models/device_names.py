"""Names of the devices and precisions that the user can choose. Does not import torch."""

from __future__ import annotations

from typing import Literal, get_args

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
PrecisionName = Literal["auto", "float32", "float32+bfloat16", "bfloat16", "float16"]
DEVICES: tuple[DeviceName, ...] = get_args(DeviceName)
PRECISIONS: tuple[PrecisionName, ...] = get_args(PrecisionName)
MIXED: PrecisionName = "float32+bfloat16"
"""O in float32, so that H, R and every peak are those of float32 to the last bit; D and C in bfloat16."""
