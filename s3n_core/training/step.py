"""The updates of a training: a batch in micro-batches, shared out among the processes, in as much memory as there is."""

from __future__ import annotations

import copy
from collections.abc import Generator
from itertools import chain

from s3n_core.datasets.loading import Batch
from s3n_core.models.devices import is_out_of_memory
from s3n_core.system.distributed import Team
from s3n_core.system.seeding import epoch_order
from s3n_core.training.batch_loader import BatchLoader
from s3n_core.training.events import Event
from s3n_core.training.health import HealthTally
from s3n_core.training.learner import Learner
from s3n_core.training.memory_limit import MemoryLimit, out_of_step
from s3n_core.training.preparing import Plan
from s3n_core.training.run_control import RunControl
from s3n_core.training.running_mean import LossTally, sum_states
from s3n_core.training.shares import shares
from s3n_core.training.training_progress import Place


class Updates:
    """Takes the updates of an epoch, one after another.

    Args:
        plan: The run's plan.
        learner: What learns.
        feeder: Loads the images.
        steering: Where orders come from.
        team: The processes at work.
        memory: How many images at once it allows.

    Attributes:
        batch_size: Images an update.
        between: Whether the network is between two updates, not inside one.
    """

    def __init__(
        self, plan: Plan, learner: Learner, feeder: BatchLoader, steering: RunControl, team: Team, memory: MemoryLimit
    ) -> None:
        self._plan, self._learner, self._feeder = plan, learner, feeder
        self._steering, self._team, self._memory = steering, team, memory
        self.batch_size = memory.batch_size
        self.between = True
        self._losses, self._health = LossTally(), HealthTally()
        self._loader: Generator[Batch, None, None] | None = None

    @property
    def batches(self) -> int:
        """Batches an epoch; a last batch of one image is dropped, since BatchNorm has no variance of a single vector."""
        whole, rest = divmod(len(self._plan.training), self.batch_size)
        return whole + (rest > 1)

    @property
    def count(self) -> int:
        """Images of this epoch that this process has learned from."""
        return self._losses.count

    def begin(self, where: Place) -> None:
        """Begin an epoch, or go on in its middle with the sums that the place remembers."""
        self.close()
        self._losses, self._health = LossTally(), HealthTally()
        if where.loss is not None and where.health is not None and self._team.leads:
            self._losses.restore(where.loss)
            self._health.restore(where.health)

    def close(self) -> None:
        """Load no more images."""
        if self._loader is not None:
            self._loader.close()
            self._loader = None

    def take(self, where: Place) -> Generator[Event, None, float]:
        """Take the update at the place.

        Yields:
            Pauses, and what memory forced.

        Returns:
            Seconds that it waited for images.

        Raises:
            Halt: If an order ends the training here.
            TrainingError: If memory runs out even in the smallest steps.
        """
        waited = 0.0
        while True:
            # What a first micro-batch adds is lost with it; only those before the one that fails have to be taken back.
            before = copy.deepcopy((self._losses, self._health)) if len(self._parts(where.batch)) > 1 else None
            seconds, done = yield from self._attempt(where)
            waited += seconds
            if done:
                return waited
            if before is not None:
                self._losses, self._health = before
            self._learner.take_back()
            self.close()
            yield self._memory.halve(where)

    def measured(self) -> tuple[LossTally, HealthTally]:
        """Return the sums of the epoch so far over all processes; all must ask at the same place."""
        states = self._team.gather((self._losses.state(), self._health.state()))
        losses, health = LossTally(), HealthTally()
        losses.restore(sum_states([loss for loss, _ in states]))
        health.restore(sum_states([report for _, report in states]))
        return losses, health

    def _attempt(self, where: Place) -> Generator[Event, None, tuple[float, bool]]:
        """Try the update; returns the seconds waited for images, and whether memory sufficed."""
        learner, pace = self._learner, self._steering.pace
        size, waited, fed = self._size(where.batch), 0.0, 0
        loader = self._loader = self._loader or self._open(where)
        learner.begin()
        for part in range(len(self._parts(where.batch))):
            self.between = part == 0
            yield from self._steering.obey(inside_batch=part > 0)
            asked = pace.now()
            batch = next(loader)
            waited += pace.now() - asked
            count = sum(self._team.gather(len(batch)))
            if count < learner.least:
                continue
            if not self._learn(batch, where, part, len(batch) / size):
                return waited, False
            fed += count
        if fed:
            learner.finish()
        return waited, True

    def _learn(self, batch: Batch, where: Place, part: int, share: float) -> bool:
        """Add a micro-batch's gradients; returns whether memory sufficed in every process."""
        self._learner.statistics.silent = not len(batch)
        try:
            images, labels, draws = self._feeder.tensors(batch, where.epoch)
            output, losses = self._learner.learn(images, labels, draws, where, part=part, share=share)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if self._team.size > 1 and self._learner.statistics.learned:  # the others wait inside their layers
                raise out_of_step() from error
            sufficed = False
        else:
            sufficed = True
            if len(batch):
                self._losses.add(output, losses, labels)
                self._health.add(output)
        return all(self._team.gather(sufficed))

    def _open(self, where: Place) -> Generator[Batch, None, None]:
        """Load this process's images from the place's batch to the epoch's end."""
        order = epoch_order(self._plan.recipe.seed, where.epoch, len(self._plan.training))
        parts = list(chain.from_iterable(map(self._parts, range(where.batch, self.batches))))
        places = [place for part in parts for place in part]
        return self._feeder.training_batches(where.epoch, order[places], [len(part) for part in parts])

    def _parts(self, batch: int) -> list[range]:
        start = batch * self.batch_size
        return shares(start, start + self._size(batch), self._memory.micro, self._team)

    def _size(self, batch: int) -> int:
        return min(self.batch_size, len(self._plan.training) - batch * self.batch_size)
