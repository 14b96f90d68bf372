"""Devices and precisions: what is available, what is chosen, and why a faster choice was not possible."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from s3n_core.errors import DeviceError, DeviceUnavailable
from s3n_core.method.branch_precision import in_float32
from s3n_core.models.device_names import DEVICES, MIXED, PRECISIONS, precision_refusal
from s3n_core.system.memory import keep_freed_memory
from s3n_core.system.processes import usable_cores

CUDA_INSTALL_LINE = "pip install --upgrade --force-reinstall torch torchvision"


@dataclass(frozen=True)
class DeviceChoice:
    """The device to use.

    Attributes:
        device: "cpu", "cuda" or "mps".
        name: Its display name, with its memory.
        reason: Why it is not a faster one; empty if it is the best of this machine.
    """

    device: str
    name: str
    reason: str = ""


def choose_device(wanted: str = "auto") -> DeviceChoice:
    """Choose the device to compute on.

    Args:
        wanted: "auto" (the first of cuda, mps, cpu that works), "cpu", "cuda" or "mps".

    Returns:
        The choice, with the reason for any fallback.

    Raises:
        DeviceError: If a device is requested by name and cannot be used; gives the reason and the remedy.
    """
    if wanted not in DEVICES:
        raise DeviceError(f"There is no device {wanted!r}; choose one of {', '.join(DEVICES)}.")
    cuda_problem, mps_problem = _cuda_problem(), _mps_problem()
    if wanted == "cuda" and cuda_problem:
        raise DeviceUnavailable(f"The device cuda cannot be used: {cuda_problem}.", device=wanted)
    if wanted == "mps" and mps_problem:
        raise DeviceUnavailable(f"The device mps cannot be used: {mps_problem}.", device=wanted)
    if wanted == "cuda" or (wanted == "auto" and not cuda_problem):
        properties = torch.cuda.get_device_properties(0)
        return DeviceChoice("cuda", f"{properties.name}, {properties.total_memory / 2**30:.0f} GB")
    if wanted == "mps" or (wanted == "auto" and not mps_problem):
        return DeviceChoice("mps", "Apple GPU")
    reason = cuda_problem if wanted == "auto" and _nvidia_card_present() else ""
    return DeviceChoice("cpu", f"CPU, {usable_cores()} cores", reason)


def choose_precision(wanted: str, device: str) -> str:
    """Choose the precision of the network's layers; the sampler is float32 in all of them.

    Args:
        wanted: "auto" (bfloat16 on CUDA GPUs that support it, else float32), or another name of `PRECISIONS`.
        device: "cpu", "cuda" or "mps".

    Returns:
        A name of `PRECISIONS` other than "auto".

    Raises:
        DeviceError: If the precision is unknown, or the device does not support it.
    """
    if wanted not in PRECISIONS:
        raise DeviceError(f"There is no precision {wanted!r}; choose one of {', '.join(PRECISIONS)}.")
    if wanted == "auto":
        # Emulated, it costs accuracy without the units that would make it fast.
        supported = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if supported else "float32"
    if refusal := precision_refusal(wanted, device):
        raise DeviceError(refusal)
    return wanted


def autocast(device: str, precision: str) -> AbstractContextManager[object]:
    """Return the autocast context for a precision; a null context for float32."""
    if precision == "float32":
        return torch.autocast(device, enabled=False)
    if precision == MIXED:
        return _mixed(device)
    return torch.autocast(device, dtype=torch.bfloat16 if precision == "bfloat16" else torch.float16)


@contextmanager
def _mixed(device: str) -> Iterator[None]:
    with in_float32("O"), torch.autocast(device, dtype=torch.bfloat16):
        yield


def place(network: torch.nn.Module, device: str) -> None:
    """Move a network to a device, in channels-last layout for fast convolutions; on a CPU, also keep freed memory."""
    if device == "cpu":
        keep_freed_memory()
    network.to(device=torch.device(device))
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    if device == "cpu":
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d) and _must_be_contiguous(module):
                # A plain ``contiguous()`` would keep the strides, since both layouts are the same for a 1 x 1 kernel.
                module.weight.data = module.weight.data.clone(memory_format=torch.contiguous_format)
                if _made_contiguous not in module._forward_pre_hooks.values():  # placed before, perhaps
                    module.register_forward_pre_hook(_made_contiguous)


def _must_be_contiguous(layer: torch.nn.Conv2d) -> bool:
    """Return whether oneDNN writes beyond its memory when it computes the gradient of the weights in channels-last layout.

    It does so (torch 2.15, AVX-512) for 1 x 1 kernels with a stride and fewer than 16 channels, such as in the first layer of
    FastViT, MobileOne and RepVGG: the process crashes or its numbers are wrong.
    """
    return layer.kernel_size == (1, 1) and layer.stride != (1, 1) and layer.in_channels < 16


def _made_contiguous(_: torch.nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    return (inputs[0].contiguous(),)


def _cuda_problem() -> str:
    """Return why CUDA cannot be used, as a clause; empty if it can."""
    if torch.cuda.is_available():
        return ""
    if not _nvidia_card_present():
        return "no NVIDIA card was found"
    if torch.version.cuda is None:
        return (
            "there is an NVIDIA card, but this build of torch does not support CUDA (install one that does: "
            f"{CUDA_INSTALL_LINE})"
        )
    return (
        f"there is an NVIDIA card, but its driver does not work with torch's CUDA {torch.version.cuda} (update the "
        "driver)"
    )


def _mps_problem() -> str:
    if torch.backends.mps.is_available():
        return ""
    return (
        "it needs a Mac with an Apple chip"
        if sys.platform != "darwin"
        else "this version of macOS or torch does not support it"
    )


def _nvidia_card_present() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None
