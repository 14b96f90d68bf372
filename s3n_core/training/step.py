"""A training update: one batch, divided into micro-batches and among all processes, within the available memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TypeVar

import torch
from torch import Tensor

from s3n_core.datasets.loading import Batch
from s3n_core.method.objective import objective
from s3n_core.models.devices import autocast
from s3n_core.system.distributed import Team
from s3n_core.system.seeding import keyed_generator
from s3n_core.training.balance import class_weights, epoch_samples
from s3n_core.training.batch_loader import BatchLoader, shares
from s3n_core.training.compilation import Compilation
from s3n_core.training.events import Event
from s3n_core.training.learner import Learner
from s3n_core.training.measurements import health_sums, loss_sums
from s3n_core.training.memory_limit import MemoryLimit
from s3n_core.training.optimization import hold_radii
from s3n_core.training.preparing import Plan
from s3n_core.training.run_control import RunControl
from s3n_core.training.running_mean import RunningMean
from s3n_core.training.training_progress import TrainingProgress

T = TypeVar("T")


class TrainingSteps:
    """Performs the updates of an epoch.

    Args:
        plan: The run's plan.
        learner: The network and its optimiser.
        loader: Loads the images.
        control: Receives the user's orders.
        team: The processes that train together.
        memory: The micro-batch size.
        compilation: Whether the backbone runs compiled.

    Attributes:
        batch_size: Images per update.
        between: Whether the training is between two updates.
        waited: Seconds spent waiting for images in this epoch.
    """

    def __init__(
        self,
        plan: Plan,
        learner: Learner,
        loader: BatchLoader,
        control: RunControl,
        team: Team,
        memory: MemoryLimit,
        compilation: Compilation,
    ) -> None:
        self._plan, self._learner, self._loader = plan, learner, loader
        self._control, self._team, self._memory, self._compilation = control, team, memory, compilation
        self.batch_size = memory.batch_size
        self.between = True
        self.waited = 0.0
        self._epoch_mean, self._batch_mean = RunningMean(), RunningMean()
        self._images: Generator[Batch, None, None] | None = None
        self._first: Future[Batch] | None = None  # of ``_images``, which `prepare_epoch` has begun to load
        self._weights: Tensor | None = None
        if plan.recipe.balance == "weights":
            labels = [sample.label or 0 for sample in plan.training]
            self._weights = torch.from_numpy(class_weights(labels, len(plan.classes))).to(learner.device)

    @property
    def per_epoch(self) -> int:
        """Updates per epoch; a last batch of a single image is dropped, as BatchNorm may need more than one value."""
        whole, rest = divmod(len(self._plan.training), self.batch_size)
        return whole + (rest > 1)

    @property
    def count(self) -> int:
        """Number of images of this epoch that this process has trained on."""
        return self._epoch_mean.count

    def begin_epoch(self, progress: TrainingProgress) -> None:
        """Begin an epoch, or continue an interrupted one with the sums stored in ``progress``."""
        if self._first is None:
            self.close()
        self.waited = 0.0
        self._epoch_mean = RunningMean()
        if progress.sums is not None and self._team.leads:
            self._epoch_mean.restore(progress.sums)

    def prepare_epoch(self, epoch: int) -> None:
        """Begin to load the images of an epoch, for `begin_epoch`, while the one before is validated and saved.

        Without loading threads it does nothing: everything is then loaded in the calling thread.
        """
        self.close()
        if not self._loader.ahead:
            return
        images = self._load(epoch, 0)
        executor = ThreadPoolExecutor(1, thread_name_prefix="s3n-next-epoch")
        self._first = executor.submit(lambda: next(images))
        executor.shutdown(wait=False)

    def close(self) -> None:
        """Stop loading images."""
        if self._first is not None:
            self._first.exception()  # a generator cannot be closed while it runs
            self._first = None
        if self._images is not None:
            self._images.close()
            self._images = None

    def take(self, progress: TrainingProgress, news: Callable[[], T]) -> Generator[Event, None, list[T]]:
        """Perform the next update and count it in ``progress``; if memory runs out, repeat it with smaller
        micro-batches.

        The processes exchange one message before each micro-batch, and one after the last.

        Args:
            progress: The training progress.
            news: Returns what this process has to tell the others at the end; called again if the update is repeated.

        Yields:
            Pauses and halved micro-batches.

        Returns:
            The news of every process, by rank; those of repeated updates before.

        Raises:
            Halt: If an order ends the training here.
            OutOfMemory: If memory runs out even with the smallest micro-batch.
        """
        self._learner.keep_statistics()
        mean = copy.copy(self._epoch_mean)
        told: list[T] = []
        while not (yield from self._update(progress, news, told)):
            self._learner.restore_statistics()
            self._epoch_mean = copy.copy(mean)
            self.close()
            yield self._memory.halve(progress)
        progress.batch += 1
        progress.step += 1
        self.between = True
        return told

    def _update(self, progress: TrainingProgress, news: Callable[[], T], told: list[T]) -> Generator[Event, None, bool]:
        """Update the weights with the gradients of a batch and return whether memory sufficed; the last news go to ``told``."""
        learner, team = self._learner, self._team
        learner.optimizer.zero_grad(set_to_none=True)
        self._batch_mean = RunningMean()
        learned, sufficed = 0, True
        for part in range(len(self._micro_batches(progress.batch))):
            self.between = part == 0
            batch = self._next_images(progress)
            said = yield from self._control.obey((len(batch), sufficed), inside_batch=part > 0)
            if not all(enough for _, enough in said):
                return False
            images = sum(count for count, _ in said)
            if images < learner.least_images:
                continue
            if part == 0 and images == min(self.batch_size, self._memory.micro * team.size):
                self._choose_compilation(batch, progress)
            sufficed = self._memory.suffices(partial(self._add_gradients, batch, progress, part))
            learned += images
        last = team.gather((sufficed, news()))
        told.extend(one for _, one in last)
        if not all(enough for enough, _ in last):
            return False
        if learned:
            team.add(weight.grad for weight in learner.network.parameters() if weight.grad is not None)
            learner.scaler.step(learner.optimizer)
            learner.scaler.update()
            hold_radii(learner.network)
        return True

    def _choose_compilation(self, batch: Batch, progress: TrainingProgress) -> None:
        """Let the first full micro-batch of a size show whether the backbone runs compiled, and forget what came of it."""
        if not self._compilation.due(self._memory.micro):
            return
        learner, before = self._learner, copy.copy(self._epoch_mean)

        def forget() -> None:
            learner.optimizer.zero_grad(set_to_none=True)
            learner.restore_statistics()
            self._batch_mean, self._epoch_mean = RunningMean(), copy.copy(before)

        def work() -> None:
            forget()
            self._add_gradients(batch, progress, 0)

        self._control.write("running", message="Trying whether the backbone runs faster compiled.")
        updates = (self._plan.recipe.epochs - progress.epoch) * self.per_epoch - progress.batch
        parts = len(self._micro_batches(progress.batch))
        try:
            with self._control.clock.pause():  # it is no measure of the updates that follow
                self._compilation.choose(work, self._memory.micro, updates * parts)
        finally:
            forget()

    def _add_gradients(self, batch: Batch, progress: TrainingProgress, part: int) -> None:
        """Accumulate the gradients of micro-batch number ``part`` of the update."""
        learner, recipe = self._learner, self._plan.recipe
        learner.statistics.silent = not len(batch)
        images, labels, draws = self._loader.tensors(batch, progress.epoch)
        self._seed_layers(progress.step, part)
        with autocast(learner.device, learner.precision):
            sampling, trace = recipe.sampling_at(progress.epoch), learner.network.joint is not None
            places = self._loader.places(batch, progress.epoch)
            features = self._loader.features(batch, images, progress.epoch)
            with self._compilation.used():
                output = learner.network(
                    images, sampling=sampling, draws=draws, places=places, features=features, trace=trace
                )
        losses = objective(output, labels, smoothing=recipe.smoothing, weights=self._weights)
        share = len(batch) / self._size(progress.batch)
        torch.autograd.backward(learner.scaler.scale(losses.total * share))
        if len(batch):
            sums = loss_sums(output, losses, labels)
            self._batch_mean.add(sums, len(batch))
            self._epoch_mean.add(sums | health_sums(output), len(batch))

    def epoch_mean(self) -> RunningMean:
        """Return the means of the epoch so far over all processes (collective)."""
        return self._epoch_mean.over(self._team)

    def batch_mean(self) -> RunningMean:
        """Return losses and accuracies of the last batch over all processes (collective)."""
        return self._batch_mean.over(self._team)

    def _seed_layers(self, step: int, part: int) -> None:
        """Seed torch's generator for layers that draw random numbers themselves (stochastic depth)."""
        member = () if self._team.leads else (self._team.rank,)
        key = keyed_generator(self._plan.recipe.seed, step, "layers", part, *member)
        torch.manual_seed(int(key.integers(2**62)))

    def _next_images(self, progress: TrainingProgress) -> Batch:
        """Return this process's images of the next micro-batch; starts loading at ``progress`` if necessary."""
        clock = self._control.clock
        images = self._images or self._load(progress.epoch, progress.batch)
        asked = clock.now()
        first, self._first = self._first, None
        batch = next(images) if first is None else first.result()
        self.waited += clock.now() - asked
        return batch

    def _load(self, epoch: int, batch: int) -> Generator[Batch, None, None]:
        """Return this process's images of an epoch's micro-batches from a batch on."""
        recipe = self._plan.recipe
        order = epoch_samples(recipe.balance, recipe.seed, epoch, self._plan.training)
        parts = list(chain.from_iterable(map(self._micro_batches, range(batch, self.per_epoch))))
        samples = [order[position] for position in chain.from_iterable(parts)]
        self._images = self._loader.training_batches(epoch, samples, [len(part) for part in parts])
        return self._images

    def _micro_batches(self, batch: int) -> list[range]:
        """Return this process's share of each micro-batch of a batch, as positions in the epoch's order."""
        start = batch * self.batch_size
        return shares(start, start + self._size(batch), self._memory.micro, self._team)

    def _size(self, batch: int) -> int:
        return min(self.batch_size, len(self._plan.training) - batch * self.batch_size)
