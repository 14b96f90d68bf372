"""How many images a process holds at once: what the recipe asks for, or what memory allows.

Where memory runs out, the work at hand is begun again in micro-batches half as large. The batch of an update stays the same, and
so do the gradients: only BatchNorm's statistics, where it learns, are then taken over fewer images. The run remembers the size,
so that a resume does not run out again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from typing import TypeVar

import torch

from s3n_core.errors import OutOfMemory
from s3n_core.models.devices import is_out_of_memory
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.distributed import Team
from s3n_core.training.events import Event, MicroBatchHalved
from s3n_core.training.learner import Learner
from s3n_core.training.preparing import Plan
from s3n_core.training.training_progress import TrainingProgress

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class MemoryLimit:
    """The size of a micro-batch.

    Args:
        run: The run, its lock held.
        plan: Its plan.
        learner: What learns.
        team: The processes at work.

    Attributes:
        batch_size: Images an update.
        micro: Images that a process holds at once.
    """

    def __init__(self, run: RunDirectory, plan: Plan, learner: Learner, team: Team) -> None:
        self._run, self._learner, self._team = run, learner, team
        self.batch_size = min(plan.recipe.batch_size, len(plan.training))
        self._wanted = min(plan.recipe.micro_batch or self.batch_size, self.batch_size)
        fitted = run.read_run().get("micro_batch")
        self.micro = min(self._wanted, max(1, fitted)) if isinstance(fitted, int) else self._wanted

    def notes(self) -> tuple[str, ...]:
        """Say that memory allows less than the recipe asks for; empty where it does not."""
        if self.micro == self._wanted:
            return ()
        learned = self._learner.statistics.learned
        cost = " BatchNorm uses the statistics of these alone, which may reduce accuracy." if learned else ""
        return (
            f"Memory is enough for {self.micro} instead of {self._wanted} images at once; the batch size is still "
            f"{self.batch_size}.{cost}",
        )

    def suffices(self, work: Callable[[], None]) -> bool:
        """Do some work that all processes do at the same time; returns whether memory sufficed in each of them.

        Raises:
            OutOfMemory: If it ran out here while the others wait inside their layers.
        """
        try:
            work()
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if self._team.size > 1 and self._learner.statistics.learned:
                raise out_of_step() from error
            sufficed = False
        else:
            sufficed = True
        return all(self._team.gather(sufficed))

    def halve(self, progress: TrainingProgress) -> MicroBatchHalved:
        """Go on in steps half as large, and remember it.

        Raises:
            OutOfMemory: If there are no smaller steps.
            OutputError: If the run cannot remember it.
        """
        self._learner.optimizer.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        before, self.micro = self.micro, self.micro // 2
        if self.micro < self._learner.least_images:
            raise OutOfMemory(
                "Memory ran out even with the smallest micro-batch. Close other programs that use it, choose another "
                "device, or start a new run with a smaller input_size. What was saved is kept."
            )
        event = MicroBatchHalved(progress.epoch, progress.batch, before, self.micro, self.batch_size)
        _log.warning("%s", event.sentence)
        if self._team.leads:
            self._run.write_run({**self._run.read_run(), "micro_batch": self.micro})
        return event

    def halving(
        self, progress: TrainingProgress, work: Callable[[int], Generator[Event, None, _Result]]
    ) -> Generator[Event, None, _Result]:
        """Do some work that begins anew in smaller steps where memory runs out.

        Args:
            progress: How far the training is.
            work: Does it, given the images at once.
        """
        while True:
            try:
                return (yield from work(self.micro))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if self._team.size > 1:
                    raise out_of_step() from error
            # Outside the handler, whose error would keep the tensors alive.
            yield self.halve(progress)


def out_of_step() -> OutOfMemory:
    """Say that memory ran out in one of several processes where the others cannot begin anew with it."""
    return OutOfMemory(
        "Memory ran out in one of several processes at a point where they cannot continue with smaller steps. Start a "
        "new run with a "
        "smaller micro_batch, or resume this one in a single process. What was saved is kept."
    )
