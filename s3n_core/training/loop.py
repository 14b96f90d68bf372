"""The training loop of one process: epochs, validation and the end of the run.

All random draws are keyed by (seed, epoch, sample), and checkpoints contain all other state. So on the CPU, a run that
was killed and resumed ends with exactly the same weights as an uninterrupted one.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any, Literal

from s3n_core.errors import DataSetError
from s3n_core.method.backbone_sizes import tokens_sentence
from s3n_core.models.batches import FittingPieces
from s3n_core.models.device_memory import memory_in_use
from s3n_core.models.devices import choose_device, choose_precision
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_list import list_runs
from s3n_core.system.distributed import Team
from s3n_core.training.batch_loader import BatchLoader
from s3n_core.training.changed_data import require_same_data
from s3n_core.training.checkpoint_writer import CheckpointWriter
from s3n_core.training.checkpoints import load_newest, point_to
from s3n_core.training.compilation import Compilation
from s3n_core.training.duration import UNKNOWN_TIME, estimate_time, validation_cost
from s3n_core.training.events import CheckpointSaved, EpochDone, Event, ImageLeftOut, RunStarted, StepDone
from s3n_core.training.feature_cache import FeatureCache, why_uncached
from s3n_core.training.health_warnings import health_warnings
from s3n_core.training.learner import Learner
from s3n_core.training.measurements import radius_values
from s3n_core.training.memory_limit import MemoryLimit
from s3n_core.training.preparing import read_plan
from s3n_core.training.recalibration import recalibrate
from s3n_core.training.run_control import Halt, RunControl
from s3n_core.training.running_mean import RunningMean
from s3n_core.training.single_images import require_batches, single_image_notes
from s3n_core.training.step import TrainingSteps
from s3n_core.training.training_progress import TrainingProgress
from s3n_core.training.validation import validate

_log = logging.getLogger(__name__)
# Minimum time between two step reports: often enough for live curves, and a night of training writes a few megabytes.
REPORT_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class _News:
    """What a process tells the others at the end of an update; whether to report and to save is the leader's to say."""

    left_out: list[ImageLeftOut]
    report: bool
    save: bool


class TrainingLoop:
    """Trains a run from its last checkpoint.

    Args:
        run: The run; its lock is held.
        control: Receives the user's orders and writes the run's state.
        team: The processes that train together.
        device: Overrides the run's device.
        workers: Threads that decode images; None: the loader's default.
        changed_data: Continue even if the data set has changed since the run started.
        prepared_earlier: Compare the data set even before the first checkpoint.
        notes: Sentences to show at the start, before the loop's own.

    Raises:
        S3NError: If the run, its data set, the weights or the device are not available.
    """

    def __init__(
        self,
        run: RunDirectory,
        control: RunControl,
        team: Team,
        *,
        device: str | None,
        workers: int | None,
        changed_data: bool,
        prepared_earlier: bool = False,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._run, self._control, self._team, self._clock = run, control, team, control.clock
        control.write("starting", message="Reading the data set and building the network.")
        self._plan = plan = read_plan(run)
        self._recipe = recipe = plan.recipe
        require_batches(recipe, len(plan.training), team.size)
        self._choice = choose_device(device or plan.device)
        device = self._choice.device
        precision = choose_precision(recipe.precision, device)
        team.require_cards(device)
        found = load_newest(run)
        self._resumed = found is not None
        name, network, tensors, self._progress = found or (None, None, {}, TrainingProgress())
        # The data set of a run that this command has made has only just been read, so it is not compared.
        compared = self._resumed or prepared_earlier
        changes = team.lead(require_same_data(run, changed_data) if team.leads and compared else [])
        self._learner = Learner(plan, device, precision, team, network)
        if name is not None:
            _log.info("resuming from checkpoint %s", name)
            self._learner.restore(tensors, self._progress)
            if team.leads:
                point_to(run, name, self._progress)
        self._network = self._learner.network
        self._loader = BatchLoader(plan, device, workers, team)
        kept = self._keep_features(device, precision)
        self._memory = MemoryLimit(run, plan, self._learner, team)
        self._validation_pieces = FittingPieces()
        self._compilation = Compilation(run, recipe, self._learner, team, self._choice.name)
        self._steps = TrainingSteps(plan, self._learner, self._loader, control, team, self._memory, self._compilation)
        self._writer = CheckpointWriter(run, plan, self._learner, team, name, changed_data=bool(changes))
        reason = [f"No faster device: {self._choice.reason}."] if self._choice.reason else []
        ranges = [*([plan.ranges.sentence()] if plan.ranges else []), *plan.range_warnings]
        single = single_image_notes(recipe, len(plan.training), team.size)
        tokens = [tokens_sentence(recipe.network.backbone)] if self._network.backbone.tokens else []
        said = (*single, *tokens, *kept, *self._memory.notes(), *ranges, *self._learner.notes)
        self._notes = (*notes, *reason, *changes, *said)
        for note in self._notes:
            _log.info("%s", note)
        self._completing = False
        self._reported = self._saved = self._clock.now()
        control.follow(self._progress, recipe.epochs, self._steps.per_epoch, device)

    def _keep_features(self, device: str, precision: str) -> tuple[str, ...]:
        """Keep the features of a frozen backbone if they come again; return what to say of it."""
        if not self._recipe.freeze_backbone:
            return ()
        reason = why_uncached(self._plan, self._team.size)
        if reason:
            return (reason,)
        cache = FeatureCache(self._run, self._plan, self._network, device, precision)
        if not cache.open():
            return (f"The backbone is frozen, but the disk has no room for its features ({cache.size / 1e6:,.0f} MB).",)
        self._loader.use(cache)
        return (cache.sentence(),)

    def events(self) -> Generator[Event, None, None]:
        """Train to the end, until the user stops the run, or until the generator is closed."""
        recipe, progress = self._recipe, self._progress
        with self._writer.opened(progress.metrics_offset):
            yield self._started()
            status: Literal["finished", "stopped", "discarded"] = "finished"
            try:
                while not progress.trained(recipe):
                    yield from self._epoch()
                if not progress.finished(recipe):
                    yield from self._complete()
            except Halt as halt:
                status = halt.status
                if status == "stopped" and self._resumable and self._writer.changed:
                    yield CheckpointSaved(self._save())
            except GeneratorExit:
                # Other processes do not know that this generator was closed, so their sums cannot be gathered.
                if self._team.size == 1 and self._resumable and self._writer.changed:
                    self._save()
                raise
            finally:
                self._steps.close()
            ended = progress.ended(status, recipe)
            self._control.write(ended.status, message=ended.message)
        yield ended

    def _started(self) -> RunStarted:
        plan = self._plan
        return RunStarted(
            path=self._run.path,
            resumed=self._resumed,
            epoch=self._progress.epoch,
            epochs=self._recipe.epochs,
            batches=self._steps.per_epoch,
            images=len(plan.training),
            validation=len(plan.validation),
            classes=len(plan.classes),
            device=self._choice.name,
            precision=self._learner.precision,
            notes=self._notes,
            time=self._expected_time(),
        )

    def _expected_time(self) -> str:
        plan, root = self._plan, self._run.path.parent
        if self._resumed or not self._team.leads:
            return ""
        counts = len(plan.training), len(plan.validation)
        estimate = estimate_time(plan.recipe, *counts, list_runs(root), self._choice.device)
        return UNKNOWN_TIME if estimate is None else estimate.text

    @property
    def _resumable(self) -> bool:
        """Whether a checkpoint written now could be resumed exactly: not during an update or `_complete`."""
        return self._steps.between and not self._completing

    def _epoch(self) -> Generator[Event, None, None]:
        progress, steps, clock = self._progress, self._steps, self._clock
        steps.begin_epoch(progress)
        began, first, seen_before = clock.now(), progress.batch, steps.count
        self._network.train()
        # The rates of the current batch; of the last one if only the validation is left.
        rates = self._set_rates(min(progress.batch, steps.per_epoch - 1))
        while progress.batch < steps.per_epoch:
            rates = self._set_rates(progress.batch)
            started = clock.now()
            told = yield from steps.take(progress, self._news)
            self._writer.changed = True
            clock.batch_took(clock.now() - started)
            yield from self._after_batch(rates, told)
        seconds = max(clock.now() - began, 1e-9)
        if progress.epoch + 1 < self._recipe.epochs:
            steps.prepare_epoch(progress.epoch + 1)
        else:
            steps.close()
        seen = sum(self._team.gather(steps.count - seen_before))
        # Where a resumed process had only the validation left, it has measured no speed.
        trained = progress.batch > first
        speed = {"images_per_second": seen / seconds, "waiting_for_images": steps.waited / seconds} if trained else {}
        yield from self._finish_epoch(rates, speed)

    def _news(self) -> _News:
        """Return what this process tells the others at the end of an update, before it is counted."""
        now, inside_epoch = self._clock.now(), self._progress.batch + 1 < self._steps.per_epoch
        return _News(
            self._loader.new_errors(),
            report=now - self._reported >= REPORT_SECONDS,
            save=now - self._saved >= 60 * self._recipe.checkpoint_minutes and inside_epoch,
        )

    def _after_batch(self, rates: dict[str, float], told: list[_News]) -> Generator[Event, None, None]:
        progress, clock = self._progress, self._clock
        for news in told:
            yield from news.left_out
        leader = told[-self._team.size]
        if leader.report:
            self._reported = clock.now()
            self._require_finite(self._steps.epoch_mean())
            speed, left = clock.images_per_second(self._steps.batch_size), self._seconds_left()
            values = rates | self._steps.batch_mean().values() | {"images_per_second": speed}
            self._writer.step({"epoch": progress.epoch, "batch": progress.batch, "step": progress.step, **values})
            self._control.write("running", images_per_second=speed, seconds_left=left)
            yield StepDone(progress.epoch, progress.batch, self._steps.per_epoch, values, speed, left)
        if leader.save:
            yield CheckpointSaved(self._save())

    def _seconds_left(self) -> float:
        """Estimate the remaining time in seconds, including validation."""
        plan, progress = self._plan, self._progress
        batches = (plan.recipe.epochs - progress.epoch) * self._steps.per_epoch - progress.batch
        validation = validation_cost(len(plan.training), len(plan.validation))
        return batches * self._clock.batch_seconds * (1 + validation)

    def _finish_epoch(self, rates: dict[str, float], speed: dict[str, float]) -> Generator[Event, None, None]:
        progress, recipe, plan = self._progress, self._recipe, self._plan
        mean = self._steps.epoch_mean()
        self._require_finite(mean)
        # The last update comes after all losses; without a validation set nothing else looks at it before the snapshot.
        if not self._learner.finite():
            raise progress.diverged()
        if not mean.count:
            raise DataSetError(
                f"None of the {len(plan.training)} training images can be read; repair the data set and resume."
            )
        parts = self._network.joint is not None
        values: dict[str, Any] = {"epoch": progress.epoch, "step": progress.step, **mean.values(), **rates}
        values |= {"images": float(mean.count), **radius_values(self._network)} if parts else {}
        values |= yield from self._validate()
        found = health_warnings(values, len(plan.classes), choices=plan.network) if parts else ()
        said = *self._memory.notes(), *self._compilation.warnings()
        warnings = (*said, *(f"{warning.sentence} {warning.remedy}" for warning in found))
        values |= {"sampling": recipe.sampling_at(progress.epoch), "warnings": list(warnings)}
        values |= {"memory_bytes": memory_in_use(self._learner.device), "micro_batch": self._memory.micro, **speed}
        epoch, after = progress.epoch, replace(progress)
        values |= {"compiled": self._compilation.outcome.compiled} if self._compilation.outcome else {}
        best = self._improve(values, after)
        self._writer.epoch({**values, "best": best})
        # Before the checkpoint: if the process is killed between the two, the end of the epoch is repeated on resuming.
        self._writer.snapshot(epoch)
        after.epoch, after.batch = epoch + 1, 0
        self._learner.average.add(epoch)
        name = self._save(after, best_epoch=epoch if best else None)
        yield from self._left_out()
        yield CheckpointSaved(name)
        yield EpochDone(epoch, recipe.epochs, values, warnings, best)

    def _complete(self) -> Generator[Event, None, None]:
        """Average the weights and recompute BatchNorm's statistics, as the recipe says.

        The result is validated, and saved as the last, and perhaps best, checkpoint.
        """
        progress, recipe = self._progress, self._recipe
        self._completing = True  # a stop during this falls back to the previous checkpoint
        values: dict[str, Any] = {"epoch": progress.epoch - 1, "step": progress.step}
        if recipe.average_epochs:
            self._learner.average.apply()
            values["averaged"] = True
        if recipe.recalibrate:
            yield from self._memory.halving(
                progress,
                lambda size: recalibrate(self._learner, self._loader, self._control, size=max(2, size)),
            )
            values["recalibrated"] = True
        values |= yield from self._validate()
        after = replace(progress)
        best = self._improve(values, after)
        self._writer.epoch({**values, "best": best})
        after.averaged, after.recalibrated = recipe.average_epochs > 0, recipe.recalibrate
        self._completing = False
        name = self._save(after, best_epoch=progress.epoch - 1 if best else None)
        yield from self._left_out()
        yield CheckpointSaved(name)
        yield EpochDone(progress.epoch - 1, self._recipe.epochs, values, (), best)

    def _validate(self) -> Generator[Event, None, dict[str, float]]:
        return (
            yield from validate(
                self._learner, self._loader, self._control, size=self._memory.micro, pieces=self._validation_pieces
            )
        )

    def _save(self, after: TrainingProgress | None = None, *, best_epoch: int | None = None) -> str:
        """Write a checkpoint of the current state; with ``best_epoch`` it becomes the best.

        Args:
            after: The progress at the end of an epoch. It counts once it is saved: where the disk is full, the state does not
                show an epoch that a resumed run has to repeat.
            best_epoch: The epoch, if it is the best.
        """
        progress = replace(self._progress) if after is None else after
        progress.sums = None
        if progress.batch:
            mean = self._steps.epoch_mean()
            self._require_finite(mean)
            progress.sums = mean.state()
        now = self._clock.now()
        progress.seconds += now - self._saved
        self._saved = now
        if best_epoch is not None:
            progress.best_epoch, progress.best_checkpoint = best_epoch, progress.checkpoint_name
        name = self._writer.checkpoint(progress)
        self._progress.take(progress)
        return name

    def _left_out(self) -> Generator[Event, None, None]:
        """Yield the unreadable images that any process has found."""
        for errors in self._team.gather(self._loader.new_errors()):
            yield from errors

    def _require_finite(self, mean: RunningMean) -> None:
        if not all(math.isfinite(value) for name, value in mean.values().items() if name.startswith("loss")):
            raise self._progress.diverged()

    def _set_rates(self, batch: int) -> dict[str, float]:
        return self._learner.set_rates(self._progress.epoch + batch / self._steps.per_epoch)

    def _improve(self, values: dict[str, Any], progress: TrainingProgress) -> bool:
        answer = "O" if self._network.joint is None else "joint"
        accuracy, loss = values.get(f"validation_accuracy_{answer}"), values.get("validation_loss")
        if loss is not None and not math.isfinite(loss):
            raise self._progress.diverged()
        return progress.improve(accuracy, loss)
