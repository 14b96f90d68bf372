"""The micro-batch size: what the recipe sets, or less if memory runs out.

If memory runs out, the current work is repeated with micro-batches half as large. The batch size of an update and its
gradients stay the same, but BatchNorm, unless frozen, computes its statistics over fewer images. The run stores the
size, so that it does not run out of memory again on resuming.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from typing import TypeVar

from s3n_core.errors import OutOfMemory
from s3n_core.models.device_memory import is_out_of_memory, return_unused_memory
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.distributed import Team
from s3n_core.training.events import Event, MicroBatchHalved
from s3n_core.training.learner import Learner
from s3n_core.training.preparing import Plan
from s3n_core.training.training_progress import TrainingProgress

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class MemoryLimit:
    """The micro-batch size, halved if memory runs out.

    Args:
        run: The run; its lock is held.
        plan: Its plan.
        learner: The network and its optimiser.
        team: The processes that train together.

    Attributes:
        batch_size: Images per update.
        micro: Micro-batch size per process.
    """

    def __init__(self, run: RunDirectory, plan: Plan, learner: Learner, team: Team) -> None:
        self._run, self._learner, self._team = run, learner, team
        self.batch_size = min(plan.recipe.batch_size, len(plan.training))
        self._wanted = min(plan.recipe.micro_batch or self.batch_size, self.batch_size)
        fitted = run.read_run().get("micro_batch")
        self.micro = min(self._wanted, max(1, fitted)) if isinstance(fitted, int) else self._wanted

    def notes(self) -> tuple[str, ...]:
        """Return a sentence if the micro-batch is smaller than the recipe's; else empty."""
        if self.micro == self._wanted:
            return ()
        learned = self._learner.statistics.learned
        cost = " BatchNorm uses the statistics of these alone, which may reduce accuracy." if learned else ""
        return (
            f"Memory is enough for {self.micro} instead of {self._wanted} images at once; the batch size is still "
            f"{self.batch_size}.{cost}",
        )

    def suffices(self, work: Callable[[], None]) -> bool:
        """Run ``work``, which all processes run at the same time, and return whether memory sufficed in this one.

        Raises:
            OutOfMemory: If memory ran out here while the other processes wait inside their BatchNorm layers.
        """
        try:
            work()
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if self._team.size > 1 and self._learner.statistics.learned:
                raise out_of_step() from error
            return False
        return True

    def halve(self, progress: TrainingProgress) -> MicroBatchHalved:
        """Halve the micro-batch size, at most down to the fewest images at once, and store it in the run.

        Raises:
            OutOfMemory: If it cannot be any smaller.
            OutputError: If the run's file cannot be written.
        """
        self._learner.optimizer.zero_grad(set_to_none=True)
        return_unused_memory()
        least = self._learner.least_images
        if self.micro <= least:
            raise OutOfMemory(
                "Memory ran out even with the smallest micro-batch. Close other programs that use it, choose another "
                "device, or start a new run with a smaller input_size. What was saved is kept."
            )
        before, self.micro = self.micro, max(self.micro // 2, least)
        event = MicroBatchHalved(progress.epoch, progress.batch, before, self.micro, self.batch_size)
        _log.warning("%s", event.sentence)
        if self._team.leads:
            self._run.write_run({**self._run.read_run(), "micro_batch": self.micro})
        return event

    def halving(
        self, progress: TrainingProgress, work: Callable[[int], Generator[Event, None, _Result]]
    ) -> Generator[Event, None, _Result]:
        """Run ``work``, and run it again with half the micro-batch size whenever memory runs out.

        Args:
            progress: The training progress.
            work: Called with the micro-batch size; must be repeatable from its start.
        """
        while True:
            try:
                return (yield from work(self.micro))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if self._team.size > 1:
                    raise out_of_step() from error
            # Outside the handler: its exception would keep the tensors alive.
            yield self.halve(progress)


def out_of_step() -> OutOfMemory:
    """Return the error for memory that ran out in one of several processes when the others cannot start again."""
    return OutOfMemory(
        "Memory ran out in one of several processes at a point where they cannot continue with smaller steps. Start a "
        "new run with a "
        "smaller micro_batch, or resume this one in a single process. What was saved is kept."
    )
