"""What learns: network, optimiser and gradient scaler on one device; made anew or taken from a checkpoint."""

from __future__ import annotations

import torch
from torch import Tensor

from s3n_core.method.network import S3N, S3NOutput
from s3n_core.method.objective import Losses, objective
from s3n_core.models.devices import autocast, place
from s3n_core.system.distributed import Team
from s3n_core.system.seeding import keyed_generator
from s3n_core.training.checkpoints import restore_momenta
from s3n_core.training.optimization import build_optimizer, hold_radii, set_rates
from s3n_core.training.preparing import Plan
from s3n_core.training.synchronized_batch_norm import share_statistics
from s3n_core.training.training_progress import Place


class Learner:
    """Takes the steps of a training.

    Args:
        plan: The run's plan.
        device: "cpu", "cuda" or "mps".
        precision: Precision of the layers.
        team: The processes that learn together.
        network: The network of a checkpoint; None makes a new one, its random weights keyed by the seed.

    Attributes:
        device: "cpu", "cuda" or "mps".
        precision: Precision of the layers.
        team: The processes that learn together.
        network: The network, on its device.
        optimizer: Its optimiser.
        statistics: What its BatchNorm layers share with those of the other processes.
        notes: Sentences about where the weights came from.

    Raises:
        ModelFileError: If the weights that a new network starts from cannot be had.
    """

    def __init__(self, plan: Plan, device: str, precision: str, team: Team, network: S3N | None = None) -> None:
        self._recipe = plan.recipe
        self.device, self.precision, self.team = device, precision, team
        self.notes: tuple[str, ...] = ()
        if network is None:
            torch.manual_seed(plan.recipe.seed)
            network = S3N(plan.network, weights=plan.recipe.weights)
            self.notes = network.weight_report.sentences()
        self.network = network
        place(network, device)
        team.match(network)
        self.statistics = share_statistics(network, team)
        self.optimizer = build_optimizer(network, plan.recipe)
        self._scaler = torch.amp.GradScaler(device, enabled=precision == "float16")
        self._running = list(network.buffers())
        self._before = [buffer.clone() for buffer in self._running]

    def restore(self, momenta: dict[str, Tensor], where: Place) -> None:
        """Take the momenta of a checkpoint, and the gradient scaler that its place remembers."""
        restore_momenta(self.optimizer, momenta)
        if where.scaler:
            self._scaler.load_state_dict(where.scaler)

    def remember(self, where: Place) -> None:
        """Write into a place what is neither weight nor momentum."""
        where.scaler = self._scaler.state_dict() if self.precision == "float16" else {}

    def set_rates(self, progress: float) -> dict[str, float]:
        """Set the learning rates for a place in the training; returns them by ``rate_ROLE``."""
        rates = set_rates(self.optimizer, self._recipe, progress)
        return {f"rate_{role}": rate for role, rate in rates.items()}

    def begin(self) -> None:
        """Begin an update."""
        self.optimizer.zero_grad(set_to_none=True)
        for kept, buffer in zip(self._before, self._running, strict=True):
            kept.copy_(buffer)

    def take_back(self) -> None:
        """Put BatchNorm's statistics back to where they were before an update that memory did not suffice for."""
        for buffer, kept in zip(self._running, self._before, strict=True):
            buffer.copy_(kept)

    def learn(
        self, images: Tensor, labels: Tensor, draws: Tensor, where: Place, *, part: int, share: float
    ) -> tuple[S3NOutput, Losses]:
        """Add the gradients of some images to the update.

        Args:
            images: Shape (B, 3, s, s), normalised.
            labels: Shape (B,).
            draws: zeta of Eq. 4, shape (B, H, W).
            where: Where the training is.
            part: Which micro-batch of the update this is, from 0.
            share: Its share of the update's images.

        Returns:
            What the network said, and the losses.
        """
        # Layers with randomness of their own (stochastic depth) draw from torch's generator: keyed like the rest.
        member = () if self.team.leads else (self.team.rank,)
        torch.manual_seed(int(keyed_generator(self._recipe.seed, where.step, "layers", part, *member).integers(2**62)))
        sampling = self._recipe.sampling_at(where.epoch)
        with autocast(self.device, self.precision):
            output = self.network(images, sampling=sampling, draws=draws, trace=self.network.joint is not None)
        losses = objective(output, labels, smoothing=self._recipe.smoothing)
        torch.autograd.backward(self._scaler.scale(losses.total * share))
        return output, losses

    def finish(self) -> None:
        """Finish an update with the gradients of all processes."""
        self.team.add(p.grad for p in self.network.parameters() if p.grad is not None)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        hold_radii(self.network)

    @property
    def least(self) -> int:
        """Fewest images at once: two where features are one cell, since BatchNorm has no variance of a single vector."""
        config = self.network.config
        cells = 2 if config.form == "release" else 1  # its branch heads halve the features once more
        one_cell = config.input_size <= self.network.backbone.stride * cells
        return 2 if one_cell and config.batch_norm != "frozen" else 1

    def finite(self) -> bool:
        """Whether all weights are finite numbers: the last update may ruin them before any loss shows it."""
        return all(bool(torch.isfinite(value).all()) for value in self.network.state_dict().values())
