"""Why a training cannot go on."""

from __future__ import annotations

from s3n_core.errors import S3NError


class TrainingError(S3NError):
    """A training that cannot go on."""


def diverged(epoch: int) -> TrainingError:
    """Say that the losses of an epoch (from 0) are no numbers any more."""
    return TrainingError(
        f"The training diverged in epoch {epoch + 1}: its losses are no longer finite numbers. Start a new run "
        "with lower learning rates (rate_backbone, rate_heads) or in float32; the last checkpoint before it is kept."
    )
