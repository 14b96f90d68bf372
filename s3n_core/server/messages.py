"""The messages between a window and the inspection server, on its standard streams. Does not import torch.

A message is a fixed prefix (magic number, version, two lengths), a JSON header, and the raw bytes of the NumPy arrays
that the header lists. Nothing is pickled, so a message cannot run code. Invalid messages raise a `MessageError`:
another magic number or version, lengths beyond the limits, or arrays that do not match the header.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.errors import MessageError

MAGIC = b"S3Ni"
VERSION = 3
MOST_HEADER_BYTES = 32 * 2**20
"""Enough for the names of a hundred thousand classes, the largest header."""
MOST_ARRAY_BYTES = 512 * 2**20
"""Enough for an original of the largest stored size, the maps of very many classes and everything else."""

_PREFIX = struct.Struct("<4sIII")  # magic, version, header bytes, array bytes
_DTYPES = {"float32": np.float32, "uint8": np.uint8, "bool": np.bool_}
_ALIGNMENT = 16


@dataclass(frozen=True, eq=False)
class Message:
    """One message.

    Attributes:
        kind: The kind of message.
        fields: JSON values.
        arrays: NumPy arrays by name: float32, uint8 or bool.
    """

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


def write_message(stream: IO[bytes], message: Message) -> None:
    """Write a message and flush.

    Raises:
        OSError: The other side has closed the stream.
        ValueError: An array has an unsupported type, or the message is too long.
    """
    listed: list[dict[str, Any]] = []
    buffers: list[memoryview | bytes] = []
    total = 0
    for name, array in message.arrays.items():
        if array.dtype.name not in _DTYPES:
            raise ValueError(f"the array {name!r} is of type {array.dtype}, which messages do not support")
        listed.append({"name": name, "dtype": array.dtype.name, "shape": list(array.shape)})
        padding = -array.nbytes % _ALIGNMENT
        buffers += [np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, bytes(padding)]
        total += array.nbytes + padding
    header = json.dumps({"kind": message.kind, "fields": message.fields, "arrays": listed}).encode("ascii")
    if len(header) > MOST_HEADER_BYTES or total > MOST_ARRAY_BYTES:
        raise ValueError(f"a message of {len(header)} + {total} bytes is too long")
    stream.write(_PREFIX.pack(MAGIC, VERSION, len(header), total) + header)
    for buffer in buffers:
        stream.write(buffer)
    stream.flush()


def read_message(stream: IO[bytes]) -> Message | None:
    """Read the next message, waiting for it.

    Args:
        stream: A buffered binary stream.

    Returns:
        The message; None if the stream ends between two messages.

    Raises:
        MessageError: The data is not a valid message; nothing more can be read from the stream.
    """
    prefix = _read(stream, _PREFIX.size, may_end=True)
    if not prefix:
        return None
    magic, version, header_bytes, array_bytes = _PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise MessageError(
            f"The engine sent {bytes(prefix)!r}, which the window does not understand. Perhaps something else writes "
            "to the engine's output, such as a shell's greeting on another machine."
        )
    if version != VERSION:
        raise MessageError(
            f"The engine uses version {version} of the messages, but the window uses version {VERSION}; install the "
            "same version of the program on both sides."
        )
    if header_bytes > MOST_HEADER_BYTES or array_bytes > MOST_ARRAY_BYTES:
        raise MessageError(f"A message claims to be {header_bytes} + {array_bytes} bytes long, which is not possible.")
    header, body = _read(stream, header_bytes), _read(stream, array_bytes)
    try:
        value = json.loads(header)
        kind, fields, listed = value["kind"], value["fields"], value["arrays"]
        if not isinstance(kind, str) or not isinstance(fields, dict):
            raise TypeError("its kind or its fields are of the wrong type")
        return Message(kind, fields, _arrays(listed, body))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MessageError(f"A message is damaged ({type(error).__name__}: {error}).") from error


def _arrays(listed: Any, body: bytearray) -> dict[str, NDArray[Any]]:
    arrays, offset = {}, 0
    for entry in listed:
        dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), entry["shape"]
        if len(shape) > 8 or not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError(f"an array of shape {shape}")
        count = math.prod(shape)  # exact: Python's integers do not overflow
        if offset + count * dtype.itemsize > len(body):
            raise ValueError("its arrays are longer than its bytes")
        array = np.frombuffer(body, dtype=dtype, count=count, offset=offset).reshape(shape)
        array.flags.writeable = False  # shared by several owners
        arrays[str(entry["name"])] = array
        offset += array.nbytes + -array.nbytes % _ALIGNMENT
    if offset != len(body):
        raise ValueError("its arrays are shorter than its bytes")
    return arrays


def _read(stream: IO[bytes], count: int, *, may_end: bool = False) -> bytearray:
    """Read exactly ``count`` bytes; with ``may_end``, none if the stream has ended."""
    data = bytearray(count)
    view, done = memoryview(data), 0
    while done < count:
        got = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not got:
            if may_end and done == 0:
                return bytearray()
            raise MessageError(f"A message ends after {done} of {count} bytes: the other process has ended.")
        done += got
    return data
