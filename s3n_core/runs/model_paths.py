"""Resolving a path to a model file, its digest and its run, without loading the model."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from s3n_core.errors import ModelFileError, RunError
from s3n_core.runs.run_directory import RunDirectory, is_run

MODEL_SUFFIX = ".safetensors"


def model_file(path: Path) -> Path:
    """Return the model file for a path: the file itself, or a run's best checkpoint, else its last one.

    Raises:
        RunError: The folder is not a run, or has no checkpoint.
    """
    if not path.is_dir():
        return path
    if not is_run(path):
        raise RunError(f"The folder {path} is not a training run; choose a run's folder or a {MODEL_SUFFIX} file.")
    run = RunDirectory(path)
    return _checkpoint(run, run.read_pointer("best") or run.read_pointer("last"))


def last_model_file(path: Path) -> Path:
    """Return the model file of a run's last checkpoint, whatever its best one is.

    Raises:
        RunError: The run has no checkpoint.
    """
    run = RunDirectory(path)
    return _checkpoint(run, run.read_pointer("last"))


def _checkpoint(run: RunDirectory, name: str | None) -> Path:
    if name is None:
        raise RunError(f"The run {run.path} has no checkpoint yet; wait for its first epoch, or choose another run.")
    file = run.checkpoints / f"{name}{MODEL_SUFFIX}"
    if not file.is_file():
        raise RunError(
            f"The run {run.path} refers to the checkpoint {name}, but {file} is missing; choose another model."
        )
    return file


def is_of_model(file: Path, path: Path) -> bool:
    """Return whether a model file is one of those that a path stands for: the file itself, or a file of the run there.

    Links are followed: outputs name resolved files, and people give the paths that they know.
    """
    return file.resolve().is_relative_to(path.resolve())


def after_rename(path: Path, before: Path, after: Path) -> Path:
    """Return where a file or folder is after a folder was renamed; links to the folder's parent are followed.

    Args:
        path: Where it was.
        before: The folder as it was called.
        after: The folder.
    """
    resolved = before.parent.resolve() / before.name, after.parent.resolve() / after.name
    for old, new in ((before, after), resolved):
        if path.is_relative_to(old):
            return new / path.relative_to(old)
    return path


def run_of(path: Path) -> RunDirectory | None:
    """Return the run of a model, given the run's folder or one of its checkpoint files; None if there is no run."""
    folder = path if path.is_dir() else path.absolute().parent.parent
    run = RunDirectory(folder)
    return run if is_run(folder) and (path.is_dir() or path.absolute().parent == run.checkpoints) else None


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of a file's content, 64 hexadecimal digits.

    Raises:
        OSError: It cannot be read.
    """
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def file_digest(file: Path) -> str:
    """Return the first 16 hexadecimal digits of a model file's SHA-256, which identify its weights in all outputs.

    Raises:
        ModelFileError: The file cannot be read.
    """
    try:
        return file_sha256(file)[:16]
    except OSError as error:
        raise ModelFileError(f"The model file {file} cannot be read: {error.strerror}.") from error


def known_digest(file: Path) -> str:
    """Return `file_digest`, which is remembered while the file keeps its size and its time.

    Raises:
        ModelFileError: The file cannot be read.
    """
    try:
        status = file.stat()
    except OSError as error:
        raise ModelFileError(f"The model file {file} cannot be read: {error.strerror}.") from error
    return _digest(file.absolute(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(file: Path, size: int, modified: int) -> str:
    return file_digest(file)
