"""Reading third-party weight files: safetensors, or pickled tensors, always with ``weights_only=True``."""

from __future__ import annotations

import json
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load as load_safetensors
from torch import Tensor

from s3n_core.errors import ModelFileError, ModelNotFound, UnsafeModelFile
from s3n_core.method.configuration import HEADER_KEY


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a weight file, by name.

    Removes the wrappers that training scripts add: ``{"model": ...}``, ``{"state_dict": ...}``, a ``module.`` prefix.

    Args:
        path: A ``.safetensors`` file, or a ``.pt`` / ``.pth`` file.

    Returns:
        Tensors by key.

    Raises:
        ModelFileError: If the file is missing, unreadable, or holds anything but tensors (such as code).
    """
    if not path.is_file():
        raise ModelNotFound(f"There is no weight file {path}.", path=path)
    try:
        if path.suffix.lower() == ".safetensors":
            state: object = load_safetensors(path.read_bytes())
        else:
            with warnings.catch_warnings(action="ignore"):  # the error below says what the user needs to know
                state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"it contains {found[1]} beside its tensors" if found else "it contains more than tensors"
        raise UnsafeModelFile(
            f"{path} was not opened: {what}, and could run code when it is opened. Save only its state dict "
            "(torch.save(model.state_dict(), FILE)) and use that file.",
            path=path,
        ) from error
    except MemoryError:  # says nothing about the file
        raise
    except Exception as error:  # damaged files make the readers raise all kinds of errors
        # Only the first sentence: torch adds several about its internals.
        reason = next(iter(str(error).splitlines()), type(error).__name__).split(". ")[0]
        what = f"truncated, damaged or of another format ({reason})" if path.stat().st_size else "it is empty"
        raise ModelFileError(f"{path} is not a readable weight file: {what}. Choose another one.") from error
    tensors = _unwrapped(state)
    if not tensors:
        raise ModelFileError(f"{path} contains no named tensors; save a state dict instead.")
    return tensors


def model_origin(path: Path) -> dict[str, str]:
    """Return what a model of this program says of the weights that it began with; empty for any other file."""
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {})[HEADER_KEY])
        return {str(key): str(value) for key, value in header["network"]["origin"].items()}
    except Exception:  # of another program, or damaged, as `read_state_dict` says
        return {}


def _unwrapped(state: object) -> dict[str, Tensor]:
    while isinstance(state, Mapping) and not any(isinstance(value, Tensor) for value in state.values()):
        inner = next((state[key] for key in ("model", "state_dict", "model_state_dict", "net") if key in state), None)
        if inner is None:
            return {}
        state = inner
    if not isinstance(state, Mapping):
        return {}
    tensors = {str(key): value for key, value in state.items() if isinstance(value, Tensor)}
    return {key.removeprefix("module."): value for key, value in tensors.items()}
