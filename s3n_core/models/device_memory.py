"""Memory of the device: how much there is, and which errors say that it ran out or that the device failed."""

from __future__ import annotations

import psutil
import torch

from s3n_core.system.memory import return_freed_memory

# The only place that matches error messages, because torch has no class for these errors: it raises a plain
# RuntimeError if main memory is full (on Linux and Windows), on MPS, and for errors of NVIDIA libraries such as cuBLAS. Where
# main memory is full, oneDNN says only that it could not create a primitive.
_NO_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "STATUS_ALLOC_FAILED",
    "could not create a primitive",
)
_LIBRARY_FAILED = ("CUDA error",)
_CUDA_NO_MEMORY = 2  # cudaErrorMemoryAllocation


def return_unused_memory() -> None:
    """Return memory that torch and the C library keep for later to the card and the system, after a model or when it ran out."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return_freed_memory()


def free_memory(device: str) -> int | None:
    """Return the free memory in bytes: of the GPU on CUDA, else of the machine; None if unknown."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info(0)[0])
    return int(psutil.virtual_memory().available)


def memory_in_use(device: str) -> int:
    """Return the memory of this process in bytes: on CUDA its peak GPU memory, else its current main memory."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return int(psutil.Process().memory_info().rss)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on a GPU or in the machine."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, torch.AcceleratorError) and (code := getattr(error, "error_code", None)) is not None:
        return bool(code == _CUDA_NO_MEMORY)
    return _says(error, _NO_MEMORY)


def is_device_failure(error: BaseException) -> bool:
    """Whether an error leaves the device unusable for this process."""
    if is_out_of_memory(error):
        return False
    return isinstance(error, torch.AcceleratorError) or _says(error, _LIBRARY_FAILED)


def _says(error: BaseException, signs: tuple[str, ...]) -> bool:
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)
