"""The precision that was measured to suit a model on this machine (`s3n devices --tune`). Does not import torch.

One small file per model, processor and version of torch, in the program's folder: the verdict of another processor or torch
does not count.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from s3n_core.models.device_names import MIXED, PrecisionName
from s3n_core.runs.locations import home
from s3n_core.system.atomic_files import make_folder, read_bytes, write_json
from s3n_core.system.json_values import from_json, to_json
from s3n_core.system.processor import this_processor

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedPrecision:
    """A measurement of the precision float32+bfloat16 against float32 on the CPU, and the verdict.

    Attributes:
        precision: The verdict, which "auto" uses from now on: "float32" or "float32+bfloat16".
        model: The model's digest.
        name: What the person called the model.
        processor: Name of the processor.
        torch: Version of torch.
        date: Day of the measurement (UTC), as 2026-11-29.
        float32_seconds: Median time of an image in float32.
        mixed_seconds: The same in float32+bfloat16.
        rounds: Timed rounds.
        faster: Whether float32+bfloat16 is faster by more than noise.
        split: Which images were compared.
        images: Images whose predictions were compared; 0 if it is not faster, so that nothing was compared.
        same: How many of them get the same predicted class.
    """

    precision: PrecisionName
    model: str
    name: str
    processor: str
    torch: str
    date: str
    float32_seconds: float
    mixed_seconds: float
    rounds: int
    faster: bool
    split: str
    images: int
    same: int


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A stored measurement.

    Attributes:
        tuned: The measurement.
        current: Whether it holds here: it was made with this processor and this version of torch.
    """

    tuned: TunedPrecision
    current: bool


def store_tuned(tuned: TunedPrecision) -> Path:
    """Store a measurement of this machine; returns its file.

    Raises:
        OutputError: It cannot be written.
    """
    path = _path(tuned.model)
    make_folder(path.parent)
    write_json(path, to_json(tuned))
    return path


def stored_verdicts() -> tuple[StoredVerdict, ...]:
    """Return all stored measurements, those that hold here first, then the newest first."""
    found = []
    for path in sorted((home() / "tuned").glob("*.json")):
        tuned = _read(path)
        if tuned is not None:
            found.append(StoredVerdict(tuned, path == _path(tuned.model)))
    found.sort(key=lambda verdict: (verdict.current, verdict.tuned.date), reverse=True)
    return tuple(found)


def tuned_precision(model: str) -> PrecisionName:
    """Return the precision that "auto" means for a model, given by its digest, on this machine's CPU; measures nothing."""
    tuned = _read(_path(model))
    return MIXED if tuned is not None and tuned.precision == MIXED else "float32"


def torch_version() -> str:
    """Return the version of torch."""
    return version("torch")


def _read(path: Path) -> TunedPrecision | None:
    try:
        return from_json(TunedPrecision, json.loads(read_bytes(path)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        _log.warning("the measurement %s cannot be read (%s); it is ignored", path, error)
        return None


def _path(model: str) -> Path:
    processor = this_processor()
    machine = "\n".join((processor.name, processor.flags, torch_version()))
    return home() / "tuned" / f"{model}-{hashlib.sha256(machine.encode()).hexdigest()[:16]}.json"
