"""Unpacking a job: its run becomes one of this machine's, with the data set's place here, all at once or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s3n_core.errors import (
    DataChanged,
    DataSetNotFound,
    DiskFull,
    JobFileError,
    OutputError,
    RunBusy,
    RunError,
    RunHasMore,
    S3NError,
)
from s3n_core.runs.job_weights import FIELD, FOLDER
from s3n_core.runs.locations import checked_run_name
from s3n_core.runs.run_directory import RunDirectory, is_run
from s3n_core.runs.run_list import list_runs
from s3n_core.runs.trash import TrashedRun, move_to_trash, restore
from s3n_core.system.atomic_files import make_folder, output_error, read_bytes
from s3n_core.system.locks import RunLock, is_live, require_not_packed
from s3n_core.system.typed_paths import typed_path
from s3n_core.training.changed_data import require_same_data
from s3n_core.training.extension import before_completion
from s3n_core.training.jobs.finding_data import differences, find_data
from s3n_core.training.jobs.job_file import IMAGES, RUN, WEIGHTS, JobEntry, JobReader, Report, open_job

_PREFIX = ".s3n-unpack-"
_OLD = 3600.0  # seconds after which what a killed process has left is removed
_LATER = ".safetensors"  # files that are not needed to decide whether the run may be placed


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """A run that has come out of a job.

    Attributes:
        path: Its folder.
        root: The data set's folder.
        has_data: Whether the data set is there.
        new_images: The folder of the images, if the job held them and they were unpacked.
        replaced: The same run as it was here before, now in the trash; None if there was none.
        origin: `JobManifest.origin`.
    """

    path: Path
    root: Path
    has_data: bool
    new_images: Path | None = None
    replaced: TrashedRun | None = None
    origin: Mapping[str, str] = field(default_factory=dict)


def unpack_job(
    file: Path,
    runs: Path,
    *,
    data: Path | None = None,
    name: str | None = None,
    replace: bool = False,
    progress: Report | None = None,
) -> Unpacked:
    """Place the run of a job in a runs folder.

    The data set's place is ``data``; without it, where the same run of this machine has it, where the other machine had it, or,
    for a job with images, a new folder beside the job. The same run of this machine goes to the trash if the job continues it.

    Args:
        file: The job.
        runs: The runs folder.
        data: The data set's folder, or one that holds it. For a job with images: the new folder for them.
        name: Another name for the run, which must be free.
        replace: Also replace the same run of this machine if it has what the job does not have.
        progress: Called with bytes done and bytes in total.

    Raises:
        JobFileError: The job is damaged, cut off, of another program, or not safe to unpack.
        RunBusy: The same run is being trained or packed here.
        RunError: The name is taken.
        RunHasMore: The run here has what the job does not have.
        DataSetNotFound: The data set is not where it should be, and the run has not begun.
        DataChanged: It is not the one that the run was prepared on.
        OutputError: The disk is full or cannot be written to; nothing is left behind.
    """
    with open_job(file) as job:
        make_folder(runs)
        total = sum(entry.bytes for entry in (*job.entries(RUN), *job.entries(WEIGHTS)))
        done = 0

        def report(count: int) -> None:
            nonlocal done
            done += count
            if progress is not None:
                progress(done, max(total, done))

        _require_room(runs, total, file)
        with _folder_beside(runs / "run") as folder:
            run = RunDirectory(folder / "run")
            own = job.entries(RUN)
            for entry in own:
                if not entry.path.endswith(_LATER):
                    job.extract(entry, _place(run, entry), report)
            content = _content(job, run)
            here = _same_run(runs, job.manifest.name, content)
            target = _target(runs, job, here, name)
            before = here if name is None else None
            if before is not None:
                _require_continued(before, run, content, job, replace)
            place = _DataPlace(job, run, content, here, data)
            if place.new_folder is not None:
                size = sum(entry.bytes for entry in job.entries(IMAGES))
                total += size
                make_folder(place.new_folder.parent)
                _require_room(place.new_folder.parent, size, file)
            for entry in own:
                if entry.path.endswith(_LATER):
                    job.extract(entry, _place(run, entry), report)
            for entry in job.entries(WEIGHTS):
                job.extract(entry, run.path / FOLDER / entry.path.removeprefix(WEIGHTS), report)
            for part in (run.checkpoints, run.snapshots):
                make_folder(part)
            if place.new_folder is not None:
                _place_images(job, place.new_folder, report)
            try:
                run.write_run(_of_this_machine(job, content, place))
                if place.found:
                    _require_same_data(job, run)
                replaced = _swap(run.path, target, before, runs)
            except BaseException:
                if place.new_folder is not None:
                    shutil.rmtree(place.new_folder, ignore_errors=True)
                raise
        return Unpacked(
            path=target,
            root=place.root,
            has_data=place.found,
            new_images=place.new_folder,
            replaced=replaced,
            origin=job.manifest.origin,
        )


class _DataPlace:
    """Where the data set of a job is on this machine.

    Attributes:
        root: Its folder.
        format: How it is read; None: as on the other machine.
        found: Whether its images are there, or will be.
        new_folder: Where the job's images are to be unpacked; None if they are there already, or not in the job.
    """

    def __init__(
        self,
        job: JobReader,
        run: RunDirectory,
        content: Mapping[str, Any],
        here: RunDirectory | None,
        data: Path | None,
    ) -> None:
        listed, name = job.manifest.data, job.manifest.name
        there = Path(content["data"]["root"])
        self.new_folder: Path | None = None
        self.found = True
        if job.manifest.images and (data is not None or here is None):
            folder = _images_folder(job) if data is None else typed_path(data).absolute()
            self.root = folder
            if _is_free(folder):
                self.new_folder = folder
            else:
                self.root = find_data(folder, listed, name)
        elif data is not None:
            self.root = find_data(typed_path(data), listed, name)
        elif here is not None:
            self.root = Path(str(here.read_run()["data"]["root"]))
            # A result is placed whatever has become of the images: resuming compares them.
            self.found = False
        elif not any(differences(there, listed)):
            self.root = there
        elif run.read_pointer("last") is not None:
            self.root, self.found = there, False
        else:
            raise DataSetNotFound(
                f"The data set of the run {name}, {there} on the other machine, is not on this one; name its folder with "
                "--data, or pack the job with --images.",
                path=there,
            )


def _images_folder(job: JobReader) -> Path:
    """Return the folder beside a job for its images; its name is the run's, which nobody has checked yet.

    Raises:
        JobFileError: No folder can have this name.
    """
    try:
        name = checked_run_name(job.manifest.name)
    except RunError as error:
        raise JobFileError(
            f"The images of {job.path} cannot lie in a folder that is named after its run, {job.manifest.name!r}; name a new "
            "folder for them (--data)."
        ) from error
    return job.path.absolute().parent / f"{name}-images"


def _place(run: RunDirectory, entry: JobEntry) -> Path:
    return run.path / entry.path.removeprefix(RUN)


def _content(job: JobReader, run: RunDirectory) -> dict[str, Any]:
    """Return the ``run.json`` of a job."""
    try:
        content = run.read_run()
        if not (isinstance(content["data"]["root"], str) and isinstance(content["recipe"], Mapping)):
            raise TypeError("data")
    except (KeyError, TypeError) as error:
        raise JobFileError(f"{job.path} is damaged: its run.json lacks {error}. Pack the run again.") from error
    except S3NError as error:
        sentence = str(error).replace(str(run.run_json), "its run.json")
        raise JobFileError(f"{job.path} was not unpacked: {sentence}") from error
    return content


def _identity(content: Mapping[str, Any]) -> tuple[object, ...] | None:
    """Return what two copies of a run have in common and other runs have not; None if it cannot be told."""
    created, data = content.get("created"), content.get("data")
    if created is None or not isinstance(data, Mapping):
        return None
    return created, data.get("fingerprint"), content.get("seed")


def _same_run(runs: Path, name: str, content: Mapping[str, Any]) -> RunDirectory | None:
    """Return the run of this machine that the job's run is a copy of, whatever its name; None if there is none."""
    wanted = _identity(content)
    found = [summary.path for summary in list_runs(runs) if wanted is not None and _identity(summary.run) == wanted]
    named = [path for path in found if path.name == name]
    return RunDirectory((named or found)[0]) if found else None


def _target(runs: Path, job: JobReader, here: RunDirectory | None, name: str | None) -> Path:
    """Return the folder that the run will have.

    Raises:
        RunError: Its name is taken or not valid.
    """
    if name is None and here is not None:
        require_not_packed(here.path)
        if is_live(here.path):
            raise RunBusy(
                f"The run {here.path.name} is being trained on this machine; stop it, or unpack the job under another name "
                "(--name).",
                path=here.path,
            )
        return here.path
    path = runs / checked_run_name(job.manifest.name if name is None else name)
    if os.path.lexists(path):
        kind = "There is already a run" if is_run(path) else "There is already a file or folder"
        raise RunError(f"{kind} {path}, which is not the one in {job.path}; choose another name (--name).")
    return path


def _require_continued(
    before: RunDirectory, run: RunDirectory, content: Mapping[str, Any], job: JobReader, replace: bool
) -> None:
    """Refuse to replace a run that has been trained on its own since it was packed.

    Raises:
        RunHasMore: It has what the job's run does not have, and ``replace`` is false.
    """
    if replace or _continues(before, run, content):
        return
    raise RunHasMore(
        f"The run {before.path.name} on this machine has been trained or changed since it was packed, and {job.path} does not "
        "have that. Unpack the job under another name (--name NEW), or move the run here to the trash and put the job's in "
        "its place (--replace).",
        path=before.path,
    )


def _continues(before: RunDirectory, run: RunDirectory, content: Mapping[str, Any]) -> bool:
    """Return whether everything that ``before`` would resume with is in ``run``: then ``run`` may take its place."""
    try:
        given, own = content.get("extensions", []), before.read_run().get("extensions", [])
        # Given more epochs, the job's run has taken back a mean or a recalibration that the run here may end with.
        earlier, later = _progress(before, completed=len(given) <= len(own)), _progress(run)
        if list(given)[: len(own)] != list(own):
            return False
        if earlier is None:
            return True
        if later is None or (later["step"], later["completed"]) < (earlier["step"], earlier["completed"]):
            return False
        # Metrics hold times and speeds, so no two trainings write the same ones: equal lines are the same training.
        kept = read_bytes(before.metrics_jsonl)[: earlier["metrics_offset"]]
        return read_bytes(run.metrics_jsonl).startswith(kept)
    except (S3NError, OSError, ValueError, KeyError, TypeError):
        return False


def _progress(run: RunDirectory, *, completed: bool = True) -> dict[str, Any] | None:
    """Return the training progress that a run resumes with; None if it has no checkpoint.

    Args:
        run: The run.
        completed: Include the mean of the weights and a recalibration; if false, the progress before them, if that is there.
    """
    if not any(run.checkpoints.glob("step-*.json")):
        return None
    name = str(run.read_pointer("last"))
    path, before = (run.checkpoints / f"{name}.json" for name in (name, before_completion(name)))
    record = json.loads(read_bytes(path if completed or not before.is_file() else before))
    return {
        "step": int(record["step"]),
        "completed": bool(record["recalibrated"] or record.get("averaged")),
        "metrics_offset": int(record["metrics_offset"]),
    }


def _of_this_machine(job: JobReader, content: Mapping[str, Any], place: _DataPlace) -> dict[str, Any]:
    """Return the content of ``run.json`` with the places of this machine."""
    data, there = dict(content["data"]), Path(content["data"]["root"])
    data["root"] = str(place.root)
    left_out = data.get("left_out")
    if isinstance(left_out, list):
        data["left_out"] = [_moved(pair, there, place.root) for pair in left_out]
    changed = {key: value for key, value in content.items() if key != FIELD} | {"data": data}
    if job.manifest.weights is not None:
        entry = next(
            (entry for entry in job.entries(WEIGHTS) if entry.path == f"{WEIGHTS}{job.manifest.weights}"), None
        )
        if entry is None:
            raise JobFileError(f"{job.path} is damaged: its weights are missing. Copy it again, or pack the run again.")
        changed[FIELD] = {"file": job.manifest.weights, "sha256": entry.sha256}
        if job.manifest.origin:
            changed[FIELD]["origin"] = dict(job.manifest.origin)
    return changed


def _moved(pair: Any, there: Path, here: Path) -> Any:
    """Return a pair of path and reason with the path on this machine."""
    if not (isinstance(pair, list) and pair and isinstance(pair[0], str)):
        return pair
    path = Path(pair[0])
    return [str(here / path.relative_to(there)), *pair[1:]] if path.is_relative_to(there) else pair


def _require_same_data(job: JobReader, run: RunDirectory) -> None:
    """Compare labels, sizes and number of the images with those that the run was prepared on.

    Raises:
        DataChanged: They differ.
        DataSetError: The data set cannot be read.
    """
    try:
        require_same_data(run, changed_data=False)
    except DataChanged as error:
        raise DataChanged(
            f"{error.root} is not the data set of the run {job.manifest.name}: {'; '.join(error.changes)}. Name another folder "
            "(--data), or pack the job with --images.",
            root=error.root,
            changes=error.changes,
        ) from error


def _place_images(job: JobReader, folder: Path, report: Callable[[int], None]) -> None:
    """Unpack the images into a new folder, which appears whole."""
    with _folder_beside(folder) as beside:
        for entry in job.entries(IMAGES):
            job.extract(entry, beside / "images" / entry.path.removeprefix(IMAGES), report)
        try:
            if folder.is_dir():
                folder.rmdir()  # empty; on Windows nothing can be renamed onto it
            (beside / "images").rename(folder)
        except OSError as error:
            raise output_error(folder, error) from error


def _is_free(folder: Path) -> bool:
    """Return whether a folder does not exist or is empty.

    Raises:
        OutputError: There is a file with this name, or the folder cannot be read.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; name a new folder for the images (--data).")
    try:
        return not folder.exists() or not any(folder.iterdir())
    except OSError as error:
        raise output_error(folder, error) from error


def _swap(unpacked: Path, target: Path, before: RunDirectory | None, runs: Path) -> TrashedRun | None:
    """Move a run to its place, and the one that is there to the trash."""
    replaced = None if before is None else move_to_trash(before.path, runs)
    try:
        os.rename(unpacked, target)
    except OSError as error:
        if replaced is not None:
            restore(replaced, runs)
        raise output_error(target, error) from error
    return replaced


def _require_room(folder: Path, size: int, file: Path) -> None:
    """Refuse early what cannot fit.

    Raises:
        DiskFull: The disk has less room than the job's files need.
    """
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(folder).free
        if size > free:
            raise DiskFull(
                f"The disk is too full to unpack {file}: it needs {size:,} bytes in {folder}, where {free:,} are free. Free some "
                "space and try again.",
                path=folder,
            )


@contextmanager
def _folder_beside(place: Path) -> Iterator[Path]:
    """Make a hidden folder on the disk of a place, and remove it and what killed processes have left there."""
    _remove_leftovers(place.parent)
    folder = place.parent / f"{_PREFIX}{secrets.token_hex(6)}"
    make_folder(folder)
    try:
        with RunLock(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for path in folder.glob(f"{_PREFIX}*"):
            if time.time() - path.stat().st_mtime > _OLD and not is_live(path):
                shutil.rmtree(path, ignore_errors=True)
