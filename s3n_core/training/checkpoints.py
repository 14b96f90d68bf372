"""Checkpoints: immutable, named by step, complete or absent; `last` and `best` point to two of them.

A checkpoint NAME consists of three files: `NAME.safetensors`, an ordinary model file; `NAME.optimizer.safetensors`, the
momentum buffers, and in the last epochs the means of the weights; and `NAME.json`, the training progress. The JSON file is
written last: if it exists, the checkpoint is complete.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors

from s3n_core.errors import ModelFileError, RunError
from s3n_core.method.configuration import ModelHeader
from s3n_core.method.network import S3N
from s3n_core.models.model_files import load_model, save_model
from s3n_core.runs.earlier_versions import current_progress
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.atomic_files import write_bytes, write_json
from s3n_core.training.extension import require_not_trained
from s3n_core.training.recipe import Recipe
from s3n_core.training.training_progress import TrainingProgress


def save_checkpoint(
    run: RunDirectory,
    network: S3N,
    optimizer: torch.optim.Optimizer,
    header: ModelHeader,
    progress: TrainingProgress,
    *,
    average: Mapping[str, torch.Tensor],
    previous: str | None = None,
) -> str:
    """Write a checkpoint, update `last` and `best`, and remove all others except the previous and the best one.

    What was the best one for the previous checkpoint stays too: a run that goes on from there needs it again.

    Args:
        run: The run.
        network: Its network.
        optimizer: Its optimiser.
        header: Header of the model file.
        progress: The training progress.
        average: The means of the weights so far (`WeightAverage.stored`).
        previous: Name of the previous checkpoint; None if there is none.

    Returns:
        The checkpoint's name.

    Raises:
        OutputError: If it cannot be written; earlier checkpoints are kept.
    """
    name = progress.checkpoint_name
    momenta = {
        f"{index}": state["momentum_buffer"].detach().cpu().contiguous()
        for index, state in optimizer.state_dict()["state"].items()
        if state.get("momentum_buffer") is not None
    }
    save_model(run.checkpoints / f"{name}.safetensors", network, header)
    write_bytes(run.checkpoints / f"{name}.optimizer.safetensors", save_safetensors({**momenta, **average}))
    write_json(run.checkpoints / f"{name}.json", asdict(progress))
    point_to(run, name, progress)
    if previous == name:  # the same step, further in its epoch
        previous = max((known for known in _names(run) if known < name), default=None)
    _prune(run, keep={name, previous, progress.best_checkpoint, _best_of(run, previous)})
    return name


def point_to(run: RunDirectory, name: str, progress: TrainingProgress) -> None:
    """Point `last` to a checkpoint and `best` to the best one in ``progress``; without that one there is no `best`.

    Called again on resuming, because the process may have been killed between the two.

    Raises:
        OutputError: If a pointer cannot be written.
    """
    run.write_pointer("last", name)
    best = progress.best_checkpoint
    if best is not None and (run.checkpoints / f"{best}.json").is_file():
        run.write_pointer("best", best)
    else:
        _remove(run.checkpoints / "best")


def load_newest(run: RunDirectory) -> tuple[str, S3N, dict[str, torch.Tensor], TrainingProgress] | None:
    """Load the checkpoint to resume from: the one that `last` points to, or the newest intact one before it.

    Returns:
        Name, network, momentum buffers by parameter index with the means of the weights, and progress; None if there is no
        checkpoint.

    Raises:
        RunError: If there are checkpoints and all of them are damaged, or there is none of a run that has been trained.
    """
    names = _names_to_resume_from(run)
    if not names:
        require_not_trained(run)
        return None
    problem: Exception | None = None
    for name in names:
        try:
            network, _ = load_model(run.checkpoints / f"{name}.safetensors")
            tensors = load_safetensors((run.checkpoints / f"{name}.optimizer.safetensors").read_bytes())
            progress = _read_progress(run, name)
        except (OSError, ValueError, TypeError, SafetensorError, ModelFileError) as error:
            problem = error
        else:
            return name, network, tensors, progress
    raise RunError(f"No checkpoint of {run.path} can be read ({problem}); start a new run.") from problem


def finished_progress(run: RunDirectory, recipe: Recipe) -> TrainingProgress | None:
    """Return the progress of a run in which nothing is left to do, and set its pointers; None for all other runs.

    Raises:
        RunError: If all checkpoints are damaged.
        OutputError: If a pointer cannot be written.
    """
    names = _names_to_resume_from(run)
    try:
        if not names or not _read_progress(run, names[0]).finished(recipe):
            return None
    except (OSError, ValueError, TypeError):
        return None
    found = load_newest(run)  # if its tensors are damaged, the run goes on from an earlier one
    if found is None or not found[3].finished(recipe):
        return None
    point_to(run, found[0], found[3])
    return found[3]


def restore_momenta(optimizer: torch.optim.Optimizer, momenta: dict[str, torch.Tensor]) -> None:
    """Restore the optimiser's momentum buffers."""
    state = optimizer.state_dict()
    state["state"] = {int(index): {"momentum_buffer": buffer} for index, buffer in momenta.items()}
    optimizer.load_state_dict(state)


def _names(run: RunDirectory) -> list[str]:
    """Return the names of the checkpoints, newest first."""
    return sorted((path.stem for path in run.checkpoints.glob("step-*.json")), reverse=True)


def _names_to_resume_from(run: RunDirectory) -> list[str]:
    """Return the checkpoint that `last` points to and those before it; without one, all. Newest first."""
    names = _names(run)
    try:
        last = run.read_pointer("last")
    except RunError:
        last = None
    return [last, *(name for name in names if name < last)] if last in names else names


def _read_progress(run: RunDirectory, name: str) -> TrainingProgress:
    """Read the progress of a checkpoint.

    Raises:
        OSError, ValueError, TypeError: It cannot be read, or is not a progress.
    """
    return TrainingProgress(**current_progress(json.loads((run.checkpoints / f"{name}.json").read_bytes())))


def _best_of(run: RunDirectory, name: str | None) -> str | None:
    """Return what was the best checkpoint when ``name`` was written; None if that is not known."""
    if name is None:
        return None
    try:
        return _read_progress(run, name).best_checkpoint
    except (OSError, ValueError, TypeError):
        return None


def _prune(run: RunDirectory, keep: set[str | None]) -> None:
    """Remove all checkpoints except those to keep, and incomplete ones that killed processes have left.

    This includes checkpoints newer than the one that was resumed from: their metrics have been truncated.
    """
    names = {path.name.split(".")[0] for path in run.checkpoints.glob("step-*")}
    for name in names - keep:
        # The JSON file goes first, so that no partial checkpoint looks complete.
        for suffix in (".json", ".optimizer.safetensors", ".safetensors"):
            _remove(run.checkpoints / f"{name}{suffix}")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # open in a reader (Windows); the next prune removes it
