"""Where the model lies that a path stands for, which one it is, and of which run: for a program that does not open it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from s3n_core.errors import ModelFileError, RunError
from s3n_core.runs.run_directory import RunDirectory, is_run

MODEL_SUFFIX = ".safetensors"


def model_file(path: Path) -> Path:
    """Return the model file that a path stands for: the file itself, or a run's best checkpoint, else its last.

    Raises:
        RunError: If the folder is no run, or a run without a checkpoint.
    """
    if not path.is_dir():
        return path
    if not is_run(path):
        raise RunError(f"The folder {path} is not a training run; choose a run's folder or a {MODEL_SUFFIX} file.")
    run = RunDirectory(path)
    name = run.read_pointer("best") or run.read_pointer("last")
    if name is None:
        raise RunError(f"The run {path} has no checkpoint yet; wait for its first epoch, or choose another run.")
    file = run.checkpoints / f"{name}{MODEL_SUFFIX}"
    if not file.is_file():
        raise RunError(f"The run {path} refers to the checkpoint {name}, but {file} is missing; choose another model.")
    return file


def run_of(path: Path) -> RunDirectory | None:
    """Return the run that a model belongs to: its folder, or the one whose checkpoint the file is; None where there is none."""
    folder = path if path.is_dir() else path.absolute().parent.parent
    run = RunDirectory(folder)
    return run if is_run(folder) and (path.is_dir() or path.absolute().parent == run.checkpoints) else None


def file_digest(file: Path) -> str:
    """Return the first 16 hexadecimal digits of a model file's SHA-256, which name its exact weights in every output.

    Raises:
        ModelFileError: It cannot be read.
    """
    try:
        with open(file, "rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()[:16]
    except OSError as error:
        raise ModelFileError(f"The model file {file} cannot be read: {error.strerror}.") from error
