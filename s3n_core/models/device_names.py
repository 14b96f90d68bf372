"""Names of the devices and precisions that the user can choose. Does not import torch."""

from __future__ import annotations

from typing import Literal, get_args

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
PrecisionName = Literal["auto", "float32", "float32+bfloat16", "bfloat16", "float16"]
DEVICES: tuple[DeviceName, ...] = get_args(DeviceName)
PRECISIONS: tuple[PrecisionName, ...] = get_args(PrecisionName)
MIXED: PrecisionName = "float32+bfloat16"
"""O in float32, so that H, R and every peak are those of float32 to the last bit; D and C in bfloat16."""


def precision_refusal(precision: str, device: str) -> str:
    """Return why a device cannot use a precision, as a sentence; empty if it can."""
    if precision == "float16" and device == "cpu":
        return "The CPU does not support the precision float16; choose float32 or bfloat16."
    return ""
