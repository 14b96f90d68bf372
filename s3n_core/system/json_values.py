"""Conversion of dataclasses to JSON and back; their annotated fields are the schema.

Not done with pydantic: in strict mode ("3" is not a number) it accepts neither a list for a tuple nor, from JSON, a
name that is not valid Unicode (such as a path on Linux).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import cache
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """Convert dataclasses, paths, tuples and NumPy values to JSON values; NaN and infinities become None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # a NumPy scalar or array
        return to_json(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def from_json(kind: type[T], value: object, *, closed: bool = False) -> T:
    """Read a dataclass from JSON values. Missing fields get their defaults; nothing is converted ("3" is not a number).

    Its fields may be strings, numbers, booleans, literals, tuples of these, mappings, or None.

    Args:
        kind: The dataclass.
        value: The JSON value.
        closed: Refuse unknown fields; otherwise they are ignored, since they may come from a newer version.

    Raises:
        ValueError: The value is not such a record; the message says why, as a clause.
    """
    if not isinstance(value, Mapping):
        raise ValueError("it does not contain a JSON object")
    hints: dict[str, Any] = _hints(kind)  # type: ignore[arg-type]
    unknown = [name for name in value if name not in hints]
    if closed and unknown:
        raise ValueError(f"its field {unknown[0]!r} is unknown")
    known = {}
    for name, hint in hints.items():
        if name in value:
            if not _fits(hint, value[name]):
                raise ValueError(f"its field {name!r} has the value {value[name]!r}")
            known[name] = tuple(value[name]) if isinstance(value[name], list) else value[name]
    try:
        return kind(**known)
    except TypeError as error:
        raise ValueError(f"a field is missing: {error}") from None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(kind).items() if name in kind.__dataclass_fields__}


def _fits(hint: Any, value: object) -> bool:
    """Return whether a value has the annotated type; an int is valid for float, a bool is not."""
    origin, choices = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return isinstance(value, str | int) and value in choices
    if origin in (Union, UnionType):
        return any(_fits(choice, value) for choice in choices)
    if origin is tuple:
        return isinstance(value, list | tuple) and all(_fits(choices[0], item) for item in value)
    if origin in (Mapping, dict):
        return isinstance(value, Mapping)
    if hint in (None, NoneType):
        return value is None
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, int | float) if hint is float else isinstance(value, hint)
