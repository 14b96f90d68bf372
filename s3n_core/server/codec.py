"""Inspections, models and inverse grids as messages, and back, bit for bit. Free of torch.

Most of an inspection stays as it is while a person plays with its peaks (the original, the response), and nothing but scores
is new when these have come. So an array that is the very object of the inspection before is not sent again: encoder and
decoder, which see the same messages in the same order, both remember the last one's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.errors import MessageError
from s3n_core.inspection.inspection import Inspection, InspectionSettings, Peak, Warped
from s3n_core.method.configuration import ModelHeader, Sampling
from s3n_core.server.messages import Message

_ARRAYS = (
    "image",
    "gate_logits",
    "class_maps",
    "response",
    "map_d",
    "map_c",
    "grid_d",
    "grid_c",
    "images_d",
    "images_c",
)
_SEPARATE = frozenset({*_ARRAYS, "logits", "peaks", "settings"})
_PLAIN = tuple(field.name for field in fields(Inspection) if field.name not in _SEPARATE)
_TUPLES = frozenset({"image_size", "source_box", "classes", "merged_classes", "mapped_classes"})
_PEAK_FIELDS = frozenset(field.name for field in fields(Peak))


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


@dataclass(frozen=True, eq=False)
class InverseGrid:
    """Where every place of the network's square lies in a warped image (`analysis.inspector.invert`).

    Attributes:
        branch: "D" or "C".
        places: float32 (size, size, 2), (x, y) in [-1, 1] of the warped image, aligned corners.
        valid: bool (size, size), false where the warp has left the place out.
    """

    branch: Warped
    places: NDArray[np.float32]
    valid: NDArray[np.bool_]


class InspectionEncoder:
    """Makes messages of inspections; for one stream, in order."""

    def __init__(self) -> None:
        self._last: dict[str, NDArray[Any]] = {}

    def encode(self, kind: str, generation: int, inspection: Inspection) -> Message:
        """Return a message of the given kind that holds an inspection."""
        arrays: dict[str, NDArray[Any]] = {name: getattr(inspection, name) for name in _ARRAYS}
        new = {name: array for name, array in arrays.items() if array is not self._last.get(name)}
        self._last = arrays
        new |= {f"logits {answer}": values for answer, values in inspection.logits.items()}
        values = {name: getattr(inspection, name) for name in _PLAIN}
        values["peaks"] = [asdict(peak) for peak in inspection.peaks]
        values["settings"] = inspection.settings.to_dict()
        return Message(kind, {"generation": generation, "inspection": values}, new)


class InspectionDecoder:
    """Reads what one `InspectionEncoder` made, in the same order."""

    def __init__(self) -> None:
        self._last: dict[str, NDArray[Any]] = {}

    def decode(self, message: Message) -> Inspection:
        """Return the inspection of a message.

        Raises:
            MessageError: It holds none.
        """
        try:
            held = {**self._last, **message.arrays}
            self._last = {name: held[name] for name in _ARRAYS}
            values: dict[str, Any] = dict(message.fields["inspection"])
            values |= {name: tuple(values[name]) for name in _TUPLES}
            values["peaks"] = tuple(_peak(peak) for peak in values["peaks"])
            values["settings"] = InspectionSettings.from_dict(values["settings"])
            values["logits"] = {
                name.removeprefix("logits "): array
                for name, array in message.arrays.items()
                if name.startswith("logits ")
            }
            values |= self._last
            return Inspection(**values)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MessageError(f"A message holds no inspection ({type(error).__name__}: {error}).") from error


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


def encode_inverse(generation: int, inverse: InverseGrid) -> Message:
    """Return a message that holds an inverse grid."""
    arrays = {"places": inverse.places, "valid": inverse.valid}
    return Message("inverse", {"generation": generation, "branch": inverse.branch}, arrays)


def decode_inverse(message: Message) -> InverseGrid:
    """Read what `encode_inverse` made.

    Raises:
        MessageError: The message holds no inverse grid.
    """
    try:
        branch = message.fields["branch"]
        if branch not in ("D", "C"):
            raise ValueError(f"there is no branch {branch!r}")
        return InverseGrid(branch, message.arrays["places"], message.arrays["valid"])
    except (KeyError, ValueError) as error:
        raise MessageError(f"A message holds no inverse grid ({error}).") from error


def _peak(values: Mapping[str, Any]) -> Peak:
    if set(values) != _PEAK_FIELDS:
        raise ValueError(f"a peak with the fields {sorted(values)}")
    cell, found_at = values["cell"], values["found_at"]
    return Peak(**{**values, "cell": (cell[0], cell[1]), "found_at": (found_at[0], found_at[1])})
