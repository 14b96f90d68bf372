"""What the network is fed: views keyed by sample, tensors on the device, and the names of images that could not be read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from s3n_core.datasets.loading import Batch, Sample, load_batches
from s3n_core.datasets.transforms import test_view, train_view
from s3n_core.errors import DataSetNotFound
from s3n_core.models.preprocessing import to_input
from s3n_core.system.distributed import Team
from s3n_core.system.seeding import epoch_order, keyed_generator, peak_draws
from s3n_core.training.events import ImageLeftOut
from s3n_core.training.preparing import Plan

_log = logging.getLogger(__name__)
EVALUATION = -1  # stands for the epoch in the key of what is drawn in evaluation


class BatchLoader:
    """Loads a process's share of the images of a plan and turns them into tensors on a device."""

    def __init__(self, plan: Plan, device: str, workers: int | None, team: Team) -> None:
        self._plan = plan
        self._device = device
        self._workers = workers
        self._team = team
        self._left_out: set[str] = set()
        self._new_errors: list[ImageLeftOut] = []

    def training_batches(
        self, epoch: int, order: NDArray[np.int64], sizes: Sequence[int]
    ) -> Generator[Batch, None, None]:
        """Load augmented views of the training images at the positions in ``order``; close it to stop early."""
        plan = self._plan

        def view(image: Image.Image, name: str) -> NDArray[np.uint8]:
            rng = keyed_generator(plan.recipe.seed, epoch, "augmentation", name)
            return train_view(image, plan.preprocess, plan.augmentation, rng)

        return self._load(plan.training, view, sizes, order)

    def validation_batches(self, size: int) -> Generator[Batch, None, None]:
        """Load the deterministic views of this process's validation images; close it to stop early.

        Every process gets the same number of batches of at most ``size`` images, some perhaps empty.
        """
        return self._plain_batches(self._plan.validation, size)

    def plain_training_batches(self, size: int) -> Generator[Batch, None, None]:
        """Load the training images as the validation ones are loaded, in mixed order; close it to stop early.

        Data sets list their images class by class, and the variance inside batches of one class lacks the one between classes.
        """
        training = self._plan.training
        order = epoch_order(self._plan.recipe.seed, EVALUATION, len(training))
        return self._plain_batches([training[position] for position in order], size)

    @property
    def validation(self) -> int:
        """How many validation images there are."""
        return len(self._plan.validation)

    def tensors(self, batch: Batch, epoch: int) -> tuple[Tensor, Tensor, Tensor]:
        """Bring a batch to the device.

        Returns:
            Images (B, 3, s, s), labels (B,), and zeta of Eq. 4, (B, H, W), keyed by (seed, epoch, sample).
        """
        if not len(batch):  # a process without images keeps step with the others on a black one
            batch = self._black()
        assert batch.labels is not None
        draws = peak_draws(self._plan.recipe.seed, epoch, batch.names, self._plan.network.map_size)
        return (
            to_input(batch.images, self._device),
            torch.from_numpy(batch.labels).to(self._device),
            torch.from_numpy(draws).to(self._device),
        )

    def new_errors(self) -> list[ImageLeftOut]:
        """Return the images that turned out unreadable since the last call, each once a run."""
        errors, self._new_errors = self._new_errors, []
        return errors

    def _plain_batches(self, samples: Sequence[Sample], size: int) -> Generator[Batch, None, None]:
        parts = shares(0, len(samples), size, self._team)
        positions = np.array([position for part in parts for position in part], dtype=np.int64)
        sizes = [len(part) for part in parts]
        return self._load(samples, lambda image, _: test_view(image, self._plan.preprocess), sizes, positions)

    def _black(self) -> Batch:
        side = self._plan.preprocess.source_size
        return Batch.of(np.zeros((1, side, side, 3), np.uint8), [""], labels=np.zeros(1, np.int64))

    def _load(
        self,
        samples: Sequence[Sample],
        view: Callable[[Image.Image, str], NDArray[np.uint8]],
        sizes: Sequence[int],
        order: NDArray[np.int64],
    ) -> Generator[Batch, None, None]:
        batches = load_batches(
            samples,
            lambda image, position: view(image, samples[position].name),
            sizes,
            order=order,
            workers=self._workers,
        )
        try:
            for batch in batches:
                lost = [samples[int(position)] for position in batch.error_positions]
                if lost:
                    self._require_data(lost, whole_batch=not len(batch))
                for error, sample in zip(batch.errors, lost, strict=True):
                    if sample.name not in self._left_out:
                        self._left_out.add(sample.name)
                        _log.warning("skipped %s", error)
                        self._new_errors.append(ImageLeftOut(sample.name, error.reason))
                yield batch
        finally:
            batches.close()

    def _require_data(self, lost: Sequence[Sample], *, whole_batch: bool) -> None:
        """Tell images that broke, which are left out, from a data set that was taken away, which ends the training.

        Raises:
            DataSetNotFound: If the data set's folder is gone, or no file of a whole batch is there any more.
        """
        root = self._plan.root
        if not root.is_dir() or (whole_batch and not any(sample.path.exists() for sample in lost)):
            raise DataSetNotFound(
                f"The data set of this run, {root}, no longer exists; restore it and resume the run.", path=root
            )


def shares(start: int, stop: int, micro: int, team: Team) -> list[range]:
    """Cut ``start`` ... ``stop`` into micro-batches and return a process's share of each.

    All processes get the same number of shares, some of which may be empty, so that they stay in step. For a process on its own
    the shares are the micro-batches themselves.

    Args:
        start: First position in a list of images.
        stop: The position behind the last.
        micro: Most images that a process holds at once.
        team: The processes at work.

    Returns:
        This process's positions, a range for each micro-batch.
    """
    pieces: list[range] = []
    for begin in range(start, stop, micro * team.size):
        count = min(micro * team.size, stop - begin)
        first, last = (begin + count * rank // team.size for rank in (team.rank, team.rank + 1))
        pieces.append(range(first, last))
    return pieces
