"""One life of a training, between taking the run's lock and letting go of it: epochs, validations, the end.

Whatever is random is keyed by (seed, epoch, sample) and everything else that decides how it goes on stands in a checkpoint, so on
the CPU a run that was killed and resumed ends with the very same weights as one that never was.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Generator
from typing import Any

from s3n_core.errors import DataSetError, RunError
from s3n_core.models.devices import choose_device, choose_precision, memory_in_use
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.distributed import Team
from s3n_core.training.announcements import run_ended, run_started, seconds_left
from s3n_core.training.batch_loader import BatchLoader
from s3n_core.training.changed_data import require_same_data
from s3n_core.training.checkpoint_writer import CheckpointWriter
from s3n_core.training.checkpoints import load_newest, point_to
from s3n_core.training.events import CheckpointSaved, EpochDone, Event, StepDone
from s3n_core.training.failures import diverged
from s3n_core.training.health import health_warnings, radius_values
from s3n_core.training.learner import Learner
from s3n_core.training.memory_limit import MemoryLimit
from s3n_core.training.preparing import read_plan
from s3n_core.training.recalibration import recalibrate
from s3n_core.training.run_control import Halt, RunControl
from s3n_core.training.running_mean import LossTally
from s3n_core.training.step import Updates
from s3n_core.training.training_progress import Place
from s3n_core.training.validation import validate

_log = logging.getLogger(__name__)
NEWS_SECONDS = 0.2  # shortest time between two reports of a step


class Loop:
    """Trains a run from where its last checkpoint stands.

    Args:
        run: The run, its lock held.
        steering: Where orders come from and the state goes.
        team: The processes at work.
        device: Overrides the device that the run was made for.
        workers: Threads that decode; None lets the loader decide.
        changed_data: Go on although the data set is not the one that the run began with.

    Raises:
        S3NError: If the run, its data set, the weights or the device cannot be had.
    """

    def __init__(
        self,
        run: RunDirectory,
        steering: RunControl,
        team: Team,
        *,
        device: str | None,
        workers: int | None,
        changed_data: bool,
    ) -> None:
        self._run, self._steering, self._team, self._pace = run, steering, team, steering.pace
        steering.write("starting", message="Reading the data set and building the network.")
        self._plan = plan = read_plan(run)
        self._recipe = recipe = plan.recipe
        self._choice = choose_device(device or plan.device)
        device = self._choice.device
        precision = choose_precision(recipe.precision, device)
        team.require_cards(device)
        found = load_newest(run)
        self._resumed = found is not None
        name, network, momenta, self._place = found or (None, None, {}, Place())
        # A fresh run's data set has just been read.
        notes = team.lead(require_same_data(run, changed_data) if team.leads and self._resumed else [])
        self._learner = Learner(plan, device, precision, team, network)
        if name is not None:
            _log.info("resuming from checkpoint %s", name)
            self._learner.restore(momenta, self._place)
            if team.leads:
                point_to(run, name, self._place)
        self._network = self._learner.network
        self._feeder = BatchLoader(plan, device, workers, team)
        self._memory = MemoryLimit(run, plan, self._learner, team)
        self._updates = Updates(plan, self._learner, self._feeder, steering, team, self._memory)
        self._keeper = CheckpointWriter(run, plan, self._learner, team, name)
        reason = [f"No faster device: {self._choice.reason}."] if self._choice.reason else []
        self._notes = (*reason, *notes, *self._memory.notes(), *self._learner.notes)
        for note in self._notes:
            _log.info("%s", note)
        self._measured = False  # in the middle of a recalibration the network is between two places
        self._reported = self._saved = self._pace.now()
        steering.follow(self._place, recipe.epochs, self._updates.batches)

    def events(self) -> Generator[Event, None, None]:
        """Train to the end, to an order, or until the generator is closed."""
        recipe, where = self._recipe, self._place
        if where.finished(recipe):
            self._steering.write("finished", message=run_ended("finished", where, recipe).message)
            raise RunError(f"The run {self._run.path.name} is finished: there is nothing left to resume.")
        with self._keeper.opened(where.metrics_offset):
            yield run_started(
                self._run.path,
                self._plan,
                where,
                resumed=self._resumed,
                batches=self._updates.batches,
                device=self._choice.name,
                precision=self._learner.precision,
                notes=self._notes,
            )
            try:
                while not where.trained(recipe):
                    yield from self._epoch()
                if recipe.recalibrate and not where.recalibrated:
                    yield from self._recalibrate()
                status = "finished"
            except Halt as halt:
                status = halt.status
                if status == "stopped" and self._at_place and self._keeper.changed:
                    yield CheckpointSaved(self._save())
            except GeneratorExit:
                # The other processes do not know of it: alone this one could not gather their sums.
                if self._team.size == 1 and self._at_place and self._keeper.changed:
                    self._save()
                raise
            finally:
                self._updates.close()
            ended = run_ended(status, where, recipe)
            self._steering.write(ended.status, message=ended.message)
        yield ended

    @property
    def _at_place(self) -> bool:
        """Whether the network is at the place, not in the middle of an update or of a recalibration."""
        return self._updates.between and not self._measured

    def _epoch(self) -> Generator[Event, None, None]:
        where, updates, pace = self._place, self._updates, self._pace
        updates.begin(where)
        began, seen_before, waited = pace.now(), updates.count, 0.0
        self._network.train()
        # The rates of the batch at hand; of the last one where only the validation is left.
        rates = self._set_rates(min(where.batch, updates.batches - 1))
        while where.batch < updates.batches:
            rates = self._set_rates(where.batch)
            started = pace.now()
            waited += yield from updates.take(where)
            where.batch += 1
            where.step += 1
            updates.between = self._keeper.changed = True
            pace.batch_took(pace.now() - started)
            yield from self._after_batch(rates)
        updates.close()
        seconds = max(pace.now() - began, 1e-9)
        seen = sum(self._team.gather(updates.count - seen_before))
        yield from self._finish_epoch(
            rates, {"images_per_second": seen / seconds, "waiting_for_images": waited / seconds}
        )

    def _after_batch(self, rates: dict[str, float]) -> Generator[Event, None, None]:
        where, pace, now = self._place, self._pace, self._pace.now()
        yield from self._news()
        report, save = self._team.lead(
            (
                now - self._reported >= NEWS_SECONDS,
                now - self._saved >= 60 * self._recipe.checkpoint_minutes and where.batch < self._updates.batches,
            )
        )
        if report:
            self._reported = now
            losses, _ = self._updates.measured()
            self._require_finite(losses)
            speed = pace.images_per_second(self._updates.batch_size)
            left = seconds_left(self._plan, where, self._updates.batches, pace.batch_seconds)
            values = rates | losses.values() | {"images_per_second": speed}
            self._keeper.step({"epoch": where.epoch, "batch": where.batch, "step": where.step, **values})
            self._steering.write("running", images_per_second=speed, seconds_left=left)
            yield StepDone(where.epoch, where.batch, self._updates.batches, values, speed, left)
        if save:
            yield CheckpointSaved(self._save())

    def _finish_epoch(self, rates: dict[str, float], speed: dict[str, float]) -> Generator[Event, None, None]:
        where, recipe, plan = self._place, self._recipe, self._plan
        losses, health = self._updates.measured()
        self._require_finite(losses)
        if not losses.count:
            raise DataSetError(
                f"None of the {len(plan.training)} training images can be read; mend the data set and resume."
            )
        parts = self._network.joint is not None
        values: dict[str, Any] = {"epoch": where.epoch, "step": where.step, **losses.values(), **rates}
        values |= health.values() | (radius_values(self._network) if parts else {})
        values |= yield from self._validate()
        found = health_warnings(values, len(plan.classes), choices=plan.network) if parts else ()
        warnings = (*self._memory.notes(), *(f"{warning.sentence} {warning.remedy}" for warning in found))
        values |= {"sampling": recipe.sampling_at(where.epoch), "warnings": list(warnings)}
        values |= {"memory_bytes": memory_in_use(self._learner.device), "micro_batch": self._memory.micro, **speed}
        epoch, best = where.epoch, self._improve(values)
        self._keeper.epoch({**values, "best": best})
        # Before the checkpoint: a kill between the two repeats the epoch's end, snapshot included.
        self._keeper.snapshot(epoch)
        where.epoch, where.batch = epoch + 1, 0
        name = self._save(best_epoch=epoch if best else None)
        yield from self._news()
        yield CheckpointSaved(name)
        yield EpochDone(epoch, recipe.epochs, values, warnings, best)

    def _recalibrate(self) -> Generator[Event, None, None]:
        """Measure BatchNorm's statistics anew and keep the result as the last, and perhaps best, checkpoint."""
        where = self._place
        self._measured = True  # a stop in here goes back to the checkpoint before
        yield from self._memory.halving(
            where,
            lambda size: recalibrate(self._learner, self._feeder, self._steering, size=max(2, size)),
        )
        values: dict[str, Any] = {"epoch": where.epoch - 1, "step": where.step, "recalibrated": True}
        values |= yield from self._validate()
        best = self._improve(values)
        self._keeper.epoch({**values, "best": best})
        where.recalibrated, self._measured = True, False
        name = self._save(best_epoch=where.epoch - 1 if best else None)
        yield from self._news()
        yield CheckpointSaved(name)
        yield EpochDone(where.epoch - 1, self._recipe.epochs, values, (), best)

    def _validate(self) -> Generator[Event, None, dict[str, float]]:
        return (
            yield from self._memory.halving(
                self._place, lambda size: validate(self._learner, self._feeder, self._steering, size=size)
            )
        )

    def _save(self, *, best_epoch: int | None = None) -> str:
        """Write a checkpoint of the place at hand; with ``best_epoch`` it becomes the best."""
        where = self._place
        where.loss = where.health = None
        if where.batch:
            losses, health = self._updates.measured()
            self._require_finite(losses)
            where.loss, where.health = losses.state(), health.state()
        now = self._pace.now()
        where.seconds += now - self._saved
        self._saved = now
        if best_epoch is not None:
            where.best_epoch, where.best_checkpoint = best_epoch, where.checkpoint_name
        return self._keeper.checkpoint(where)

    def _news(self) -> Generator[Event, None, None]:
        """Tell which images turned out unreadable, in whichever process."""
        for news in self._team.gather(self._feeder.news()):
            yield from news

    def _require_finite(self, losses: LossTally) -> None:
        if not losses.finite():
            raise diverged(self._place.epoch)

    def _set_rates(self, batch: int) -> dict[str, float]:
        return self._learner.set_rates(self._place.epoch + batch / self._updates.batches)

    def _improve(self, values: dict[str, Any]) -> bool:
        answer = "O" if self._network.joint is None else "joint"
        accuracy, loss = values.get(f"held_out_accuracy_{answer}"), values.get("held_out_loss")
        if loss is not None and not math.isfinite(loss):
            raise diverged(self._place.epoch)
        return self._place.improve(accuracy, loss)
