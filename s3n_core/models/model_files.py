"""Model files: safetensors with a JSON header; everything is validated on reading."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor

from s3n_core.datasets.records import comparable_classes
from s3n_core.errors import ModelFileError, ModelNotFound, UnsafeModelFile
from s3n_core.method.configuration import RANGES_FILE_VERSION, ModelHeader
from s3n_core.method.network import S3N
from s3n_core.models.stored_networks import empty_network, fill, misfits, most_bytes
from s3n_core.system.atomic_files import write_bytes

HEADER_KEY = "s3n"
IMAGES_KEY = "s3n.images"
"""Of the content hashes of the images that the model has seen; a file without it is a whole model all the same."""
FILE_VERSION = RANGES_FILE_VERSION
"""The newest that this program reads; a model without ranges of values is written as version 1."""
MOST_HEADER_BYTES = 32 * 1024 * 1024


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
        tensors = load_safetensors(_read(path))
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise ModelFileError(
            f"{path} is damaged: its weights cannot be read ({error}). Use another checkpoint."
        ) from error
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


def read_header(path: Path) -> ModelHeader:
    """Read only the header of a model file.

    Raises:
        ModelFileError: As for `load_model`.
    """
    return parse_header(_read(path, header_only=True), path)


def parse_header(data: bytes, path: Path) -> ModelHeader:
    """Parse the header from a model file's bytes (its beginning is enough)."""
    # A safetensors file starts with a length, whose first byte may equal a pickle's: only the "{" after it is distinct.
    if data[8:9] != b"{" and (data[:2] == b"PK" or data[:1] == b"\x80"):
        raise UnsafeModelFile(
            f"{path} is a pickle file, which may contain code, so it was not opened. Choose a .safetensors file of a "
            "run.",
            path=path,
        )
    try:
        (length,) = struct.unpack("<Q", data[:8])
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    except (struct.error, ValueError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"{path} is not a model file; choose a .safetensors file of a run.") from error
    text = metadata.get(HEADER_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ModelFileError(
            f"{path} contains weights, but not an S3N model; choose a model from a run's checkpoints folder."
        )
    try:
        header = ModelHeader.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "header"
        raise ModelFileError(f"{path}: its header is not valid ({place}: {first['msg']}).") from error
    if header.file_version > FILE_VERSION:
        raise ModelFileError(
            f"{path} has file version {header.file_version}, but this program reads up to {FILE_VERSION}; open it "
            "with the version of the program that wrote it."
        )
    images = _images_of(metadata.get(IMAGES_KEY))
    return header.model_copy(update={"classes": comparable_classes(header.classes), "images": images})


def _images_of(text: object) -> dict[str, str]:
    """Read the hashes of the images; what is damaged is not known."""
    try:
        found = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    return (
        {str(key): value for key, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
    )


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


def _read(path: Path, *, header_only: bool = False) -> bytes:
    try:
        with path.open("rb") as file:
            if not header_only:
                return file.read()
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            return start + file.read(min(length, MOST_HEADER_BYTES))
    except FileNotFoundError as error:
        raise ModelNotFound(f"There is no model file {path}.", path=path) from error
    except OSError as error:
        raise ModelFileError(f"The model file {path} cannot be read: {error.strerror}.") from error
