"""Checkpoints: immutable, named by step, complete or absent; `last` and `best` point to two of them.

A checkpoint NAME is three files: `NAME.safetensors`, a model file like any other; `NAME.optimizer.safetensors`, the momenta; and
`NAME.json`, the place in the training. The last is written last, so where it is, the others are whole.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors

from s3n_core.atomic_files import write_bytes, write_json
from s3n_core.errors import ModelFileError, RunError
from s3n_core.method.configuration import ModelHeader
from s3n_core.method.model_files import load_model, save_model
from s3n_core.method.network import S3N
from s3n_core.runs.run_directory import RunDirectory

KEPT = 2  # newest checkpoints that stay, beside the best


@dataclass
class Place:
    """Where a training is: everything but the tensors that decides how it goes on. JSON holds it exactly.

    Attributes:
        epoch: The epoch under way, from 0.
        batch: Batches of it that are done.
        step: Updates in all.
        loss: State of the epoch's sums of losses and hits.
        health: State of the epoch's health report.
        best_epoch: The best epoch so far.
        best_accuracy: Its held-out accuracy.
        best_loss: Its held-out loss, which decides between equal accuracies.
        best_checkpoint: Its checkpoint.
        metrics_offset: Length of the metrics file, in bytes.
        seconds: Time spent training.
        scaler: State of the gradient scaler (float16).
        recalibrated: Whether the statistics have been measured anew at the end.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss: dict[str, float] | None = None
    health: dict[str, Any] | None = None
    best_epoch: int | None = None
    best_accuracy: float | None = None
    best_loss: float | None = None
    best_checkpoint: str | None = None
    metrics_offset: int = 0
    seconds: float = 0.0
    scaler: dict[str, Any] = field(default_factory=dict)
    recalibrated: bool = False


def checkpoint_name(place: Place) -> str:
    """Name a checkpoint by its step."""
    return f"step-{place.step:07d}" + ("-recalibrated" if place.recalibrated else "")


def save_checkpoint(
    run: RunDirectory, network: S3N, optimizer: torch.optim.Optimizer, header: ModelHeader, place: Place
) -> str:
    """Write a checkpoint and let `last`, and `best` where the place says so, point to it or to what they named.

    Returns:
        The checkpoint's name.

    Raises:
        OutputError: If the disk does not take it; earlier checkpoints stay.
    """
    name = checkpoint_name(place)
    momenta = {
        f"{index}": state["momentum_buffer"].detach().cpu().contiguous()
        for index, state in optimizer.state_dict()["state"].items()
        if state.get("momentum_buffer") is not None
    }
    save_model(run.checkpoints / f"{name}.safetensors", network, header)
    write_bytes(run.checkpoints / f"{name}.optimizer.safetensors", save_safetensors(momenta))
    write_json(run.checkpoints / f"{name}.json", asdict(place))
    run.write_pointer("last", name)
    if place.best_checkpoint is not None:
        run.write_pointer("best", place.best_checkpoint)
    _prune(run, keep={name, place.best_checkpoint})
    return name


def load_newest(run: RunDirectory) -> tuple[str, S3N, dict[str, torch.Tensor], Place] | None:
    """Load the checkpoint to go on from: the one that `last` names, or the newest whole one where that is damaged.

    Returns:
        Name, network, momenta by parameter number, and place; None where no checkpoint was ever written.

    Raises:
        RunError: If there are checkpoints and all of them are damaged.
    """
    names = sorted((path.stem for path in run.checkpoints.glob("step-*.json")), reverse=True)
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
            place = Place(**json.loads((run.checkpoints / f"{name}.json").read_bytes()))
        except (OSError, ValueError, TypeError, SafetensorError, ModelFileError) as error:
            problem = error
        else:
            return name, network, momenta, place
    raise RunError(f"No checkpoint of {run.path} can be read ({problem}); start a new run.") from problem


def restore_momenta(optimizer: torch.optim.Optimizer, momenta: dict[str, torch.Tensor]) -> None:
    """Give the optimiser back its momenta."""
    state = optimizer.state_dict()
    state["state"] = {int(index): {"momentum_buffer": buffer} for index, buffer in momenta.items()}
    optimizer.load_state_dict(state)


def _prune(run: RunDirectory, keep: set[str | None]) -> None:
    """Remove checkpoints but the newest ones and those to keep; the place goes first, so no half checkpoint looks whole."""
    names = sorted((path.stem for path in run.checkpoints.glob("step-*.json")), reverse=True)
    for name in names[KEPT:]:
        if name in keep:
            continue
        for suffix in (".json", ".optimizer.safetensors", ".safetensors"):
            _remove(run.checkpoints / f"{name}{suffix}")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # a reader holds it (Windows); the next prune takes it
