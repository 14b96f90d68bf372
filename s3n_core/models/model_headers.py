"""The JSON header of a model file: what the model is, read without its weights. Does not import torch."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from s3n_core.datasets.records import comparable_classes
from s3n_core.datasets.value_ranges import ValueRanges
from s3n_core.errors import ModelFileError, ModelNotFound, S3NError, UnsafeModelFile
from s3n_core.method.configuration import HEADER_KEY, RANGES_FILE_VERSION, ModelHeader
from s3n_core.runs.model_paths import last_model_file
from s3n_core.system.json_values import from_json

IMAGES_KEY = "s3n.images"
"""Of the content hashes of the images that the model has seen; a file without it is a whole model all the same."""
FILE_VERSION = RANGES_FILE_VERSION
"""The newest that this program reads; a model without ranges of values is written as version 1."""
MOST_HEADER_BYTES = 32 * 1024 * 1024


def read_header(path: Path) -> ModelHeader:
    """Read only the header of a model file.

    Raises:
        ModelFileError: If the file is missing or damaged, or its header is of another format or version.
    """
    return parse_header(read_model_bytes(path, header_only=True), path)


def run_origin(run: Path) -> Mapping[str, str]:
    """Return where the weights come from that a run's network began with (``network.origin``), as its last checkpoint says.

    Empty if there is no checkpoint that can be read, or if it does not say.
    """
    try:
        return read_header(last_model_file(run)).network.origin
    except S3NError:
        return {}


def ranges_of(header: ModelHeader) -> ValueRanges:
    """Return the ranges of values of more than 8 bits that a model was trained with.

    Raises:
        ValueError, TypeError: What the header says of them is not valid.
    """
    names = {"integers": "integer_range", "floats": "float_range"}
    return from_json(ValueRanges, {kind: header.preprocess.get(name) for kind, name in names.items()})


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


def read_model_bytes(path: Path, *, header_only: bool = False) -> bytes:
    """Read a model file, or only its beginning up to the end of its header.

    Raises:
        ModelFileError: If it is missing or cannot be read.
    """
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
