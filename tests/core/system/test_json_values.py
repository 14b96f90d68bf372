"""Dataclasses to JSON and back: what is rejected, what is ignored, and that no types are converted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

import numpy as np
import pytest

from s3n_core.system.json_values import from_json, to_json


@dataclass(frozen=True, kw_only=True)
class Record:
    name: str
    kind: Literal["a", "b"] = "a"
    count: int = 0
    share: float | None = None
    done: bool = False
    names: tuple[str, ...] = ()
    extra: Mapping[str, Any] | None = None


FULL = Record(name="caf\udce9.png", kind="b", count=3, share=1, done=True, names=("x", "y"), extra={"a": [1]})


def test_a_record_comes_back_from_json() -> None:
    assert from_json(Record, json.loads(json.dumps(to_json(FULL)))) == FULL
    assert from_json(Record, {"name": "x"}) == Record(name="x")


def test_what_json_does_not_hold_is_turned_into_what_it_does() -> None:
    values = {"path": PurePosixPath("a/b"), "nan": float("nan"), "array": np.float32([1, np.inf]), 1: (True, None)}
    assert to_json(values) == {"path": "a/b", "nan": None, "array": [1.0, None], "1": [True, None]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": 3},
        {"name": None},
        {"kind": "c"},
        {"kind": ["a"]},
        {"count": "3"},
        {"count": 3.5},
        {"count": True},
        {"count": None},
        {"share": "1"},
        {"share": False},
        {"done": 1},
        {"names": "xy"},
        {"names": ["x", 1]},
        {"extra": [1]},
    ],
)
def test_a_value_of_another_type_is_refused_by_its_name(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        from_json(Record, {"name": "x", **wrong})


def test_a_missing_field_is_named_and_an_unknown_one_is_left_alone_or_refused() -> None:
    with pytest.raises(ValueError, match="name"):
        from_json(Record, {"count": 1})
    with pytest.raises(ValueError, match="JSON object"):
        from_json(Record, [])
    assert from_json(Record, {"name": "x", "newer": 1}) == Record(name="x")
    with pytest.raises(ValueError, match="newer"):
        from_json(Record, {"name": "x", "newer": 1}, closed=True)
