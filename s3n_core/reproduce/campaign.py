"""Running a campaign: its cells are trained and measured one after another, by any number of processes and machines.

A folder holds everything: ``cells/KEY/`` has the run, the answers, the predictions, the peaks and the measures of places
where an experiment reads them, ``training.json`` with what its training reported, and, when all is done, ``cell.json``. A
cell is claimed by a file lock, which the system releases when its holder dies; whoever claims it next resumes the run where
it stopped.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from s3n_core.errors import OutputError, RunError, RunFinished, S3NError
from s3n_core.evaluation.hit_rates import PlacesInImage, places_in_images, summary_of
from s3n_core.method.weight_files import require_weights
from s3n_core.models.devices import choose_device
from s3n_core.models.opening import Model, open_model
from s3n_core.prediction.job import predict_to_file
from s3n_core.prediction.rows import Prediction
from s3n_core.prediction.tables import read_json_table
from s3n_core.reproduce.answers import answer_with, measured_records, write_answers
from s3n_core.reproduce.experiments import Reading
from s3n_core.reproduce.planning import Cell, Plan
from s3n_core.runs.model_paths import last_model_file
from s3n_core.runs.run_directory import RunDirectory, is_run
from s3n_core.system.atomic_files import make_folder, read_bytes, write_json
from s3n_core.system.json_values import from_json, to_json
from s3n_core.training.events import EpochDone, ImageLeftOut, RunEnded, RunStarted, StepDone
from s3n_core.training.preparing import prepare_run
from s3n_core.training.trainer import Trainer
from s3n_core.version import __version__

ANSWERS, PLACES, PEAKS, PREDICTIONS = "answers.csv", "places.json", "peaks.json", "predictions.json"
RESULT, FAILURE = "cell.json", "failed.json"
REPORT = "training.json"
"""What the events of a training have reported so far (`TrainingReport`), for its result."""

_READINGS: Mapping[Reading, str] = {"predictions": PREDICTIONS, "places": PLACES, "peaks": PEAKS}
PER_IMAGE = ("hit_rate", "others", "centre", "random", "localized", "central_box")
"""What `PLACES` has of each image, as `PlacesInImage`; files of earlier versions lack it."""
_HELD_SECONDS = 600.0  # a training saves a checkpoint every five minutes, if the recipe does not say otherwise
_RUN, _LOCK, _OWNER = "run", "claim.lock", "claim.json"


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What only the events of a training tell; stored at once, as it may be killed and resumed before its result is written.

    Attributes:
        not_learned: Training images that could not be read, and why, by name.
        computed: With which precisions and on which kinds of device it was computed, in order, such as "bfloat16 on cuda".
    """

    not_learned: Mapping[str, str] = field(default_factory=dict)
    computed: tuple[str, ...] = ()

    @property
    def how(self) -> str:
        """How it was computed: "float32 on cpu, then bfloat16 on cuda" where it was resumed in another way; "" if not known."""
        return ", then ".join(self.computed)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignProgress:
    """The progress of a campaign.

    Attributes:
        done: Cells that are finished, here or elsewhere.
        total: All cells.
        cell: The cell at hand; "" between cells.
        epoch: Its finished epochs.
        epochs: Its epochs.
        finished: The cell that has just been finished; "" if none.
        failed: Why the cell at hand failed; "" if it did not.
        elsewhere: Cells that another process works on.
        seconds_left: Estimated from the finished cells, for all processes at work; None before the first.
    """

    done: int
    total: int
    cell: str = ""
    epoch: int = 0
    epochs: int = 0
    finished: str = ""
    failed: str = ""
    elsewhere: int = 0
    seconds_left: float | None = None


def cell_folder(out: Path, cell: Cell) -> Path:
    """Return the folder of a cell."""
    return out / "cells" / cell.key


def is_finished(out: Path, cell: Cell) -> bool:
    """Return whether a cell has been trained and measured, and all that is asked for was read."""
    return (cell_folder(out, cell) / RESULT).is_file() and not _unread(out, cell)


def _unread(out: Path, cell: Cell) -> list[Reading]:
    """Return what is still to be read of a cell's test; an earlier campaign in the same folder may not have wanted it."""
    return [reading for reading in sorted(cell.readings) if not (cell_folder(out, cell) / _READINGS[reading]).is_file()]


def run_folder(out: Path, cell: Cell) -> Path:
    """Return the folder of the run that a cell measures."""
    return out / "cells" / cell.network / _RUN


def open_trained(out: Path, cell: Cell, device: str) -> Model:
    """Open the network that a cell measures as it was after the last epoch, in float32.

    Raises:
        RunError: Its run is missing or has no checkpoint.
        ModelFileError: The checkpoint cannot be read.
        DeviceError: The device cannot be used here.
    """
    return open_model(last_model_file(run_folder(out, cell)), device, "float32")


def predictions_of(out: Path, cell: Cell) -> tuple[Prediction, ...]:
    """Return the predictions of a finished cell on the images that it is measured on.

    Raises:
        OutputError: They are missing or damaged, or of other images.
    """
    folder = cell_folder(out, cell)
    try:
        rows = tuple(read_json_table(folder / PREDICTIONS)[1])
    except (OSError, ValueError, KeyError) as error:
        raise OutputError(f"The results in {folder} are damaged ({error}); delete this folder.") from error
    if unknown := {row.file for row in rows} - {record.name for record in cell.data.records}:
        raise OutputError(f"The results in {folder} are damaged ({min(unknown)} is no image); delete this folder.")
    return rows


def training_report(out: Path, cell: Cell) -> TrainingReport:
    """Return what the training of the network that a cell measures reported.

    Nothing where it is not finished, or was by a version that did not store it.
    """
    return _report_in(out / "cells" / cell.network / RESULT)


def _report_in(file: Path) -> TrainingReport:
    """Return what a training reported, from the file that it is stored in or from its result; nothing if that has none."""
    with contextlib.suppress(OSError, ValueError):
        return from_json(TrainingReport, json.loads(read_bytes(file)))
    return TrainingReport()


def peaks_of(out: Path, cell: Cell) -> dict[str, list[tuple[float, float, float]]]:
    """Return the peaks of a finished cell by image, as (x, y) in original pixels and R, found in the whole image squashed.

    Only images with a box that could be read; none where the data set has no boxes.

    Raises:
        OutputError: They are damaged.
    """
    folder = cell_folder(out, cell)
    if "peaks" not in cell.readings:
        return {}
    try:
        images = json.loads(read_bytes(folder / PEAKS))["images"]
        return {str(name): [(float(x), float(y), float(r)) for x, y, r in peaks] for name, peaks in images.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(f"The results in {folder} are damaged ({error}); delete this folder.") from error


def failure_of(out: Path, cell: Cell) -> str:
    """Return why the last attempt at a cell failed; "" if it did not."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(read_bytes(cell_folder(out, cell) / FAILURE))["message"])
    return ""


def run_campaign(
    plan: Plan, out: Path, *, device: str = "auto", workers: int | None = None
) -> Generator[CampaignProgress, None, None]:
    """Train and measure all cells that nobody else works on.

    Close the generator (``contextlib.closing``) to stop; the run at hand saves a checkpoint, and the next call resumes it. A cell
    that fails is noted and passed over; the next call tries it again.

    Args:
        plan: The campaign.
        out: Its folder; several processes and machines may work in it.
        device: The device to train on.
        workers: Threads that decode images.

    Yields:
        The progress, a few times per second.

    Raises:
        OutputError: The folder cannot be written to.
        WeightsMissing: A training that is still to begin needs pretrained weights that are not on this machine.
    """
    from filelock import FileLock, Timeout

    for backbone in _begins_with(plan, out):
        require_weights(backbone)
    busy: set[str] = set()
    failed: set[str] = set()
    by_key = {cell.key: cell for cell in plan.cells}
    for cell in plan.cells:
        if is_finished(out, cell):
            continue
        trained = by_key[cell.network]
        if trained is not cell and not is_finished(out, trained):
            if not failure_of(out, trained):
                busy.add(cell.key)
            continue
        folder = cell_folder(out, cell)
        make_folder(folder)
        lock = FileLock(folder / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            busy.add(cell.key)
            continue
        try:
            if is_finished(out, cell):  # by another process, since it was looked at
                continue
            owner = {"pid": os.getpid(), "host": platform.node(), "program": __version__}
            write_json(folder / _OWNER, owner, durable=False)
            begun, known = _standing(plan, out, cell, busy, failed), 0
            try:
                with closing(_run_cell(cell, out, device, workers)) as steps:
                    for epoch in steps:
                        if epoch != known:  # others may have come or gone
                            begun, known = _standing(plan, out, cell, busy, failed), epoch
                        yield begun.progress(cell, epoch)
            except S3NError as error:
                write_json(folder / FAILURE, error.to_dict())
                failed.add(cell.key)
                yield begun.progress(cell, 0, failed=str(error))
            else:
                (folder / FAILURE).unlink(missing_ok=True)
                yield _standing(plan, out, cell, busy, failed).progress(cell, cell.recipe.epochs, finished=cell.key)
        finally:
            lock.release()
    still = {cell.key for cell in plan.cells if cell.key in busy and not is_finished(out, cell)}
    yield CampaignProgress(
        done=sum(is_finished(out, cell) for cell in plan.cells), total=len(plan.cells), elsewhere=len(still)
    )


def _run_cell(cell: Cell, out: Path, device: str, workers: int | None) -> Generator[int, None, None]:
    """Train and measure a cell; yield the number of finished epochs."""
    began, folder = time.monotonic(), cell_folder(out, cell)
    records = measured_records(cell.data)
    if cell.answered != "none":
        yield cell.recipe.epochs
        model = open_trained(out, cell, device)
        answer_with(model, cell.answered)
        write_answers(model, records, folder / ANSWERS)
        write_json(folder / RESULT, _result(cell, model, time.monotonic() - began, 1.0))
        return
    run = _opened(cell, run_folder(out, cell), device)
    before = (folder / RESULT).is_file() and _has_ended(run)
    if not before:  # what an interrupted attempt has left may be of another training
        for name in (RESULT, *_READINGS.values()):
            (folder / name).unlink(missing_ok=True)
    first: int | None = None
    report = _report_in(folder / REPORT)
    if not _has_ended(run):
        # Finished, though it could no longer say so: stopped or killed after its last checkpoint.
        last_word_lost = contextlib.suppress(RunFinished)
        with closing(Trainer(run.path, device=device, workers=workers).run()) as events, last_word_lost:
            for event in events:
                match event:
                    case RunStarted():
                        first = event.epoch
                        if not event.resumed:  # what an earlier training reported is not of this one
                            report = TrainingReport()
                        computed = f"{event.precision} on {choose_device(device).device}"
                        report = replace(report, computed=tuple(dict.fromkeys((*report.computed, computed))))
                        write_json(folder / REPORT, to_json(report))
                    case EpochDone():
                        yield event.epoch + 1
                    case StepDone():
                        yield event.epoch
                    case ImageLeftOut():
                        report = replace(report, not_learned={**report.not_learned, event.name: event.reason})
                        write_json(folder / REPORT, to_json(report))
                    case RunEnded() if event.status != "finished":
                        raise RunError(f"The run in {run.path} was ended from outside: {event.status}.")
    model = open_trained(out, cell, device)
    if not before:
        write_answers(model, records, folder / ANSWERS)
    unread = _unread(out, cell)
    if "predictions" in unread:
        for _ in predict_to_file(
            model, records, folder / PREDICTIONS, classes=cell.data.classes, workers=workers, restart=True
        ):
            pass
    if {"places", "peaks"} & set(unread):  # which one pass gives
        _write_places(folder, places_in_images(model, records, cell.data.classes, workers=workers))
    if before:
        return
    share = 0.0 if first is None else 1 - first / cell.recipe.epochs
    write_json(folder / RESULT, {**_result(cell, model, time.monotonic() - began, share), **to_json(report)})


def _begins_with(plan: Plan, out: Path) -> list[str]:
    """Return the backbones whose pretrained weights the trainings need that have no checkpoint yet."""
    wanted = [
        cell.recipe.network.backbone
        for cell in plan.cells
        if cell.recipe.weights == "imagenet" and not is_finished(out, cell) and not _has_begun(run_folder(out, cell))
    ]
    return list(dict.fromkeys(wanted))


def _has_begun(path: Path) -> bool:
    with contextlib.suppress(RunError):  # damaged, it is begun anew
        return RunDirectory(path).read_pointer("last") is not None
    return False


def _write_places(folder: Path, places: list[PlacesInImage]) -> None:
    values = {image.name: {name: getattr(image, name) for name in PER_IMAGE} for image in places}
    write_json(folder / PLACES, {**to_json(summary_of(places)), "per_image": values})
    write_json(folder / PEAKS, {"images": {image.name: image.peaks for image in places}})


def _opened(cell: Cell, path: Path, device: str) -> RunDirectory:
    """Return the cell's run: a new one, or the one of an earlier attempt if it has ended or can be resumed.

    It is kept wherever its images lay, because a cell's key has their names, classes, splits and file sizes (not their content);
    one that has not ended reads them where they lie now, such as on another machine.
    """
    if is_run(path):
        run, here = RunDirectory(path), cell.data.root.resolve()
        with contextlib.suppress(RunError, KeyError, TypeError):
            content = run.read_run()
            if Path(content["data"]["root"]) != here and not _has_ended(run):
                run.write_run({**content, "data": {**content["data"], "root": str(here)}})
            return run
        shutil.rmtree(path)  # damaged
    elif path.exists():
        shutil.rmtree(path)
    return prepare_run(path, cell.data, cell.recipe, device=device)


def _has_ended(run: RunDirectory) -> bool:
    state = run.read_state()
    return state is not None and state.status == "finished"


def _result(cell: Cell, model: Model, seconds: float, share: float) -> dict[str, Any]:
    return {
        "key": cell.key,
        "data": str(cell.data.root),
        "seed": cell.recipe.seed,
        "recipe": cell.recipe.model_dump(mode="json"),
        "cost": cell.cost * share,  # of what `seconds` were needed for: a resumed cell had begun before
        "seconds": round(seconds, 1),
        "device": str(model.device),
        "model": model.digest,
        "program": __version__,
    }


@dataclass(frozen=True, slots=True)
class _Standing:
    """How far a campaign is, as its folder says when a cell begins or has ended.

    Attributes:
        done: Cells that are finished.
        total: All cells.
        elsewhere: Cells that another process works on.
        left: This process's share of the cost of the cells that nobody has begun.
        rate: Seconds per unit of cost; None before the first finished cell.
    """

    done: int
    total: int
    elsewhere: int
    left: float
    rate: float | None

    def progress(self, cell: Cell, epoch: int, *, failed: str = "", finished: str = "") -> CampaignProgress:
        """Return the progress when a cell has done ``epoch`` epochs."""
        left = self.left + (0.0 if failed else cell.cost * (1 - epoch / cell.recipe.epochs))
        return CampaignProgress(
            done=self.done,
            total=self.total,
            cell=cell.key,
            epoch=epoch,
            epochs=cell.recipe.epochs,
            finished=finished,
            failed=failed,
            elsewhere=self.elsewhere,
            seconds_left=None if self.rate is None else left * self.rate,
        )


def _standing(plan: Plan, out: Path, cell: Cell, busy: set[str], failed: set[str]) -> _Standing:
    done = [other for other in plan.cells if is_finished(out, other)]
    tried = {cell.key, *failed, *(other.key for other in done)}
    held = {other.key for other in plan.cells if other.key not in tried and _is_held(out, other)}
    # What nobody has begun is shared with the processes that hold a cell.
    left = sum(other.cost for other in plan.cells if other.key not in tried | busy | held) / (1 + len(held))
    return _Standing(len(done), len(plan.cells), len(busy), left, _rate(out, done))


def _is_held(out: Path, cell: Cell) -> bool:
    """Return whether another process seems to work on a cell: it has written there lately.

    Its lock is not tried for that, as whoever wants the cell in that moment would pass it over.
    """
    folder = cell_folder(out, cell)
    written = [0.0]
    for file in (folder / _OWNER, folder / _RUN / "state.json", folder / _RUN / "metrics.jsonl"):
        with contextlib.suppress(OSError):
            written.append(file.stat().st_mtime)
    with contextlib.suppress(OSError):
        if (folder / FAILURE).stat().st_mtime >= max(written):  # nobody does, since it failed
            return False
    return time.time() - max(written) < _HELD_SECONDS


def _rate(out: Path, done: list[Cell]) -> float | None:
    """Return the seconds per unit of cost of the finished cells."""
    cost = seconds = 0.0
    for cell in done:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            result = json.loads(read_bytes(cell_folder(out, cell) / RESULT))
            cost, seconds = cost + float(result["cost"]), seconds + float(result["seconds"])
    return seconds / cost if cost else None
