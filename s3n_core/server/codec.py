"""Inspections, models and exported files as messages, and back, bit for bit. Free of torch.

Most of an inspection stays as it is while a person plays with its peaks, and nothing but scores is new when these have come.
So a part that is equal to the one before is not sent again, nor is an array of a new part that is: encoder and decoder, which
see the same messages in the same order, both remember the last inspection. What crosses is given by the dataclasses alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from s3n_core.errors import MessageError
from s3n_core.export.file_request import ExportedFile
from s3n_core.inspection.inspection import Inspection, is_same
from s3n_core.method.configuration import ModelHeader, Sampling
from s3n_core.server.messages import Message

_PARTS: Mapping[str, TypeAdapter[Any]] = {name: TypeAdapter(part) for name, part in get_type_hints(Inspection).items()}


@dataclass(frozen=True, kw_only=True)
class OpenedModel:
    """A model that the engine has opened.

    Attributes:
        path: Its file, where the engine runs.
        digest: First 16 hexadecimal digits of the file's SHA-256.
        header: What the file says about itself: network, classes, how images are prepared, metrics.
        device: "cpu", "cuda" or "mps".
        device_name: What a person calls it.
        device_reason: Why it is not a faster one; empty where it is the best of that machine.
        precision: Of the network's layers.
        sampling: How it divides the peaks in evaluation.
        beta_1: Its own radius of Eq. 5 in D, in cells.
        beta_2: Its own radius of Eq. 5 in C, in cells.
    """

    path: Path
    digest: str
    header: ModelHeader
    device: str
    device_name: str
    device_reason: str
    precision: str
    sampling: Sampling
    beta_1: float
    beta_2: float

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, by index."""
        return self.header.classes


class InspectionEncoder:
    """Makes messages of inspections; for one stream, in order."""

    def __init__(self) -> None:
        self._last: Inspection | None = None
        self._arrays: dict[str, NDArray[Any]] = {}

    def encode(self, kind: str, generation: int, inspection: Inspection) -> Message:
        """Return a message of the given kind that holds an inspection."""
        parts: dict[str, Any] = {}
        arrays: dict[str, NDArray[Any]] = {}
        listed: list[str] = []
        for name, adapter in _PARTS.items():
            part = getattr(inspection, name)
            if self._last is not None and part == getattr(self._last, name):
                continue
            parts[name] = adapter.dump_python(part)
            for where, array in _take_arrays(parts[name], name):
                listed.append(where)
                if not is_same(array, self._arrays.get(where)):
                    arrays[where] = self._arrays[where] = array
        self._last = inspection
        return Message(kind, {"generation": generation, "inspection": parts, "arrays": listed}, arrays)


class InspectionDecoder:
    """Reads what one `InspectionEncoder` made, in the same order."""

    def __init__(self) -> None:
        self._parts: dict[str, Any] = {}
        self._arrays: dict[str, NDArray[Any]] = {}

    def decode(self, message: Message) -> Inspection:
        """Return the inspection of a message.

        Raises:
            MessageError: It holds none.
        """
        try:
            self._arrays |= message.arrays
            parts = deepcopy(message.fields["inspection"])
            for where in message.fields["arrays"]:
                *above, last = where.split(".")
                holder = parts
                for key in above:
                    holder = holder[key]
                holder[last] = self._arrays[where]
            self._parts |= {name: _PARTS[name].validate_python(values) for name, values in parts.items()}
            return Inspection(**self._parts)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MessageError(f"A message holds no inspection ({type(error).__name__}: {error}).") from error


def _take_arrays(values: dict[str, Any], place: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Take the arrays out of nested values, each with the place where it was."""
    for key, value in list(values.items()):
        if isinstance(value, np.ndarray):
            yield f"{place}.{key}", values.pop(key)
        elif isinstance(value, dict):
            yield from _take_arrays(value, f"{place}.{key}")


def encode_model(generation: int, opened: OpenedModel) -> Message:
    """Return a message about an opened model."""
    values = {field.name: getattr(opened, field.name) for field in fields(OpenedModel)}
    values |= {"path": str(opened.path), "header": opened.header.model_dump(mode="json")}
    return Message("opened", {"generation": generation, "model": values})


def decode_model(message: Message) -> OpenedModel:
    """Read what `encode_model` made.

    Raises:
        MessageError: The message holds no model.
    """
    try:
        values = dict(message.fields["model"])
        values |= {"path": Path(values["path"]), "header": ModelHeader.model_validate(values["header"])}
        return OpenedModel(**values)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MessageError(f"A message holds no model ({type(error).__name__}: {error}).") from error


def encode_file(generation: int, file: ExportedFile) -> Message:
    """Return a message that holds an exported file."""
    values = {
        "generation": generation,
        "image": file.image,
        "files": {ending: str(path) for ending, path in file.files.items()},
        "ending": file.ending,
        "images": file.images,
    }
    return Message("exported", values, {"content": np.frombuffer(file.content, dtype=np.uint8)})


def decode_file(message: Message) -> ExportedFile:
    """Read what `encode_file` made.

    Raises:
        MessageError: The message holds no file.
    """
    try:
        values = message.fields
        files = {str(ending): PurePosixPath(path) for ending, path in values["files"].items()}
        if values["ending"] not in files:
            raise KeyError(values["ending"])
        return ExportedFile(
            image=str(values["image"]),
            files=files,
            ending=values["ending"],
            content=message.arrays["content"].tobytes(),
            images=int(values["images"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MessageError(f"A message holds no exported file ({error}).") from error
