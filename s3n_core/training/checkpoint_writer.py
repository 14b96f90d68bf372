"""Writes the files of a running training: metrics, checkpoints, and snapshots of the probe images.

In distributed training only the leader writes; in the other processes all methods do nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from s3n_core.runs.metrics import MetricsWriter
from s3n_core.runs.model_paths import MODEL_SUFFIX
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.distributed import Team
from s3n_core.training.checkpoints import save_checkpoint
from s3n_core.training.image_hashing import ImageHashing
from s3n_core.training.learner import Learner
from s3n_core.training.preparing import Plan, model_header
from s3n_core.training.snapshots import ProbeRecorder, choose_probes
from s3n_core.training.training_progress import TrainingProgress


class CheckpointWriter:
    """Writes a run's metrics, checkpoints and snapshots during training.

    Args:
        run: The run; its lock is held.
        plan: Its plan.
        learner: The network and its optimiser.
        team: The processes that train together.
        checkpoint: The checkpoint that the training resumes from; None for a new run.
        changed_data: The images have changed since that checkpoint.

    Attributes:
        changed: Whether there is progress since the last checkpoint.
    """

    def __init__(
        self,
        run: RunDirectory,
        plan: Plan,
        learner: Learner,
        team: Team,
        checkpoint: str | None,
        *,
        changed_data: bool = False,
    ) -> None:
        self._run, self._plan, self._learner, self._team = run, plan, learner, team
        self._checkpoint, self._changed_data = checkpoint, changed_data
        self._hashing: ImageHashing | None = None
        self._metrics: MetricsWriter | None = None
        self._probes: ProbeRecorder | None = None
        self.changed = checkpoint is None

    @contextmanager
    def opened(self, offset: int) -> Iterator[None]:
        """Keep the files open while the block runs, with the metrics truncated to ``offset`` bytes.

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
        file = None if self._checkpoint is None else self._run.checkpoints / f"{self._checkpoint}{MODEL_SUFFIX}"
        self._hashing = ImageHashing(plan, file, changed_data=self._changed_data)
        with closing(self._hashing), MetricsWriter(self._run.metrics_jsonl, offset) as self._metrics:
            yield

    def step(self, values: Mapping[str, Any]) -> None:
        """Write the metrics of a step."""
        if self._metrics is not None:
            self._metrics.write_step(values)

    def epoch(self, values: Mapping[str, Any]) -> None:
        """Write the metrics of an epoch."""
        if self._metrics is not None:
            self._metrics.write_epoch(values)

    def snapshot(self, epoch: int) -> None:
        """Write a snapshot of the probe images."""
        if self._probes is not None:
            self._probes.record(self._learner.network, epoch, self._learner.device, self._learner.precision)

    def checkpoint(self, progress: TrainingProgress) -> str:
        """Write a checkpoint of the current state and return its name.

        Raises:
            Diverged: If the weights are not finite.
            OutputError: If the checkpoint cannot be written.
        """
        if not self._learner.finite():
            raise progress.diverged()
        name = progress.checkpoint_name
        self._learner.remember(progress)
        if self._metrics is not None:
            progress.metrics_offset = self._metrics.offset
            # After an epoch every file has been read once anyway; inside one a stop shall not wait for it.
            seen = None if self._hashing is None else self._hashing.seen(wait=progress.batch == 0 and progress.step > 0)
            header = model_header(
                self._plan,
                self._learner.network.config,
                epoch=progress.epoch,
                best_accuracy=progress.best_accuracy,
                seen=seen,
            )
            save_checkpoint(
                self._run,
                self._learner.network,
                self._learner.optimizer,
                header,
                progress,
                average=self._learner.average.stored(),
                previous=self._checkpoint,
            )
        self._checkpoint = name
        self.changed = False
        return name
