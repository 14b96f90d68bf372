"""Exported files as messages, for a preview. Free of torch."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np

from s3n_core.errors import MessageError
from s3n_core.export.file_request import ExportedFile
from s3n_core.server.messages import Message


def encode_file(generation: int, file: ExportedFile) -> Message:
    """Return a message that holds a file."""
    fields = {
        "generation": generation,
        "image": file.image,
        "files": {ending: str(path) for ending, path in file.files.items()},
        "ending": file.ending,
        "images": file.images,
    }
    return Message("exported", fields, {"content": np.frombuffer(file.content, dtype=np.uint8)})


def decode_file(message: Message) -> ExportedFile:
    """Read what `encode_file` made.

    Raises:
        MessageError: The message holds no file.
    """
    try:
        fields = message.fields
        files = {str(ending): PurePosixPath(path) for ending, path in fields["files"].items()}
        if fields["ending"] not in files:
            raise KeyError(fields["ending"])
        content = message.arrays["content"].tobytes()
        return ExportedFile(
            image=str(fields["image"]),
            files=files,
            ending=fields["ending"],
            content=content,
            images=int(fields["images"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MessageError(f"A message holds no exported file ({error}).") from error
