"""Lossless encoding of inspections, models and exported files as messages. Does not import torch.

Most of an inspection stays the same while the user edits peaks, and only the scores change when they arrive. Parts that
equal those of the previous inspection, and equal arrays in changed parts, are therefore not sent again: encoder and
decoder see the same messages in the same order and remember the last inspection. The dataclasses define the schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import Box
from s3n_core.errors import MessageError, S3NError
from s3n_core.export.file_request import ExportedFile, FileRequest
from s3n_core.inspection.contribution_view import ContributionView
from s3n_core.inspection.geometry import Place
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import Inspection, is_same
from s3n_core.method.configuration import ModelHeader, Sampling
from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors
from s3n_core.server.messages import Message
from s3n_core.server.requests import Subject
from s3n_core.system.json_values import from_json, to_json

_T = TypeVar("_T")

_PARTS: Mapping[str, type[Any]] = get_type_hints(Inspection)


@dataclass(frozen=True, kw_only=True)
class OpenedModel:
    """A model that the engine has opened.

    Attributes:
        path: Its file, on the machine of the engine.
        digest: First 16 hexadecimal digits of the file's SHA-256.
        header: The file's metadata: network, classes, preprocessing, metrics.
        device: "cpu", "cuda" or "mps".
        device_name: Display name of the device.
        device_reason: Why it is not a faster one; empty if it is the best of that machine.
        precision: Precision of the network's layers.
        sampling: How peaks are assigned in evaluation.
        beta_1: The model's radius of Eq. 5 in D, in cells.
        beta_2: The model's radius of Eq. 5 in C, in cells.
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


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassMap:
    """The class response map of one class.

    Attributes:
        subject: The image that it belongs to; independent of the settings.
        index: The class's index.
        values: M, float32 (h, w).
    """

    subject: Subject
    index: int
    values: NDArray[np.float32]


class InspectionEncoder:
    """Encodes inspections as messages; one encoder per stream, used in order."""

    def __init__(self) -> None:
        self._last: Inspection | None = None
        self._arrays: dict[str, NDArray[Any]] = {}

    def encode(self, kind: str, inspection: Inspection, **about: Any) -> Message:
        """Return a message of the given kind with an inspection and additional JSON fields."""
        parts: dict[str, Any] = {}
        arrays: dict[str, NDArray[Any]] = {}
        for name in _PARTS:
            part = getattr(inspection, name)
            if self._last is not None and part == getattr(self._last, name):
                continue
            taken: dict[str, NDArray[Any]] = {}
            parts[name] = _plain(part, name, taken)
            arrays |= {where: array for where, array in taken.items() if not is_same(array, self._arrays.get(where))}
        self._arrays |= arrays
        self._last = inspection
        return Message(kind, {**about, "inspection": parts}, arrays)


class InspectionDecoder:
    """Decodes the messages of one `InspectionEncoder`, in the same order."""

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
            for name, values in message.fields["inspection"].items():
                self._parts[name] = _made(_PARTS[name], values, self._arrays)
            return Inspection(**self._parts)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MessageError(f"A message holds no inspection ({type(error).__name__}: {error}).") from error


def _plain(value: Any, place: str, arrays: dict[str, NDArray[Any]]) -> Any:
    """Convert nested values to JSON values, replacing each array by its name and adding it to ``arrays``."""
    if isinstance(value, np.ndarray):
        arrays[place] = value
        return place
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name), f"{place}.{field.name}", arrays) for field in fields(value)
        }
    if isinstance(value, Mapping):
        return {key: _plain(item, f"{place}.{key}", arrays) for key, item in value.items()}
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return [_plain(item, place, arrays) for item in value]
    return value


def _made(kind: Any, value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Reverse `_plain`: return a value of an annotated type."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType and NoneType in inner and any(map(is_dataclass, inner)):
        return None if value is None else _made(next(filter(is_dataclass, inner)), value, arrays)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _made(hints[name], item, arrays) for name, item in value.items()})
    if origin is np.ndarray:
        return arrays[value]
    if origin is tuple and is_dataclass(inner[0]):
        return tuple(_made(inner[0], item, arrays) for item in value)
    if origin is Mapping:
        return {key: _made(inner[1], item, arrays) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def decode_subject(message: Message) -> Subject:
    """Return the subject of a reply.

    Raises:
        MessageError: The message has none.
    """
    try:
        return Subject.from_dict(message.fields["subject"])
    except (AttributeError, KeyError, ValueError) as error:
        raise MessageError(f"A message does not say which image it belongs to ({error}).") from error


def decode_class_map(message: Message) -> ClassMap:
    """Return the class map of a message.

    Raises:
        MessageError: It holds none.
    """
    try:
        index, values = int(message.fields["index"]), message.arrays["map"]
    except (KeyError, TypeError, ValueError) as error:
        raise MessageError(f"A message holds no class map ({error}).") from error
    return ClassMap(subject=decode_subject(message), index=index, values=values)


def hide_request(
    subject: Subject, places: Sequence[Place], box: Box | None, settings: HidingSettings
) -> dict[str, Any]:
    """Return the fields of a request to hide places of an image, one at a time.

    Args:
        subject: The image and the method's parameters.
        places: The centres (x, y) of the places, in pixels of the original; at least one.
        box: The object's bounding box, if known.
        settings: How to hide the places.
    """
    return {
        "subject": to_json(subject),
        "places": [list(place) for place in places],
        "box": to_json(box),
        "hiding": settings.to_dict(),
    }


def decode_hide_request(fields: Mapping[str, Any]) -> tuple[tuple[Place, ...], Box | None, HidingSettings]:
    """Decode `hide_request`, except for the subject.

    Raises:
        S3NError: The values are not such a request, or a setting is out of range.
    """
    try:
        places = tuple((float(x), float(y)) for x, y in fields["places"])
        if not places:
            raise ValueError("there is no place")
        return places, _box(fields), HidingSettings.from_dict(fields.get("hiding") or {})
    except (KeyError, TypeError, ValueError) as error:
        raise S3NError(f"These places cannot be hidden: {error}.") from error


def _box(fields: Mapping[str, Any]) -> Box | None:
    box = fields.get("box")
    return None if box is None else from_json(Box, box)


def encode_hidden_places(hidden: Sequence[HiddenPlace], **about: Any) -> Message:
    """Return a message with the results of hiding places and additional JSON fields."""
    arrays: dict[str, NDArray[Any]] = {}
    values = [_plain(one, f"hidden.{number}", arrays) for number, one in enumerate(hidden)]
    return Message("hidden", {**about, "hidden": values}, arrays)


def decode_hidden_places(message: Message) -> tuple[HiddenPlace, ...]:
    """Return the results of hiding places.

    Raises:
        MessageError: The message holds none.
    """
    try:
        return tuple(_made(HiddenPlace, one, message.arrays) for one in message.fields["hidden"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MessageError(f"A message holds no hidden places ({type(error).__name__}: {error}).") from error


def contribution_request(subject: Subject, target: int, versus: int | None, box: Box | None) -> dict[str, Any]:
    """Return the fields of a request for contributions.

    Args:
        subject: The image and the settings, whose pass is used.
        target: Index of the class.
        versus: Index of the class whose logit is subtracted; None: the logit itself.
        box: The object's bounding box, if known.
    """
    return {"subject": to_json(subject), "target": target, "versus": versus, "box": to_json(box)}


def decode_contribution_request(fields: Mapping[str, Any], classes: int) -> tuple[int, int | None, Box | None]:
    """Decode `contribution_request`, except for the subject.

    Args:
        fields: The request's fields.
        classes: Number of the model's classes.

    Raises:
        S3NError: The values are not such a request, or there is no such class.
    """
    try:
        target, versus, box = fields["target"], fields.get("versus"), _box(fields)
        for index in (target, *(() if versus is None else (versus,))):
            if type(index) is not int or not 0 <= index < classes:
                raise ValueError(f"the model has no class {index}: its classes are 0 to {classes - 1}")
        return target, versus, box
    except (KeyError, TypeError, ValueError) as error:
        raise S3NError(f"Contributions cannot be computed: {error}.") from error


def encode_contributions(view: ContributionView, **about: Any) -> Message:
    """Return a message with what is shown of an image's contributions and additional JSON fields."""
    return _message("contributions", view, about)


def decode_contributions(message: Message) -> ContributionView:
    """Return what is shown of an image's contributions.

    Raises:
        MessageError: The message holds none.
    """
    return _value(message, "contributions", ContributionView)


def encode_descriptors(found: PeakDescriptors, **about: Any) -> Message:
    """Return a message with the descriptors of an image's peaks and additional JSON fields."""
    return _message("descriptors", found, about)


def decode_descriptors(message: Message) -> PeakDescriptors:
    """Return the descriptors of an image's peaks.

    Raises:
        MessageError: The message holds none.
    """
    return _value(message, "descriptors", PeakDescriptors)


def _message(kind: str, value: Any, about: Mapping[str, Any]) -> Message:
    """Return a message with a dataclass in the field of its kind."""
    arrays: dict[str, NDArray[Any]] = {}
    values = _plain(value, kind, arrays)
    return Message(kind, {**about, kind: values}, arrays)


def _value(message: Message, kind: str, of: type[_T]) -> _T:
    """Reverse `_message`.

    Raises:
        MessageError: The message holds no such value.
    """
    try:
        value: _T = _made(of, message.fields[kind], message.arrays)
        return value
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MessageError(f"A message holds no {kind} ({type(error).__name__}: {error}).") from error


def encode_model(generation: int, opened: OpenedModel) -> Message:
    """Return a message about an opened model."""
    values = {field.name: getattr(opened, field.name) for field in fields(OpenedModel)}
    values |= {"path": str(opened.path), "header": opened.header.model_dump(mode="json")}
    return Message("opened", {"generation": generation, "model": values})


def decode_model(message: Message) -> OpenedModel:
    """Decode the result of `encode_model`.

    Raises:
        MessageError: The message holds no model.
    """
    try:
        values = dict(message.fields["model"])
        values |= {"path": Path(values["path"]), "header": ModelHeader.model_validate(values["header"])}
        return OpenedModel(**values)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MessageError(f"A message holds no model ({type(error).__name__}: {error}).") from error


def decode_file_request(values: Mapping[str, Any]) -> FileRequest:
    """Decode a request for an exported file from `to_json`; unknown fields are ignored.

    Raises:
        MessageError: The values are not such a request.
    """
    try:
        request = _made(FileRequest, {field.name: values[field.name] for field in fields(FileRequest)}, {})
        if not all(isinstance(text, str) for image in request.images for text in (image.path, image.name)):
            raise TypeError("an image without a path or name")
        return FileRequest(images=request.images, options=dict(request.options), ending=str(request.ending))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MessageError(f"A request for an exported file is damaged ({error}).") from error


def encode_file(generation: int, file: ExportedFile) -> Message:
    """Return a message that holds an exported file."""
    values = {
        "generation": generation,
        "image": file.image,
        "files": {ending: str(path) for ending, path in file.files.items()},
        "ending": file.ending,
    }
    return Message("exported", values, {"content": np.frombuffer(file.content, dtype=np.uint8)})


def decode_file(message: Message) -> ExportedFile:
    """Decode the result of `encode_file`.

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
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MessageError(f"A message holds no exported file ({error}).") from error
