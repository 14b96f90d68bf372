"""Packing a run into one file: its folder, the initial weights if it has not begun, and, if wanted, its images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_core.datasets.annotation_files import annotation_files
from s3n_core.datasets.splits import SplitRow, read_split
from s3n_core.errors import DataSetError, DataSetNotFound, OutputError, RunError
from s3n_core.models.model_headers import run_origin
from s3n_core.runs.job_weights import job_weights
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.locks import RunLock
from s3n_core.training.jobs.job_file import (
    IMAGES,
    RUN,
    WEIGHTS,
    ListedImage,
    Report,
    is_job,
    is_run_file,
    undistinguished,
    unsafe_name,
    write_job,
)
from s3n_core.training.recipe import recipe_from


@dataclass(frozen=True, slots=True)
class Packed:
    """A job that was written.

    Attributes:
        bytes: The size of its file.
        origin: Where the weights come from that the run begins or has begun with, as `weight_origins.weights_origin` returns it;
            without a licence if they are random.
    """

    bytes: int
    origin: Mapping[str, str]


def pack_run(run: RunDirectory, out: Path, *, images: bool = False, progress: Report | None = None) -> Packed:
    """Write a run, prepared, stopped or finished, into the file of a job.

    Args:
        run: The run; nobody trains it.
        out: The file. An earlier job is replaced as a whole, another file is kept.
        images: Also pack the images of its split, with the files that give their labels.
        progress: Called with bytes done and bytes in total.

    Raises:
        RunBusy: The run is being trained.
        RunError: Its folder is damaged.
        DataSetError: The images are wanted, but some of them are missing or have names that an archive cannot hold.
        ModelNotFound: It has not begun, and its initial weights are not on this machine.
        OutputError: The file cannot be written.
    """
    if out.is_dir():
        raise OutputError(f"{out} is a folder; name a file for the job, such as {out / (run.path.name + '.zip')}.")
    if out.exists() and not is_job(out):
        raise OutputError(f"{out} exists and is not a job of this program; choose another name (--out).")
    with RunLock(run.path, packs=True):
        content = run.read_run()
        rows = read_split(run.split_csv)
        root = _root(run, content)
        own = [(file, f"{RUN}{name}") for name, file in _run_files(run)]
        weights: Path | None = None
        if any(name.startswith(f"{RUN}checkpoints/step-") for _, name in own):
            origin = dict(run_origin(run.path))
        else:
            weights, origin = _initial_weights(run, content)
        files = [*own, *([(weights, f"{WEIGHTS}{weights.name}")] if weights is not None else [])]
        if images:
            files += [(file, f"{IMAGES}{name}") for name, file in _images(root, str(content["data"]["format"]), rows)]
        total, done = sum(file.stat().st_size for file, _ in files), 0

        def report(count: int) -> None:
            nonlocal done
            done += count
            if progress is not None:
                progress(done, max(total, done))

        with write_job(out) as job:
            for file, path in files:
                job.add(file, path, report)
            job.finish(
                name=run.path.name,
                weights=None if weights is None else weights.name,
                origin=origin,
                images=images,
                data=tuple(ListedImage(row.name, _size(root / row.name)) for row in rows if row.part != "test"),
            )
    return Packed(out.stat().st_size, origin)


def _root(run: RunDirectory, content: dict[str, Any]) -> Path:
    try:
        data = content["data"]
        return Path(str(data["root"])) if isinstance(data["format"], str) else Path()
    except (KeyError, TypeError) as error:
        raise RunError(f"{run.run_json} is damaged ({error} is missing); start a new run.") from error


def _run_files(run: RunDirectory) -> Iterator[tuple[str, Path]]:
    """Yield the name inside the run's folder and the path of every file that belongs to the run; no half checkpoints."""
    for path in sorted(run.path.rglob("*")):
        name = path.relative_to(run.path).as_posix()
        if not is_run_file(name) or not path.is_file():
            continue
        if path.name.startswith("step-") and not (run.checkpoints / f"{path.name.split('.')[0]}.json").is_file():
            continue
        yield name, path


def _initial_weights(run: RunDirectory, content: dict[str, Any]) -> tuple[Path | None, dict[str, str]]:
    """Return the file of the weights that the run will begin with (None: random ones), and where they come from.

    Raises:
        ModelNotFound: The file is not on this machine.
    """
    from s3n_core.training.initial_weights import initial_file, initial_origin  # loads torch

    recipe, brought = recipe_from(content["recipe"]), job_weights(run.path, content)
    file = initial_file(recipe, brought)
    return file, initial_origin(recipe, brought)


def _images(root: Path, format: str, rows: tuple[SplitRow, ...]) -> Iterator[tuple[str, Path]]:
    """Yield the name and path of every image of the split, and of the files that give the labels.

    Raises:
        DataSetError: One is missing, or has a name that an archive cannot hold.
    """
    if not root.is_dir():
        raise DataSetNotFound(
            f"The data set of this run, {root}, is not there, so its images cannot be packed.", path=root
        )
    names = [row.name for row in rows]
    missing = [name for name in names if not (root / name).is_file()]
    if missing:
        raise DataSetError(
            f"{len(missing)} of the {len(names)} images of this run are missing in {root} (such as {missing[0]}); restore "
            "them, or pack without --images."
        )
    alike: dict[str, str] = {}
    for name in sorted({*names, *annotation_files(root, format, names)}):
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            name = ""
        if not name or "\0" in name or unsafe_name(name):
            raise DataSetError(
                f"A file in {root} has a name that an archive cannot hold on every system; rename it, or pack without --images."
            )
        other = alike.setdefault(undistinguished(name), name)
        if other != name:
            raise DataSetError(
                f"{other} and {name} in {root} have names that are the same on some systems; rename one of them, or pack "
                "without --images."
            )
        yield name, root / name


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None
