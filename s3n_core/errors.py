"""Errors that a person reads: each message is one whole sentence that says what happened, to which file, and what to do."""

from __future__ import annotations

from pathlib import Path


class S3NError(Exception):
    """Base of every error whose message is meant for a person; anything else is a defect."""


class UnreadableImage(S3NError):
    """An image file that cannot be decoded.

    Attributes:
        path: The file.
        reason: Why, as a clause without the file's name ("the file is empty").
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[UnreadableImage], tuple[Path, str]]:
        """Pickle by the two arguments, not by the message."""
        return (UnreadableImage, (self.path, self.reason))


class DataSetError(S3NError):
    """A data set folder that cannot be used."""


class ModelFileError(S3NError):
    """A model or weight file that cannot be used."""


class RunError(S3NError):
    """A run folder that cannot be used, or an order that a run cannot follow."""


class TrainingError(S3NError):
    """A training that cannot go on."""


class DeviceError(S3NError):
    """A device or precision that this machine does not offer."""


class OutputError(S3NError):
    """A place that cannot be written to."""
