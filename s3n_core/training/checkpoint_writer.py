"""What a training keeps on disk while it runs: figures, checkpoints, and what the network saw on the probe images.

Of several processes the leader alone keeps anything; in the others all of this does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from s3n_core.runs.metrics import MetricsWriter
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.distributed import Team
from s3n_core.training.checkpoints import save_checkpoint
from s3n_core.training.learner import Learner
from s3n_core.training.preparing import Plan, model_header
from s3n_core.training.snapshots import ProbeRecorder, choose_probes
from s3n_core.training.training_progress import TrainingProgress


class CheckpointWriter:
    """Writes the files of a run that grow as it learns.

    Args:
        run: The run, its lock held.
        plan: Its plan.
        learner: What learns.
        team: The processes at work.
        checkpoint: The checkpoint that it goes on from; None at its start.

    Attributes:
        changed: Whether there is anything that no checkpoint holds.
    """

    def __init__(self, run: RunDirectory, plan: Plan, learner: Learner, team: Team, checkpoint: str | None) -> None:
        self._run, self._plan, self._learner, self._team = run, plan, learner, team
        self._checkpoint = checkpoint
        self._metrics: MetricsWriter | None = None
        self._probes: ProbeRecorder | None = None
        self.changed = checkpoint is None

    @contextmanager
    def opened(self, offset: int) -> Iterator[None]:
        """Keep the files open while the block runs, the figures cut back to ``offset`` bytes.

        Raises:
            OutputError: If they cannot be written.
        """
        if not self._team.leads:
            yield
            return
        self._run.raise_version()
        plan, recipe = self._plan, self._plan.recipe
        probes = choose_probes(plan.validation or plan.training, recipe.probes, recipe.seed)
        self._probes = ProbeRecorder(self._run.snapshots, probes, plan.classes, plan.preprocess, recipe.seed)
        with MetricsWriter(self._run.metrics_jsonl, offset) as self._metrics:
            yield

    def step(self, values: Mapping[str, Any]) -> None:
        """Write the figures of a batch."""
        if self._metrics is not None:
            self._metrics.write_step(values)

    def epoch(self, values: Mapping[str, Any]) -> None:
        """Write the figures of an epoch."""
        if self._metrics is not None:
            self._metrics.write_epoch(values)

    def snapshot(self, epoch: int) -> None:
        """Write what the network makes of the probe images."""
        if self._probes is not None:
            self._probes.record(self._learner.network, epoch, self._learner.device, self._learner.precision)

    def checkpoint(self, progress: TrainingProgress) -> str:
        """Write a checkpoint of the training as it stands; returns its name.

        Raises:
            Diverged: If the weights are no finite numbers.
            OutputError: If the disk does not take it.
        """
        if not self._learner.finite():
            raise progress.diverged()
        name = progress.checkpoint_name
        self._learner.remember(progress)
        if self._metrics is not None:
            progress.metrics_offset = self._metrics.offset
            header = model_header(self._plan, epoch=progress.epoch, best_accuracy=progress.best_accuracy)
            save_checkpoint(
                self._run, self._learner.network, self._learner.optimizer, header, progress, previous=self._checkpoint
            )
        self._checkpoint = name
        self.changed = False
        return name
