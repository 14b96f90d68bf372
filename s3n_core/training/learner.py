"""The learner: network, optimiser and gradient scaler on one device, newly built or restored from a checkpoint."""

from __future__ import annotations

import torch
from torch import Tensor

from s3n_core.method.network import S3N
from s3n_core.models.devices import place
from s3n_core.system.distributed import Team
from s3n_core.training.checkpoints import restore_momenta
from s3n_core.training.initial_weights import initial_origin
from s3n_core.training.optimization import build_optimizer, set_rates
from s3n_core.training.preparing import Plan
from s3n_core.training.single_images import least_images
from s3n_core.training.synchronized_batch_norm import share_statistics
from s3n_core.training.training_progress import TrainingProgress
from s3n_core.training.weight_average import PREFIX, WeightAverage


class Learner:
    """Network, optimiser and gradient scaler of a training.

    Args:
        plan: The run's plan.
        device: "cpu", "cuda" or "mps".
        precision: Precision of the layers.
        team: The processes that train together.
        network: The network of a checkpoint; None: build a new one, with random weights seeded by the run's seed.

    Attributes:
        device: "cpu", "cuda" or "mps".
        precision: Precision of the layers.
        team: The processes that train together.
        network: The network, on its device.
        optimizer: Its optimiser.
        average: The mean of its weights over the last epochs, if the recipe wants one.
        scaler: Scales the loss in float16, so that small gradients do not vanish; does nothing in other precisions.
        statistics: State that the BatchNorm layers of all processes share.
        notes: Sentences about the origin of the weights.

    Raises:
        ModelFileError: If the initial weights of a new network are not available.
    """

    def __init__(self, plan: Plan, device: str, precision: str, team: Team, network: S3N | None = None) -> None:
        self._recipe = plan.recipe
        self.device, self.precision, self.team = device, precision, team
        self.notes: tuple[str, ...] = ()
        if network is None:
            if plan.job_weights is not None:
                plan.job_weights.check()
            torch.manual_seed(plan.recipe.seed)
            network = S3N(plan.network, weights=plan.weights, origin=initial_origin(plan.recipe, plan.job_weights))
            self.notes = network.weight_report.sentences()
        self.network = network
        if plan.recipe.freeze_backbone:
            network.freeze_backbone()
        place(network, device)
        team.match(network)
        self.statistics = share_statistics(network, team, frozen=plan.recipe.freeze_backbone)
        self.optimizer = build_optimizer(network, plan.recipe)
        self.average = WeightAverage(network, plan.recipe)
        self.scaler = torch.amp.GradScaler(device, enabled=precision == "float16")
        self._buffers = list(network.buffers())
        self._kept = [buffer.clone() for buffer in self._buffers]

    @property
    def least_images(self) -> int:
        """Smallest micro-batch (`single_images.least_images`)."""
        return least_images(self.network.config, frozen=self._recipe.freeze_backbone)

    def restore(self, tensors: dict[str, Tensor], progress: TrainingProgress) -> None:
        """Restore momentum buffers and means of the weights, and the gradient scaler's state from ``progress``."""
        momenta = {index: tensor for index, tensor in tensors.items() if not index.startswith(PREFIX)}
        restore_momenta(self.optimizer, momenta)
        self.average.restore(tensors, progress)
        if progress.scaler:
            self.scaler.load_state_dict(progress.scaler)

    def remember(self, progress: TrainingProgress) -> None:
        """Store the gradient scaler's state in ``progress``."""
        progress.scaler = self.scaler.state_dict() if self.precision == "float16" else {}

    def set_rates(self, epochs: float) -> dict[str, float]:
        """Set the learning rates for the (fractional) number of epochs done; returns them as ``rate_ROLE``."""
        rates = set_rates(self.optimizer, self._recipe, epochs)
        return {f"rate_{role}": rate for role, rate in rates.items()}

    def keep_statistics(self) -> None:
        """Save a copy of the running statistics of BatchNorm."""
        for kept, buffer in zip(self._kept, self._buffers, strict=True):
            kept.copy_(buffer)

    def restore_statistics(self) -> None:
        """Restore the running statistics of BatchNorm that `keep_statistics` has saved."""
        for buffer, kept in zip(self._buffers, self._kept, strict=True):
            buffer.copy_(kept)

    def finite(self) -> bool:
        """Return whether all weights are finite: the last update may have ruined them before any loss shows it."""
        return all(bool(torch.isfinite(value).all()) for value in self.network.state_dict().values())
