"""Batches for training and validation: augmented views, tensors on the device, and the images that cannot be read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.loading import Batch, Sample, SampleReader, load_batches
from s3n_core.datasets.transforms import test_view, train_view, training_box
from s3n_core.errors import DataSetNotFound
from s3n_core.models.preprocessing import to_input
from s3n_core.models.true_places import TruePlaces
from s3n_core.system.distributed import Team
from s3n_core.system.seeding import EVALUATION, epoch_order, keyed_generator, peak_draws
from s3n_core.training.balance import plain_name
from s3n_core.training.events import ImageLeftOut
from s3n_core.training.feature_cache import FeatureCache
from s3n_core.training.preparing import Plan

_log = logging.getLogger(__name__)


class BatchLoader:
    """Loads this process's share of a plan's images and converts them to tensors on a device."""

    def __init__(self, plan: Plan, device: str, workers: int | None, team: Team) -> None:
        self._plan = plan
        self._device = device
        self._workers = workers
        self._team = team
        self._read = SampleReader(plan.ranges, watched=False)
        self._true: TruePlaces | None = None
        if plan.network.control == "true_places":
            records = open_data_set(plan.root, plan.format).records
            self._true = TruePlaces(records, plan.network, plan.preprocess)
        self._cache: FeatureCache | None = None
        self._left_out: set[str] = set()
        self._new_errors: list[ImageLeftOut] = []

    @property
    def ahead(self) -> bool:
        """Whether threads load images ahead of their use."""
        return self._workers != 0

    def use(self, cache: FeatureCache) -> None:
        """Take O's features from a cache, and do not decode the images that nothing else needs."""
        self._cache = cache

    def features(self, batch: Batch, images: Tensor, epoch: int) -> Tensor | None:
        """Return O's features of a batch where they are kept, shape (B, D, h, w) on the device; else None.

        Args:
            batch: The batch, as for `tensors`.
            images: Its images from `tensors`.
            epoch: As for `places`.
        """
        return None if self._cache is None else self._cache.features(batch, images, epoch)

    def training_batches(
        self, epoch: int, samples: Sequence[Sample], sizes: Sequence[int]
    ) -> Generator[Batch, None, None]:
        """Load augmented views of ``samples``, training images by their keys in the epoch; close it to stop early."""
        plan = self._plan

        def view(image: Image.Image, name: str) -> NDArray[np.uint8]:
            return train_view(image, plan.preprocess, plan.augmentation, self._augmentation_draws(epoch, name))

        return self._load(samples, view, sizes, epoch)

    def validation_batches(self, size: int) -> Generator[Batch, None, None]:
        """Load the deterministic views of this process's validation images; close it to stop early.

        Every process gets the same number of batches of at most ``size`` images; some may be empty.
        """
        return self._plain_batches(self._plan.validation, size)

    def plain_training_batches(self, size: int) -> Generator[Batch, None, None]:
        """Load the training images without augmentation, in shuffled order; close it to stop early.

        Data sets list their images class by class. Batches of a single class would lack the variance between classes.
        """
        training = self._plan.training
        order = epoch_order(self._plan.recipe.seed, EVALUATION, len(training))
        return self._plain_batches([training[position] for position in order], size)

    @property
    def validation(self) -> int:
        """Number of validation images."""
        return len(self._plan.validation)

    def tensors(self, batch: Batch, epoch: int) -> tuple[Tensor, Tensor, Tensor]:
        """Copy a batch to the device. An empty batch becomes one black image.

        Returns:
            Images (B, 3, S, S), labels (B,), and zeta of Eq. 4, shape (B, H, W), keyed by (seed, epoch, sample).
        """
        if not len(batch):  # a process without images must still run the network, in step with the others
            batch = self._black()
        assert batch.labels is not None
        draws = peak_draws(self._plan.recipe.seed, epoch, batch.names, self._plan.network.map_size)
        return (
            to_input(batch.images, self._device),
            torch.from_numpy(batch.labels).to(self._device),
            torch.from_numpy(draws).to(self._device),
        )

    def places(self, batch: Batch, epoch: int) -> Tensor | None:
        """Return the peaks that a control takes from annotation, bool, shape (B, H, W) on the device; else None.

        Args:
            batch: The batch, as for `tensors`.
            epoch: The epoch whose augmented views it holds, or `EVALUATION`.
        """
        if self._true is None:
            return None
        plan = self._plan
        batch = batch if len(batch) else self._black()
        if epoch == EVALUATION:
            peaks = self._true.in_test_views(batch)
        else:
            boxes = [
                training_box((w, h), plan.preprocess, plan.augmentation, self._augmentation_draws(epoch, name))
                for name, (w, h) in zip(batch.names, batch.sizes.tolist(), strict=True)
            ]
            peaks = self._true.peaks([plain_name(name) for name in batch.names], boxes)
        return torch.from_numpy(peaks).to(self._device)

    def new_errors(self) -> list[ImageLeftOut]:
        """Return the unreadable images found since the last call; each is returned only once."""
        errors, self._new_errors = self._new_errors, []
        return errors

    def _augmentation_draws(self, epoch: int, name: str) -> np.random.Generator:
        return keyed_generator(self._plan.recipe.seed, epoch, "augmentation", name)

    def _plain_batches(self, samples: Sequence[Sample], size: int) -> Generator[Batch, None, None]:
        parts = shares(0, len(samples), size, self._team)
        own = [samples[position] for part in parts for position in part]
        sizes = [len(part) for part in parts]
        return self._load(own, lambda image, _: test_view(image, self._plan.preprocess), sizes, EVALUATION)

    def _black(self) -> Batch:
        side = self._plan.preprocess.source_size
        return Batch.of(np.zeros((1, side, side, 3), np.uint8), [""], labels=np.zeros(1, np.int64))

    def _load(
        self,
        samples: Sequence[Sample],
        view: Callable[[Image.Image, str], NDArray[np.uint8]],
        sizes: Sequence[int],
        epoch: int,
    ) -> Generator[Batch, None, None]:
        def read(sample: Sample) -> Image.Image:
            stand_in = None if self._cache is None else self._cache.spared(sample, epoch)
            return self._read(sample) if stand_in is None else stand_in

        batches = load_batches(
            samples,
            lambda image, position: view(image, samples[position].name),
            sizes,
            workers=self._workers,
            read=read,
        )
        try:
            for batch in batches:
                lost = [samples[int(position)] for position in batch.error_positions]
                if lost:
                    self._require_data(lost, whole_batch=not len(batch))
                for error, sample in zip(batch.errors, lost, strict=True):
                    name = plain_name(sample.name)
                    if name not in self._left_out:
                        self._left_out.add(name)
                        _log.warning("skipped %s", error)
                        self._new_errors.append(ImageLeftOut(name, error.reason))
                yield batch
        finally:
            batches.close()

    def _require_data(self, lost: Sequence[Sample], *, whole_batch: bool) -> None:
        """Check that the data set still exists: broken images are left out, but a missing data set ends the training.

        Raises:
            DataSetNotFound: If the data set's folder or all of its files no longer exist.
        """
        root = self._plan.root
        # Batches are validated class by class, so that a whole one is missing where a class was removed. The files of an
        # unmounted disk are all missing.
        everything = chain(lost, self._plan.training, self._plan.validation)
        if not root.is_dir() or (whole_batch and not any(sample.path.exists() for sample in everything)):
            raise DataSetNotFound(
                f"The data set of this run, {root}, no longer exists; restore it and resume the run.", path=root
            )


def shares(start: int, stop: int, micro: int, team: Team) -> list[range]:
    """Divide the range ``start`` ... ``stop`` into micro-batches and return this process's share of each.

    All processes get the same number of shares, so that they stay in step; some may be empty. For a single process, the
    shares are the micro-batches themselves.

    Args:
        start: First position in a list of images.
        stop: Position after the last.
        micro: Micro-batch size per process.
        team: The processes that train together.

    Returns:
        This process's positions, one range per micro-batch.
    """
    pieces: list[range] = []
    for begin in range(start, stop, micro * team.size):
        count = min(micro * team.size, stop - begin)
        first, last = (begin + count * rank // team.size for rank in (team.rank, team.rank + 1))
        pieces.append(range(first, last))
    return pieces
