"""One life of a training, between taking the run's lock and letting go of it: epochs, batches, checkpoints.

Whatever is random is keyed by (seed, epoch, sample) and everything else that decides how it goes on stands in a checkpoint, so on
the CPU a run that was killed and resumed ends with the very same weights as one that never was.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

from s3n_core.analysis.health import HealthTally, health_warnings, radius_values
from s3n_core.datasets.loading import Batch
from s3n_core.devices import DeviceChoice, choose_device, choose_precision, memory_in_use
from s3n_core.errors import DataSetError, RunError, S3NError
from s3n_core.runs.metrics import MetricsWriter
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.seeding import epoch_order
from s3n_core.training.checkpoints import load_newest, point_to, save_checkpoint
from s3n_core.training.events import CheckpointSaved, EpochDone, Event, RunEnded, RunStarted, StepDone
from s3n_core.training.feeding import Feeder
from s3n_core.training.learner import Learner
from s3n_core.training.place import Place
from s3n_core.training.preparing import model_header, read_plan
from s3n_core.training.recalibration import recalibrate
from s3n_core.training.snapshots import ProbeRecorder, choose_probes
from s3n_core.training.steering import Halt, Steering
from s3n_core.training.tally import LossTally
from s3n_core.training.validation import validate

_log = logging.getLogger(__name__)
NEWS_SECONDS = 0.2  # shortest time between two reports of a step


class TrainingError(S3NError):
    """A training that cannot go on."""


class Loop:
    """Trains a run from where its last checkpoint stands.

    Args:
        run: The run, its lock held.
        steering: Where orders come from and the state goes.
        device: Overrides the device that the run was made for.
        workers: Threads that decode; None lets the loader decide.

    Raises:
        S3NError: If the run, its data set, the weights or the device cannot be had.
    """

    def __init__(self, run: RunDirectory, steering: Steering, device: str | None, workers: int | None) -> None:
        self._run = run
        self._steering, self._pace = steering, steering.pace
        steering.write("starting", message="Reading the data set and building the network.")
        self._plan = plan = read_plan(run)
        self._recipe = recipe = plan.recipe
        self._choice: DeviceChoice = choose_device(device or plan.device)
        self._device = self._choice.device
        self._precision = choose_precision(recipe.precision, self._device)
        self._batch_size = min(recipe.batch_size, len(plan.training))
        self._micro = min(recipe.micro_batch or self._batch_size, self._batch_size)
        self._notes = [f"No faster device: {self._choice.reason}."] if self._choice.reason else []
        self._feeder = Feeder(plan, self._device, workers)
        self._losses, self._health = LossTally(), HealthTally()
        found = load_newest(run)
        self._resumed = found is not None
        if found is None:
            self._checkpoint: str | None = None
            self._place = Place()
            self._learner = Learner(plan, self._device, self._precision)
        else:
            self._checkpoint, network, momenta, self._place = found
            _log.info("resuming from checkpoint %s", self._checkpoint)
            self._learner = Learner(plan, self._device, self._precision, network)
            self._learner.restore(momenta, self._place)
            point_to(run, self._checkpoint, self._place)
        self._network = self._learner.network
        self._notes += self._learner.notes
        for note in self._notes:
            _log.info("%s", note)
        # Whether the network is at the place; in the middle of an update, or of a recalibration, it is between two places.
        self._at_place = True
        self._changed = not self._resumed
        self._reported = self._saved = self._pace.now()
        steering.follow(self._place, recipe.epochs, self._batches)

    def events(self) -> Generator[Event, None, None]:
        """Train to the end, to an order, or until the generator is closed."""
        plan, recipe, where = self._plan, self._recipe, self._place
        if where.finished(recipe):
            self._steering.write("finished", message=self._ended("finished").message)
            raise RunError(f"The run {self._run.path.name} is finished: there is nothing left to resume.")
        candidates = plan.held_out or plan.training
        probes = choose_probes(candidates, recipe.probes, recipe.seed)
        self._probes = ProbeRecorder(self._run.snapshots, probes, plan.classes, plan.preprocess, recipe.seed)
        with MetricsWriter(self._run.metrics_jsonl, where.metrics_offset) as self._metrics:
            yield self._started()
            try:
                while not where.trained(recipe):
                    yield from self._epoch()
                if recipe.recalibrate and not where.recalibrated:
                    yield from self._recalibrate()
                status = "finished"
            except Halt as halt:
                status = halt.status
                if status == "stopped" and self._at_place and self._changed:
                    yield CheckpointSaved(self._save())
            except GeneratorExit:
                if self._at_place and self._changed:
                    self._save()
                raise
            ended = self._ended(status)
            self._steering.write(ended.status, message=ended.message)
        yield ended

    # -- an epoch -------------------------------------------------------------------------------------------------

    def _epoch(self) -> Generator[Event, None, None]:
        where, recipe = self._place, self._recipe
        self._losses, self._health = LossTally(), HealthTally()
        if where.loss is not None and where.health is not None:
            self._losses.restore(where.loss)
            self._health.restore(where.health)
        began, seen_before, waited = self._pace.now(), self._losses.count, 0.0
        self._network.train()
        order = epoch_order(recipe.seed, where.epoch, len(self._plan.training))
        order = order[where.batch * self._batch_size : self._batches * self._batch_size]
        # The rates of the batch at hand; of the last one where only the validation is left.
        rates = self._set_rates(min(where.batch, self._batches - 1))
        with closing(self._feeder.training_batches(where.epoch, order, self._micro)) as loader:
            while where.batch < self._batches:
                rates = self._set_rates(where.batch)
                started = self._pace.now()
                waited += yield from self._update(loader)
                where.batch += 1
                where.step += 1
                self._at_place = self._changed = True
                self._pace.batch_took(self._pace.now() - started)
                yield from self._after_batch(rates)
        seconds = max(self._pace.now() - began, 1e-9)
        speed = {
            "images_per_second": (self._losses.count - seen_before) / seconds,
            "waiting_for_images": waited / seconds,
        }
        yield from self._finish_epoch(rates, speed)

    def _update(self, loader: Iterator[Batch]) -> Generator[Event, None, float]:
        """Take one optimiser step over the micro-batches of a batch; returns the seconds that it waited for images."""
        where, learner = self._place, self._learner
        size = min(self._batch_size, len(self._plan.training) - where.batch * self._batch_size)
        waited = 0.0
        learner.begin()
        for part in range(-(-size // self._micro)):
            self._at_place = part == 0
            yield from self._steering.obey(inside_batch=part > 0)
            asked = self._pace.now()
            batch = next(loader)
            waited += self._pace.now() - asked
            if len(batch) < learner.least:
                continue
            images, labels, draws = self._feeder.tensors(batch, where.epoch)
            output, losses = learner.learn(images, labels, draws, where, part=part, share=len(batch) / size)
            self._losses.add(output, losses, labels)
            self._health.add(output)
        learner.finish()
        return waited

    def _after_batch(self, rates: dict[str, float]) -> Generator[Event, None, None]:
        where, pace = self._place, self._pace
        yield from self._feeder.news()
        now = pace.now()
        if now - self._reported >= NEWS_SECONDS:
            self._reported = now
            self._require_finite()
            speed, left = pace.images_per_second(self._batch_size), self._seconds_left()
            values = rates | self._losses.values() | {"images_per_second": speed}
            self._metrics.write_step({"epoch": where.epoch, "batch": where.batch, "step": where.step, **values})
            self._steering.write("running", images_per_second=speed, seconds_left=left)
            yield StepDone(where.epoch, where.batch, self._batches, values, speed, left)
        if now - self._saved >= 60 * self._recipe.checkpoint_minutes and where.batch < self._batches:
            yield CheckpointSaved(self._save())

    def _finish_epoch(self, rates: dict[str, float], speed: dict[str, float]) -> Generator[Event, None, None]:
        where, recipe, plan = self._place, self._recipe, self._plan
        self._require_finite()
        if not self._losses.count:
            raise DataSetError(
                f"None of the {len(plan.training)} training images can be read; mend the data set and resume."
            )
        parts = self._network.joint is not None
        values: dict[str, Any] = {"epoch": where.epoch, "step": where.step, **self._losses.values(), **rates}
        values |= self._health.values() | (radius_values(self._network) if parts else {})
        values |= yield from self._validate()
        found = health_warnings(values, len(plan.classes), choices=plan.network) if parts else ()
        warnings = tuple(f"{warning.sentence} {warning.remedy}" for warning in found)
        values |= {"sampling": recipe.sampling_at(where.epoch), "warnings": list(warnings)}
        values |= {"memory_bytes": memory_in_use(self._device), **speed}
        epoch, best = where.epoch, self._improve(values)
        self._metrics.write_epoch({**values, "best": best})
        # Before the checkpoint: a kill between the two repeats the epoch's end, snapshot included.
        self._probes.record(self._network, epoch, self._device, self._precision)
        where.epoch, where.batch, where.loss, where.health = epoch + 1, 0, None, None
        name = self._save(best_epoch=epoch if best else None)
        yield from self._feeder.news()
        yield CheckpointSaved(name)
        yield EpochDone(epoch, recipe.epochs, values, warnings, best)

    def _recalibrate(self) -> Generator[Event, None, None]:
        """Measure BatchNorm's statistics anew and keep the result as the last, and perhaps best, checkpoint."""
        where = self._place
        self._at_place = False  # a stop in here goes back to the checkpoint before
        yield from recalibrate(
            self._network,
            self._feeder,
            self._steering,
            size=max(2, self._micro),
            device=self._device,
            precision=self._precision,
        )
        values: dict[str, Any] = {"epoch": where.epoch - 1, "step": where.step, "recalibrated": True}
        values |= yield from self._validate()
        best = self._improve(values)
        self._metrics.write_epoch({**values, "best": best})
        where.recalibrated = self._at_place = True
        name = self._save(best_epoch=where.epoch - 1 if best else None)
        yield from self._feeder.news()
        yield CheckpointSaved(name)
        yield EpochDone(where.epoch - 1, self._recipe.epochs, values, (), best)

    # -- checkpoints ----------------------------------------------------------------------------------------------

    def _save(self, *, best_epoch: int | None = None) -> str:
        """Write a checkpoint of the place at hand; with ``best_epoch`` it becomes the best."""
        where = self._place
        if where.batch:
            self._require_finite()
            where.loss, where.health = self._losses.state(), self._health.state()
        if not self._learner.finite():
            raise self._diverged()
        self._learner.remember(where)
        where.metrics_offset = self._metrics.offset
        now = self._pace.now()
        where.seconds += now - self._saved
        self._saved = now
        if best_epoch is not None:
            where.best_epoch, where.best_checkpoint = best_epoch, where.checkpoint_name
        header = model_header(self._plan, epoch=where.epoch, best_accuracy=where.best_accuracy)
        self._checkpoint = save_checkpoint(
            self._run, self._network, self._learner.optimizer, header, where, previous=self._checkpoint
        )
        self._changed = False
        return self._checkpoint

    def _require_finite(self) -> None:
        if not self._losses.finite():
            raise self._diverged()

    def _diverged(self) -> TrainingError:
        return TrainingError(
            f"The training diverged in epoch {self._place.epoch + 1}: its losses are no longer finite numbers. Start a new run "
            "with lower learning rates (rate_backbone, rate_heads) or in float32; the last checkpoint before it is kept."
        )

    # -- figures --------------------------------------------------------------------------------------------------

    @property
    def _batches(self) -> int:
        """Batches an epoch; a last batch of one image is dropped, since BatchNorm has no variance of a single vector."""
        whole, rest = divmod(len(self._plan.training), self._batch_size)
        return whole + (rest > 1)

    def _set_rates(self, batch: int) -> dict[str, float]:
        return self._learner.set_rates(self._place.epoch + batch / self._batches)

    def _validate(self) -> Generator[Event, None, dict[str, float]]:
        return validate(
            self._network,
            self._feeder,
            self._steering,
            size=self._micro,
            device=self._device,
            precision=self._precision,
        )

    def _improve(self, values: dict[str, Any]) -> bool:
        answer = "O" if self._network.joint is None else "joint"
        accuracy, loss = values.get(f"held_out_accuracy_{answer}"), values.get("held_out_loss")
        if loss is not None and not math.isfinite(loss):
            raise self._diverged()
        return self._place.improve(accuracy, loss)

    def _seconds_left(self) -> float:
        where = self._place
        batches = (self._recipe.epochs - where.epoch) * self._batches - where.batch
        # Without a backward pass an image costs about a third.
        validation = len(self._plan.held_out) / (3 * len(self._plan.training))
        return batches * self._pace.batch_seconds * (1 + validation)

    # -- first and last words -------------------------------------------------------------------------------------

    def _started(self) -> RunStarted:
        return RunStarted(
            path=self._run.path,
            resumed=self._resumed,
            epoch=self._place.epoch,
            epochs=self._recipe.epochs,
            batches=self._batches,
            images=len(self._plan.training),
            held_out=len(self._plan.held_out),
            classes=len(self._plan.classes),
            device=self._choice.name,
            precision=self._precision,
            notes=tuple(self._notes),
        )

    def _ended(self, status: str) -> RunEnded:
        where, epochs = self._place, self._recipe.epochs
        if status == "discarded":
            return RunEnded("discarded", where.best_epoch, where.best_accuracy, "Discarded.")
        if status == "stopped":
            message = f"Stopped in epoch {min(where.epoch + 1, epochs)} of {epochs}; it can be resumed."
            return RunEnded("stopped", where.best_epoch, where.best_accuracy, message)
        message = f"Finished all {epochs} epochs." if epochs > 1 else "Finished its one epoch."
        if where.epoch < epochs:
            message = f"Finished after {where.epoch} epochs: none of the last {self._recipe.patience} was better."
        return RunEnded("finished", where.best_epoch, where.best_accuracy, message)
