"""Why a training cannot go on: losses that are no numbers any more, and memory that does not suffice."""

from __future__ import annotations

import torch

from s3n_core.errors import S3NError

# What torch says in a plain RuntimeError: main memory on Linux and on Windows, and Apple's GPUs.
_MEMORY_SIGNS = ("can't allocate memory", "not enough memory", "out of memory")


class TrainingError(S3NError):
    """A training that cannot go on."""


def diverged(epoch: int) -> TrainingError:
    """Say that the losses of an epoch (from 0) are no numbers any more."""
    return TrainingError(
        f"The training diverged in epoch {epoch + 1}: its losses are no longer finite numbers. Start a new run "
        "with lower learning rates (rate_backbone, rate_heads) or in float32; the last checkpoint before it is kept."
    )


def too_little_memory() -> TrainingError:
    """Say that memory ran out where smaller batches could not help."""
    return TrainingError(
        "Memory ran out, and there is no smaller micro-batch to go on with: close other programs that use it, choose another "
        "device, or start a new run with a smaller input_size. What was saved is kept."
    )


def too_little_memory_together() -> TrainingError:
    """Say that memory ran out in one of several processes that share their BatchNorm statistics."""
    return TrainingError(
        "Memory ran out in one of several processes; with BatchNorm that learns they cannot go on in smaller steps by "
        "themselves. Start a new run with a smaller micro_batch, or resume it in one process. What was saved is kept."
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is too little memory, on a card or in the machine."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _MEMORY_SIGNS)
