"""Checkpoints: immutable, named by step, complete or absent; `last` and `best` point to two of them.

A checkpoint NAME is three files: `NAME.safetensors`, a model file like any other; `NAME.optimizer.safetensors`, the momenta; and
`NAME.json`, how far the training is. The last is written last, so where it is, the others are whole.
"""

from __future__ import annotations

import json
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
from s3n_core.training.training_progress import TrainingProgress


def save_checkpoint(
    run: RunDirectory,
    network: S3N,
    optimizer: torch.optim.Optimizer,
    header: ModelHeader,
    progress: TrainingProgress,
    *,
    previous: str | None = None,
) -> str:
    """Write a checkpoint, point to it, and remove all others but the one before it and the best.

    Args:
        run: The run.
        network: Its network.
        optimizer: Its optimiser.
        header: What the model file says about itself.
        progress: How far the training is.
        previous: The checkpoint that it was at before; None if there is none.

    Returns:
        The checkpoint's name.

    Raises:
        OutputError: If the disk does not take it; earlier checkpoints stay.
    """
    name = progress.checkpoint_name
    momenta = {
        f"{index}": state["momentum_buffer"].detach().cpu().contiguous()
        for index, state in optimizer.state_dict()["state"].items()
        if state.get("momentum_buffer") is not None
    }
    save_model(run.checkpoints / f"{name}.safetensors", network, header)
    write_bytes(run.checkpoints / f"{name}.optimizer.safetensors", save_safetensors(momenta))
    write_json(run.checkpoints / f"{name}.json", asdict(progress))
    point_to(run, name, progress)
    if previous == name:  # the same step, further in its epoch
        previous = max((known for known in _names(run) if known < name), default=None)
    _prune(run, keep={name, previous, progress.best_checkpoint})
    return name


def point_to(run: RunDirectory, name: str, progress: TrainingProgress) -> None:
    """Let `last` name a checkpoint and `best` what the training calls the best; a kill may have come between the two.

    Raises:
        OutputError: If the disk does not take it.
    """
    run.write_pointer("last", name)
    if progress.best_checkpoint is not None:
        run.write_pointer("best", progress.best_checkpoint)
    else:
        _remove(run.checkpoints / "best")


def load_newest(run: RunDirectory) -> tuple[str, S3N, dict[str, torch.Tensor], TrainingProgress] | None:
    """Load the checkpoint to go on from: the one that `last` names, or the newest whole one where that is damaged.

    Returns:
        Name, network, momenta by parameter number, and progress; None where no checkpoint was ever written.

    Raises:
        RunError: If there are checkpoints and all of them are damaged.
    """
    names = _names(run)
    if not names:
        return None
    try:
        last = run.read_pointer("last")
    except RunError:
        last = None
    if last in names:
        names = [last, *(name for name in names if name < last)]
    problem: Exception | None = None
    for name in names:
        try:
            network, _ = load_model(run.checkpoints / f"{name}.safetensors")
            momenta = load_safetensors((run.checkpoints / f"{name}.optimizer.safetensors").read_bytes())
            progress = TrainingProgress(**current_progress(json.loads((run.checkpoints / f"{name}.json").read_bytes())))
        except (OSError, ValueError, TypeError, SafetensorError, ModelFileError) as error:
            problem = error
        else:
            return name, network, momenta, progress
    raise RunError(f"No checkpoint of {run.path} can be read ({problem}); start a new run.") from problem


def restore_momenta(optimizer: torch.optim.Optimizer, momenta: dict[str, torch.Tensor]) -> None:
    """Give the optimiser back its momenta."""
    state = optimizer.state_dict()
    state["state"] = {int(index): {"momentum_buffer": buffer} for index, buffer in momenta.items()}
    optimizer.load_state_dict(state)


def _names(run: RunDirectory) -> list[str]:
    """Name the checkpoints, newest first."""
    return sorted((path.stem for path in run.checkpoints.glob("step-*.json")), reverse=True)


def _prune(run: RunDirectory, keep: set[str | None]) -> None:
    """Remove checkpoints but those to keep, and what killed processes left of others.

    A checkpoint that is neither is one from before a kill, ahead of what was resumed: its lines of the metrics are gone.
    """
    names = {path.name.split(".")[0] for path in run.checkpoints.glob("step-*")}
    for name in names - keep:
        # The record of progress goes first, so that no half checkpoint looks whole.
        for suffix in (".json", ".optimizer.safetensors", ".safetensors"):
            _remove(run.checkpoints / f"{name}{suffix}")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # a reader holds it (Windows); the next prune takes it
