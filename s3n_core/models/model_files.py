"""Model files: safetensors with a JSON header; everything is validated on reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor

from s3n_core.errors import ModelFileError
from s3n_core.method.configuration import HEADER_KEY, ModelHeader
from s3n_core.method.network import S3N
from s3n_core.models.model_headers import IMAGES_KEY, MOST_HEADER_BYTES, read_header, read_model_bytes
from s3n_core.models.stored_networks import completed, empty_network, fill, misfits, most_bytes
from s3n_core.system.atomic_files import write_bytes


def save_model(path: Path, network: S3N, header: ModelHeader, *, half: bool = False) -> None:
    """Write a network and its header to one file.

    Args:
        path: The file; replaced atomically.
        network: The network.
        header: Its metadata.
        half: Store floating point weights in float16, at half the size; they are read back as float32. A tensor whose
            values exceed the range of float16 keeps its type.

    Raises:
        OutputError: If the file cannot be written.
    """
    tensors = {}
    for key, value in network.state_dict().items():
        stored = value.detach().to("cpu")
        tensors[key] = (_halved(stored) if half else stored).contiguous().clone()
    header = header.model_copy(update={"weights_dtype": "float16" if half else "float32"})
    metadata = {HEADER_KEY: header.model_dump_json()}
    if header.images:
        metadata[IMAGES_KEY] = json.dumps(header.images)
    write_bytes(path, save_safetensors(tensors, metadata=metadata))


def _halved(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if torch.equal(torch.isfinite(half), torch.isfinite(tensor)) else tensor


def load_model(path: Path) -> tuple[S3N, ModelHeader]:
    """Read a network, in evaluation mode and on the CPU.

    Args:
        path: A model file of this program.

    Returns:
        The network and its header.

    Raises:
        ModelFileError: If the file is missing, damaged, of another format or version, or does not match its own header.
    """
    header = read_header(path)
    network = empty_network(header.network)
    _check_size(path, 8 + MOST_HEADER_BYTES + most_bytes(network))
    try:
        tensors: Mapping[str, Tensor] = load_safetensors(read_model_bytes(path))
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise ModelFileError(
            f"{path} is damaged: its weights cannot be read ({error}). Use another checkpoint."
        ) from error
    tensors = completed(network, tensors)
    wrong = misfits(network, tensors)
    if wrong:
        raise ModelFileError(
            f"{path} is damaged: {len(wrong)} of its tensors do not match its header (first: {wrong[0]})."
        )
    bad = fill(network, tensors)
    if bad:
        raise ModelFileError(
            f"{path} contains weights that are not finite numbers (first: {bad[0]}); its training diverged."
        )
    return network, header


def _check_size(path: Path, most: int) -> None:
    """Refuse a file that is larger than any file of its network, before it is read into memory."""
    try:
        size = path.stat().st_size
    except OSError:
        return  # reading it raises the error
    if size > most:
        raise ModelFileError(
            f"{path} is damaged: it has {size / 1e6:.0f} MB, but its network needs at most {most / 1e6:.0f} MB."
        )
