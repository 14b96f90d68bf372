"""Reader of ``.mat`` files (MATLAB versions 5 to 7.2), limited to structs, cells, text and numbers.

SciPy's ``loadmat`` is not used because it crashed the process (segmentation fault) on one in a hundred damaged files.
Here every length is checked against the available bytes, and every error names the file.
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import Any

from s3n_core.errors import DataSetError

_LARGEST = 1 << 26  # bytes, compressed or not: the tables of data sets are far smaller
_DEEPEST = 8  # cells in structs in cells ...
_HEADER = 128  # bytes
_COMPRESSED, _MATRIX, _UTF8, _UTF16, _UTF32 = 15, 14, 16, 17, 18
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMBERS = range(6, 16)  # numeric array classes, from double to uint64
_COMPLEX = 0x800
_CODES = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}  # data type: struct code


def read_matlab(file: Path, *names: str) -> dict[str, Any]:
    """Read variables of a ``.mat`` file.

    A struct array becomes a list of dicts, a cell array a list, text a str, a single number a number, and several
    numbers a tuple. Arrays are flattened in column-major order.

    Raises:
        DataSetError: The file cannot be read, is not a ``.mat`` file, is damaged, or lacks one of the variables.
    """
    try:
        data = _content(file)
        variables = _variables(data, _byte_order(file, data), names)
    except OSError as error:
        raise DataSetError(f"{file} cannot be read ({error.strerror or error}).") from error
    except (ValueError, struct.error, zlib.error) as error:
        raise DataSetError(f"{file} is not a .mat file, or it is damaged ({error}): copy it again.") from error
    missing = [name for name in names if name not in variables]
    if missing:
        raise DataSetError(f"{file} does not contain '{missing[0]}': it is not the file that its name says.")
    return variables


def _content(file: Path) -> bytes:
    with file.open("rb") as stream:
        data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST >> 20} MiB")
    return data


def _byte_order(file: Path, data: bytes) -> str:
    order = {b"IM": "<", b"MI": ">"}.get(data[126:_HEADER])
    if order is None:
        raise ValueError("its header is not MATLAB's")
    (version,) = struct.unpack_from(f"{order}H", data, 124)
    if version == 0x200:
        raise DataSetError(f"{file} has MATLAB's format 7.3: save it again in format 7 (save -v7).")
    return order


def _variables(data: bytes, order: str, names: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = _HEADER
    while at < len(data):
        kind, start, stop, at = _element(data, order, at, len(data))
        if kind == _COMPRESSED:
            unpacker = zlib.decompressobj()
            inner = unpacker.decompress(data[start:stop], _LARGEST)
            if unpacker.unconsumed_tail:
                raise ValueError(f"a variable is larger than {_LARGEST >> 20} MiB")
            if not unpacker.eof:
                raise ValueError("it ends in the middle")
            kind, first, last, _ = _element(inner, order, 0, len(inner))
            name, value = _matrix(inner, order, first, last, names) if kind == _MATRIX else ("", None)
        else:
            name, value = _matrix(data, order, start, stop, names) if kind == _MATRIX else ("", None)
        if name in names:
            found[name] = value
    return found


def _element(data: bytes, order: str, at: int, end: int) -> tuple[int, int, int, int]:
    """Return an element's data type, the start and end of its content, and the start of the next element."""
    kind, length = struct.unpack_from(f"{order}II", data, at)
    if kind >> 16:  # a small data element: up to four bytes, stored in place of the length field
        kind, length, start = kind & 0xFFFF, kind >> 16, at + 4
        after = at + 8
        if length > 4:
            raise ValueError(f"a small element of {length} bytes")
    else:
        start = at + 8
        after = start + length if kind == _COMPRESSED else start + (length + 7) // 8 * 8
    if start + length > end:
        raise ValueError("it ends in the middle")
    return kind, start, start + length, after


def _matrix(
    data: bytes, order: str, at: int, end: int, names: tuple[str, ...] | None, depth: int = 0
) -> tuple[str, Any]:
    """Read an array's name and value; the value is None if ``names`` does not include the name."""
    if at == end:
        return "", ()
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    _, start, stop, at = _element(data, order, at, end)
    flags = _numbers(data, order, 6, start, stop)[0]
    _, start, stop, at = _element(data, order, at, end)
    dimensions = _numbers(data, order, 5, start, stop)
    _, start, stop, at = _element(data, order, at, end)
    name = data[start:stop].decode("latin-1")
    if names is not None and name not in names:
        return name, None
    if not dimensions or min(dimensions) < 0:
        raise ValueError(f"an array of {dimensions} elements")
    count, what = math.prod(dimensions), int(flags) & 0xFF
    if what == _STRUCT:
        return name, _structs(data, order, at, end, count, depth)
    if what == _CELL:
        return name, _matrices(data, order, at, end, count, depth)
    kind, start, stop, _ = _element(data, order, at, end)
    if what == _CHAR:
        return name, _text(data, order, kind, start, stop)
    if what not in _NUMBERS or int(flags) & _COMPLEX:
        raise ValueError(f"an array of class {what}, which these tables do not have")
    numbers = _numbers(data, order, kind, start, stop)
    return name, numbers[0] if len(numbers) == 1 else numbers


def _structs(data: bytes, order: str, at: int, end: int, count: int, depth: int) -> list[dict[str, Any]]:
    _, start, stop, at = _element(data, order, at, end)
    width = int(_numbers(data, order, 5, start, stop)[0])
    _, start, stop, at = _element(data, order, at, end)
    if not 0 < width <= 64:
        raise ValueError(f"field names of {width} letters")
    fields = [data[i : i + width].split(b"\0")[0].decode("latin-1") for i in range(start, stop, width)]
    values = _matrices(data, order, at, end, count * len(fields), depth)
    return [
        dict(zip(fields, values[i : i + len(fields)], strict=True)) for i in range(0, len(values), len(fields) or 1)
    ]


def _matrices(data: bytes, order: str, at: int, end: int, count: int, depth: int) -> list[Any]:
    if count > (end - at) // 8:  # each takes at least eight bytes
        raise ValueError(f"{count} elements in {end - at} bytes")
    values = []
    for _ in range(count):
        kind, start, stop, at = _element(data, order, at, end)
        if kind != _MATRIX:
            raise ValueError(f"an element of type {kind} instead of an array")
        values.append(_matrix(data, order, start, stop, None, depth + 1)[1])
    return values


def _numbers(data: bytes, order: str, kind: int, start: int, stop: int) -> tuple[Any, ...]:
    code = _CODES.get(kind)
    if code is None:
        raise ValueError(f"numbers of type {kind}")
    numbers = struct.unpack_from(f"{order}{(stop - start) // struct.calcsize(f'={code}')}{code}", data, start)
    if not numbers and kind in (5, 6):
        raise ValueError("a length is missing")
    return numbers


def _text(data: bytes, order: str, kind: int, start: int, stop: int) -> str:
    end = "le" if order == "<" else "be"
    encodings = {2: "latin-1", 4: f"utf-16-{end}", _UTF8: "utf-8", _UTF16: f"utf-16-{end}", _UTF32: f"utf-32-{end}"}
    if kind not in encodings:
        raise ValueError(f"a text of type {kind}")
    return data[start:stop].decode(encodings[kind])
