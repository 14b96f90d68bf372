"""The trainer: a generator of events over a run's folder. Starting and resuming are one path.

Whatever is random is keyed by (seed, epoch, sample) and everything else that decides how it goes on stands in a checkpoint, so on
the CPU a run that was killed and resumed ends with the very same weights as one that never was.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from s3n_core.analysis.health import HealthTally, health_warnings, radius_values
from s3n_core.datasets.loading import Batch
from s3n_core.devices import DeviceChoice, autocast, choose_device, choose_precision, memory_in_use, place
from s3n_core.errors import DataSetError, RunError, S3NError
from s3n_core.method.configuration import ModelHeader
from s3n_core.method.network import S3N
from s3n_core.method.objective import objective
from s3n_core.runs.lock import RunLock
from s3n_core.runs.metrics import MetricsWriter
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.seeding import epoch_order, keyed_generator
from s3n_core.training.checkpoints import Place, checkpoint_name, load_newest, restore_momenta, save_checkpoint
from s3n_core.training.events import CheckpointSaved, EpochDone, Event, RunEnded, RunStarted, StepDone
from s3n_core.training.feeding import EVALUATION, Feeder
from s3n_core.training.optimization import build_optimizer, hold_radii, set_rates
from s3n_core.training.preparing import read_plan, versions
from s3n_core.training.recalibration import recalibrate
from s3n_core.training.snapshots import ProbeRecorder, choose_probes
from s3n_core.training.steering import Halt, Steering, run_log
from s3n_core.training.tally import LossTally

_log = logging.getLogger(__name__)
NEWS_SECONDS = 0.2  # shortest time between two reports of a step


class TrainingError(S3NError):
    """A training that cannot go on."""


class FinishedError(RunError):
    """A run that was told to go on and has nothing left to do; it stays finished."""


class Trainer:
    """Trains the run in a folder from where it stands.

    Args:
        run_path: The run's folder, made by `preparing.prepare_run`.
        device: Overrides the device that the run was made for.
        workers: Threads that decode; None lets the loader decide.
    """

    def __init__(self, run_path: Path, *, device: str | None = None, workers: int | None = None) -> None:
        self.run_directory = RunDirectory(run_path)
        self._wanted_device = device
        self._workers = workers
        self._stop_requested = False

    def request_stop(self) -> None:
        """Stop after the batch at hand and keep everything; safe to call from a signal handler or another thread."""
        self._stop_requested = True

    def run(self) -> Generator[Event, None, None]:
        """Train until the end or until an order. Closing the generator stops the training and keeps everything.

        Raises:
            RunError: If another process trains this run, it is finished, or its folder is broken.
            TrainingError: If the losses are no longer finite numbers, or memory runs out.
            S3NError: If the data set, the weights or the disk fail; what was saved stays.
        """
        run = self.run_directory
        with RunLock(run.path), run_log(run.log_txt):
            run.remove_leftovers()
            steering = Steering(run, lambda: self._stop_requested)
            try:
                yield from _Training(run, steering, self._wanted_device, self._workers).events()
            except GeneratorExit:
                steering.write("stopped", message="Stopped by the program that followed it; everything is kept.")
                raise
            except FinishedError:
                raise
            except KeyboardInterrupt:
                with suppress(S3NError):
                    steering.write("stopped", message="Quit by Ctrl+C; it can be resumed from its last checkpoint.")
                raise
            except torch.OutOfMemoryError as error:
                message = (
                    "The device ran out of memory. Start again with a smaller micro_batch: the images an update stay "
                    "the same, so only BatchNorm's statistics change."
                )
                _log.exception("out of memory")
                steering.last_word(message)
                raise TrainingError(message) from error
            except S3NError as error:
                _log.error("%s", error)
                steering.last_word(str(error))
                raise
            except BaseException:
                _log.exception("the training ended by an error of the program")
                steering.last_word(f"The training ended by an error; the log is {run.log_txt}.")
                raise


class _Training:
    """One life of a training, between taking the lock and letting go of it."""

    def __init__(self, run: RunDirectory, steering: Steering, device: str | None, workers: int | None) -> None:
        self._run = run
        self._steering = steering
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
        self._resumed = self._build()
        steering.follow(self._place, recipe.epochs, self._batches)
        self._reported = self._saved = time.monotonic()
        self._batch_seconds = 0.0
        self._inside_batch = False

    def _build(self) -> bool:
        """Make or restore network, optimiser and place; says whether they were restored."""
        plan, found = self._plan, load_newest(self._run)
        if found is None:
            torch.manual_seed(plan.recipe.seed)
            self._network = S3N(plan.network, weights=plan.recipe.weights)
            self._place = Place()
            self._notes.extend(self._network.weight_report.sentences())
        else:
            name, self._network, momenta, self._place = found
            _log.info("resuming from checkpoint %s", name)
        place(self._network, self._device)
        self._optimizer = build_optimizer(self._network, plan.recipe)
        self._scaler = torch.amp.GradScaler(self._device, enabled=self._precision == "float16")
        if found is not None:
            restore_momenta(self._optimizer, momenta)
            if self._place.scaler:
                self._scaler.load_state_dict(self._place.scaler)
        for note in self._notes:
            _log.info("%s", note)
        return found is not None

    # -- the whole ------------------------------------------------------------------------------------------------

    def events(self) -> Generator[Event, None, None]:
        """Train to the end, to an order, or until the generator is closed."""
        plan, recipe, where = self._plan, self._recipe, self._place
        if self._finished():
            self._steering.write("finished", message=self._ended("finished").message)
            raise FinishedError(f"The run {self._run.path.name} is finished: there is nothing left to resume.")
        candidates = plan.held_out or plan.training
        probes = choose_probes(candidates, recipe.probes, recipe.seed)
        self._probes = ProbeRecorder(self._run.snapshots, probes, plan.classes, plan.preprocess, recipe.seed)
        with MetricsWriter(self._run.metrics_jsonl, where.metrics_offset) as self._metrics:
            yield RunStarted(
                path=self._run.path,
                resumed=self._resumed,
                epoch=where.epoch,
                epochs=recipe.epochs,
                batches=self._batches,
                images=len(plan.training),
                held_out=len(plan.held_out),
                classes=len(plan.classes),
                device=self._choice.name,
                precision=self._precision,
                notes=tuple(self._notes),
            )
            try:
                while where.epoch < recipe.epochs and not self._out_of_patience():
                    yield from self._epoch()
                if recipe.recalibrate and not where.recalibrated:
                    yield from self._recalibrate()
                status = "finished"
            except Halt as halt:
                status = halt.status
                if status == "stopped" and not self._inside_batch:
                    yield CheckpointSaved(self._save())
            except GeneratorExit:
                if not self._inside_batch:
                    self._save()
                raise
            ended = self._ended(status)
            self._steering.write(ended.status, message=ended.message)
        yield ended

    def _epoch(self) -> Generator[Event, None, None]:
        where, recipe = self._place, self._recipe
        self._losses, self._health = LossTally(), HealthTally()
        if where.loss is not None and where.health is not None:
            self._losses.restore(where.loss)
            self._health.restore(where.health)
        began, seen_before, waited = time.monotonic(), self._losses.count, 0.0
        self._network.train()
        order = epoch_order(recipe.seed, where.epoch, len(self._plan.training))
        order = order[where.batch * self._batch_size : self._batches * self._batch_size]
        rates = set_rates(self._optimizer, recipe, where.epoch + where.batch / self._batches)
        with closing(self._feeder.training_batches(where.epoch, order, self._micro)) as loader:
            while where.batch < self._batches:
                rates = set_rates(self._optimizer, recipe, where.epoch + where.batch / self._batches)
                started = time.monotonic()
                waited += yield from self._update(loader)
                where.batch += 1
                where.step += 1
                self._batch_seconds = _smoothed(self._batch_seconds, time.monotonic() - started)
                yield from self._after_batch(rates)
        seconds = max(time.monotonic() - began, 1e-9)
        speed = {
            "images_per_second": (self._losses.count - seen_before) / seconds,
            "waiting_for_images": waited / seconds,
        }
        yield from self._finish_epoch({f"rate_{role}": rate for role, rate in rates.items()}, speed)

    def _update(self, loader: Iterator[Batch]) -> Generator[Event, None, float]:
        """Take one optimiser step over the micro-batches of a batch; returns the seconds that it waited for images."""
        where, recipe = self._place, self._recipe
        size = min(self._batch_size, len(self._plan.training) - where.batch * self._batch_size)
        sampling = recipe.sampling_at(where.epoch)
        waited = 0.0
        self._optimizer.zero_grad(set_to_none=True)
        for part in range(-(-size // self._micro)):
            self._inside_batch = part > 0
            yield from self._steering.obey(inside_batch=self._inside_batch)
            asked = time.monotonic()
            batch = next(loader)
            waited += time.monotonic() - asked
            if not len(batch):
                continue
            # Layers with randomness of their own (stochastic depth) draw from torch's generator: keyed like the rest.
            torch.manual_seed(int(keyed_generator(recipe.seed, where.step, "layers", part).integers(2**62)))
            images, labels, draws = self._feeder.tensors(batch, where.epoch)
            with autocast(self._device, self._precision):
                output = self._network(images, sampling=sampling, draws=draws, trace=self._network.joint is not None)
            losses = objective(output, labels, smoothing=recipe.smoothing)
            torch.autograd.backward(self._scaler.scale(losses.total * (len(batch) / size)))
            self._losses.add(output, losses, labels)
            self._health.add(output)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        hold_radii(self._network)
        self._inside_batch = False
        return waited

    def _after_batch(self, rates: dict[str, float]) -> Generator[Event, None, None]:
        where = self._place
        yield from self._feeder.news()
        now = time.monotonic()
        if now - self._reported >= NEWS_SECONDS:
            self._reported = now
            self._check_finite()
            speed = self._batch_size / max(self._batch_seconds, 1e-9)
            values = {f"rate_{role}": rate for role, rate in rates.items()} | self._losses.values()
            values["images_per_second"] = speed
            self._metrics.write_step({"epoch": where.epoch, "batch": where.batch, "step": where.step, **values})
            left = self._seconds_left()
            self._steering.write("running", images_per_second=speed, seconds_left=left)
            yield StepDone(where.epoch, where.batch, self._batches, values, speed, left)
        if now - self._saved >= 60 * self._recipe.checkpoint_minutes and where.batch < self._batches:
            yield CheckpointSaved(self._save())

    def _finish_epoch(self, rates: dict[str, float], speed: dict[str, float]) -> Generator[Event, None, None]:
        where, recipe = self._place, self._recipe
        self._check_finite()
        if not self._losses.count:
            raise DataSetError(
                f"None of the {len(self._plan.training)} training images can be read; mend the data set."
            )
        parts = self._network.joint is not None
        values: dict[str, Any] = {"epoch": where.epoch, "step": where.step, **self._losses.values(), **rates}
        values |= self._health.values() | (radius_values(self._network) if parts else {}) | self._validate()
        found = health_warnings(values, len(self._plan.classes)) if parts else ()
        warnings = tuple(f"{warning.sentence} {warning.remedy}" for warning in found)
        values |= {"sampling": recipe.sampling_at(where.epoch), "warnings": list(warnings)}
        values |= {"memory_bytes": memory_in_use(self._device), **speed}
        epoch, best = where.epoch, self._is_best(values)
        self._metrics.write_epoch({**values, "best": best})
        where.epoch, where.batch, where.loss, where.health = epoch + 1, 0, None, None
        name = self._save(best_epoch=epoch if best else None)
        self._probes.record(self._network, epoch, self._device, self._precision)
        yield from self._feeder.news()
        yield CheckpointSaved(name)
        yield EpochDone(epoch, recipe.epochs, values, warnings, best)

    def _recalibrate(self) -> Generator[Event, None, None]:
        """Measure BatchNorm's statistics anew and keep the result as the last, and perhaps best, checkpoint."""
        where = self._place

        def batches() -> Iterator[tuple[Tensor, Tensor]]:
            with closing(self._feeder.plain_batches(self._plan.training, self._micro)) as loader:
                for batch in loader:
                    if len(batch) > 1:
                        images, _, draws = self._feeder.tensors(batch, EVALUATION)
                        yield images, draws

        with autocast(self._device, self._precision):
            recalibrate(self._network, batches())
        where.recalibrated = True
        values = {"epoch": where.epoch - 1, "step": where.step, "recalibrated": True, **self._validate()}
        best = self._is_best(values)
        self._metrics.write_epoch({**values, "best": best})
        yield CheckpointSaved(self._save(best_epoch=where.epoch - 1 if best else None))
        yield EpochDone(where.epoch - 1, self._recipe.epochs, values, (), best)

    # -- validation -----------------------------------------------------------------------------------------------

    def _validate(self) -> dict[str, float]:
        """Measure losses, accuracies and health on the held-out part, in the deterministic mode of evaluation."""
        tally, health = LossTally(), HealthTally()
        self._network.eval()
        loader = self._feeder.plain_batches(self._plan.held_out, self._micro)
        with closing(loader), torch.inference_mode():
            for batch in loader:
                if not len(batch):
                    continue
                images, labels, draws = self._feeder.tensors(batch, EVALUATION)
                with autocast(self._device, self._precision):
                    output = self._network(images, draws=draws, trace=self._network.joint is not None)
                tally.add(output, objective(output, labels), labels)
                health.add(output)
        self._network.train()
        return {f"held_out_{name}": value for name, value in (tally.values() | health.values()).items()}

    def _is_best(self, values: dict[str, Any]) -> bool:
        """Compare by held-out accuracy, then loss, with the best so far; without a held-out part the last is the best."""
        where = self._place
        answer = "O" if self._network.joint is None else "joint"
        accuracy, loss = values.get(f"held_out_accuracy_{answer}"), values.get("held_out_loss")
        if accuracy is None or loss is None:
            return True
        best = (-1.0, 0.0) if where.best_loss is None else (where.best_accuracy or 0.0, -where.best_loss)
        if (accuracy, -loss) <= best:
            return False
        where.best_accuracy, where.best_loss = accuracy, loss
        return True

    def _out_of_patience(self) -> bool:
        patience, best = self._recipe.patience, self._place.best_epoch
        return patience is not None and best is not None and self._place.epoch - 1 - best >= patience

    def _finished(self) -> bool:
        trained = self._place.epoch >= self._recipe.epochs or self._out_of_patience()
        return trained and (self._place.recalibrated or not self._recipe.recalibrate)

    # -- checkpoints ----------------------------------------------------------------------------------------------

    def _save(self, *, best_epoch: int | None = None) -> str:
        """Write a checkpoint of the place at hand; with ``best_epoch`` it becomes the best."""
        where = self._place
        if where.batch:
            self._check_finite()
            where.loss, where.health = self._losses.state(), self._health.state()
        where.scaler = self._scaler.state_dict() if self._precision == "float16" else {}
        where.metrics_offset = self._metrics.offset
        now = time.monotonic()
        where.seconds += now - self._saved
        self._saved = now
        if best_epoch is not None:
            where.best_epoch, where.best_checkpoint = best_epoch, checkpoint_name(where)
        return save_checkpoint(self._run, self._network, self._optimizer, self._header(), where)

    def _header(self) -> ModelHeader:
        plan, where = self._plan, self._place
        return ModelHeader(
            network=plan.network,
            classes=plan.classes,
            preprocess=plan.preprocess.to_dict(),
            recipe=plan.recipe.name,
            data_set=plan.data_set,
            epoch=where.epoch,
            metrics={} if where.best_accuracy is None else {"best_held_out_accuracy": where.best_accuracy},
            versions=versions(),
        )

    def _check_finite(self) -> None:
        if not self._losses.finite():
            raise TrainingError(
                f"The loss is no longer a finite number in epoch {self._place.epoch + 1}: lower the learning rates "
                "(rate_backbone, rate_heads), or train in float32. The last checkpoint before it is kept."
            )

    # -- figures --------------------------------------------------------------------------------------------------

    @property
    def _batches(self) -> int:
        """Batches an epoch; a last batch of one image is dropped, since BatchNorm has no variance of a single vector."""
        whole, rest = divmod(len(self._plan.training), self._batch_size)
        return whole + (rest > 1)

    def _seconds_left(self) -> float:
        where = self._place
        batches = (self._recipe.epochs - where.epoch) * self._batches - where.batch
        # Without a backward pass an image costs about a third.
        validation = len(self._plan.held_out) / (3 * len(self._plan.training))
        return batches * self._batch_seconds * (1 + validation)

    def _ended(self, status: str) -> RunEnded:
        where, epochs = self._place, self._recipe.epochs
        if status == "discarded":
            return RunEnded("discarded", where.best_epoch, where.best_accuracy, "Discarded.")
        if status == "stopped":
            message = f"Stopped in epoch {where.epoch + 1} of {epochs}; it can be resumed."
            return RunEnded("stopped", where.best_epoch, where.best_accuracy, message)
        message = f"Finished all {epochs} epochs."
        if where.epoch < epochs:
            message = f"Finished after {where.epoch} epochs: none of the last {self._recipe.patience} was better."
        return RunEnded("finished", where.best_epoch, where.best_accuracy, message)


def _smoothed(mean: float, value: float) -> float:
    return value if mean == 0 else 0.9 * mean + 0.1 * value
