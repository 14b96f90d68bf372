"""The errors of the program, with messages for users and codes for programs.

Each message is a full sentence that says what happened, to which file, and what to do. Messages may be reworded at any
time: programs should use the class, or its `code` and fields, which survive pickling, ``--json``, a run's
``state.json`` and the inspection stream. The classes below are complete; each has one code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar


@dataclass(eq=False)
class S3NError(Exception):
    """Something that a person can mend and that has no code of its own.

    Any other exception is a defect of the program.

    Attributes:
        message: One sentence for the user.
        code: The kind of error, for programs: one of `CODES`.
    """

    code: ClassVar[str] = "program.error"
    message: str

    def __post_init__(self) -> None:
        """Pass the message to `Exception`."""
        super().__init__(self.message)

    @property
    def fields(self) -> dict[str, Any]:
        """Return the details beyond the code, by name; each is also an attribute."""
        return {field.name: getattr(self, field.name) for field in _own_fields(type(self))}

    def to_dict(self) -> dict[str, Any]:
        """Return code, message and fields as JSON values."""
        return {
            "code": self.code,
            "message": str(self),
            **{name: _as_json(value) for name, value in self.fields.items()},
        }

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> S3NError:
        """Return the error from the result of `to_dict`.

        An unknown code, or fields that do not match it, give a plain `S3NError` with the message.
        """
        kind = CODES.get(str(value.get("code")), S3NError)
        message = str(value.get("message") or "")
        try:
            known = {field.name: _FROM_JSON[str(field.type)](value[field.name]) for field in _own_fields(kind)}
        except (KeyError, TypeError, ValueError):
            return S3NError(message)
        return _rebuilt(kind, message, known)

    def __reduce__(self) -> tuple[Callable[..., S3NError], tuple[type[S3NError], str, dict[str, Any]]]:
        """Pickle by message and fields, whose order differs between classes."""
        return (_rebuilt, (type(self), self.message, self.fields))


class ProgramDefect(S3NError):
    """A defect of the program; its log holds the traceback."""

    code = "program.defect"


class WrongArguments(S3NError):
    """Options or arguments that the command does not take."""

    code = "program.arguments"


class MessageError(S3NError):
    """What came over the inspection stream is no message of this program, or of another version of it."""

    code = "program.message"


class TeamError(S3NError):
    """One of several processes at one job was ended or crashed, and the others with it."""

    code = "program.team"


@dataclass(eq=False, init=False)
class UnreadableImage(S3NError):
    """An image file cannot be decoded.

    Attributes:
        path: The file.
        reason: Why, as a clause without the file's name ("the file is empty").
    """

    code = "image.unreadable"
    path: Path
    reason: str

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class DataSetError(S3NError):
    """A data set cannot be used."""

    code = "data_set.error"


@dataclass(eq=False, kw_only=True)
class DataSetNotFound(DataSetError):
    """There is no data set, or no file of a public one, at ``path``."""

    code = "data_set.not_found"
    path: Path


class TooFewClasses(DataSetError):
    """All labelled images of a data set have the same class."""

    code = "data_set.too_few_classes"


@dataclass(eq=False, kw_only=True)
class OtherClasses(DataSetError):
    """The data set has classes, ``unknown``, that the model was not trained on."""

    code = "data_set.other_classes"
    unknown: tuple[str, ...]


class ModelFileError(S3NError):
    """A model or weight file cannot be used."""

    code = "model.error"


@dataclass(eq=False, kw_only=True)
class ModelNotFound(ModelFileError):
    """There is no model or weight file at ``path``."""

    code = "model.not_found"
    path: Path


@dataclass(eq=False, kw_only=True)
class UnsafeModelFile(ModelFileError):
    """The file at ``path`` may hold code that would run on opening it, so it was not opened."""

    code = "model.unsafe"
    path: Path


@dataclass(eq=False, kw_only=True)
class WeightsMissing(ModelNotFound):
    """The pretrained weights of ``backbone`` are not at ``path``; they can be had from ``url`` when a person asks for them.

    ``size`` is about their bytes (0: not known), ``licence`` their licence's name, ``sentence`` what must be known of it.
    """

    code = "model.weights_missing"
    backbone: str
    url: str
    size: int
    licence: str
    sentence: str


@dataclass(eq=False, kw_only=True)
class DownloadFailed(ModelFileError):
    """Weights could not be downloaded from ``url``; fetched by hand, they belong at ``path``."""

    code = "model.download_failed"
    url: str
    path: Path


@dataclass(eq=False, kw_only=True)
class PlaceNotHidden(S3NError):
    """In an image, no place can be hidden and compared with random ones: without ``room``, or an answer is not finite."""

    code = "image.place_not_hidden"
    room: bool


class NoSingleHead(S3NError):
    """Contributions were requested of a mean over heads or views, but they belong to one head in one view."""

    code = "no_single_head"


class RunError(S3NError):
    """A run folder cannot be used, or an order cannot be followed."""

    code = "run.error"


class RunNotFound(RunError):
    """There is no run of that name or in that folder."""

    code = "run.not_found"


@dataclass(eq=False, kw_only=True)
class RunBusy(RunError):
    """Another process trains the run in ``path``."""

    code = "run.busy"
    path: Path


@dataclass(eq=False, kw_only=True)
class RunFinished(RunError):
    """The run in ``path`` is finished: there is nothing to resume."""

    code = "run.finished"
    path: Path


@dataclass(eq=False, kw_only=True)
class DataChanged(RunError):
    """The data set in ``root`` is not what it was when the run began; ``changes`` are clauses that say how."""

    code = "run.data_changed"
    root: Path
    changes: tuple[str, ...]


@dataclass(eq=False, kw_only=True)
class RunHasMore(RunError):
    """The run in ``path`` has been trained or changed since it was packed, and the job does not have that."""

    code = "run.has_more"
    path: Path


class JobFileError(RunError):
    """The file of a job cannot be used: it is damaged, cut off, of another program, or not safe to unpack."""

    code = "run.job_file"


class AtlasError(S3NError):
    """The folder of an atlas cannot be used, or an edit of its parts cannot be made."""

    code = "atlas.error"


class RecipeError(S3NError):
    """A recipe, or a setting of one, is not valid."""

    code = "recipe.error"


class TrainingError(S3NError):
    """A training cannot go on."""

    code = "training.error"


@dataclass(eq=False, kw_only=True)
class Diverged(TrainingError):
    """The losses of ``epoch`` (from 0) are no longer finite numbers."""

    code = "training.diverged"
    epoch: int


class DeviceError(S3NError):
    """A device or precision cannot be used."""

    code = "device.error"


@dataclass(eq=False, kw_only=True)
class DeviceUnavailable(DeviceError):
    """This machine does not offer ``device``."""

    code = "device.unavailable"
    device: str


class OutOfMemory(DeviceError):
    """The memory of the device, or of the machine, is too small even for the smallest step."""

    code = "device.out_of_memory"


class DeviceFailed(DeviceError):
    """The device is in a state that only a new process leaves."""

    code = "device.failed"


class OutputError(S3NError):
    """A place cannot be written to."""

    code = "output.error"


@dataclass(eq=False, kw_only=True)
class DiskFull(OutputError):
    """The disk has no room left for ``path``."""

    code = "output.disk_full"
    path: Path


@dataclass(eq=False, kw_only=True)
class OutputBusy(OutputError):
    """Another job is writing ``path``."""

    code = "output.busy"
    path: Path


@dataclass(eq=False, kw_only=True)
class UnfinishedOutput(OutputError):
    """An earlier job has left ``path``, which this one cannot continue because it holds ``content``; --restart starts over."""

    code = "output.unfinished"
    path: Path
    content: str


_Error = TypeVar("_Error", bound=S3NError)


def _rebuilt(kind: type[_Error], message: str, known: Mapping[str, Any]) -> _Error:
    error = kind.__new__(kind, message)
    vars(error).update(known, message=message)
    return error


def _own_fields(kind: type[S3NError]) -> Iterator[Any]:
    return (field for field in dataclasses.fields(kind) if field.name != "message")


def _as_json(value: object) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


_FROM_JSON: Mapping[str, Callable[[Any], Any]] = {
    "str": str,
    "int": int,
    "bool": bool,
    "Path": Path,
    "tuple[str, ...]": lambda values: tuple(str(value) for value in values),
}


def _with_subclasses(kind: type[S3NError]) -> Iterator[type[S3NError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _with_subclasses(below)


CODES: Mapping[str, type[S3NError]] = MappingProxyType({kind.code: kind for kind in _with_subclasses(S3NError)})
"""Every code and its class; the first line of the class's docstring describes the code."""
