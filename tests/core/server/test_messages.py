"""Messages and requests of the inspection server, without a process: round trips, junk, and request priority."""

import contextlib
import io
import struct
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3n_core.errors import MessageError
from s3n_core.server.messages import MAGIC, VERSION, Message, read_message, write_message
from s3n_core.server.requests import LatestRequests, Request


def written(message: Message) -> bytes:
    stream = io.BytesIO()
    write_message(stream, message)
    return stream.getvalue()


def read(data: bytes) -> Message | None:
    return read_message(io.BufferedReader(io.BytesIO(data)))  # type: ignore[arg-type]


def raw(header: bytes, body: bytes = b"", *, magic: bytes = MAGIC, version: int = VERSION) -> bytes:
    return struct.pack("<4sIII", magic, version, len(header), len(body)) + header + body


def test_round_trip() -> None:
    arrays: dict[str, Any] = {
        "map": np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1],  # not contiguous
        "none": np.zeros((0, 4), np.float32),
        "mask": np.array([True, False, True]),
        "picture": np.arange(5, dtype=np.uint8),
    }
    fields = {"path": "Vögel/\udcff 鳥.jpg", "share": 0.1, "none": None, "infinite": float("inf"), "list": [1, [2]]}
    message = read(written(Message("answered", fields, arrays)))
    assert message is not None
    assert (message.kind, message.fields) == ("answered", fields)
    assert list(message.arrays) == list(arrays)
    for name, array in arrays.items():
        assert message.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(message.arrays[name], array)
        assert not message.arrays[name].flags.writeable


def test_messages_follow_one_another_and_end() -> None:
    stream = io.BufferedReader(io.BytesIO(written(Message("one")) + written(Message("two"))))  # type: ignore[arg-type]
    assert [getattr(read_message(stream), "kind", None) for _ in range(3)] == ["one", "two", None]


HEADER = b'{"kind": "x", "fields": {}, "arrays": [%s]}'
JUNK = {
    "a greeting of a shell": b"Welcome to gpu-box!\nLast login: yesterday\n",
    "another version": raw(HEADER % b"", version=VERSION + 1),
    "an absurd header": struct.pack("<4sIII", MAGIC, VERSION, 2**32 - 1, 0),
    "absurd arrays": struct.pack("<4sIII", MAGIC, VERSION, 2, 2**32 - 1) + b"{}",
    "no JSON": raw(b"{"),
    "deep JSON": raw(b"[" * 100_000),
    "a list": raw(b"[]"),
    "no fields": raw(b'{"kind": "x", "arrays": []}'),
    "an object array": raw(HEADER % b'{"name": "a", "dtype": "object", "shape": [1]}', bytes(16)),
    "a negative side": raw(HEADER % b'{"name": "a", "dtype": "uint8", "shape": [-1]}', bytes(16)),
    "a side that is no number": raw(HEADER % b'{"name": "a", "dtype": "uint8", "shape": ["4"]}', bytes(16)),
    "a product that overflows": raw(
        HEADER % b'{"name": "a", "dtype": "uint8", "shape": [4294967296, 4294967296]}', bytes(16)
    ),
    "more array than bytes": raw(HEADER % b'{"name": "a", "dtype": "float32", "shape": [5]}', bytes(16)),
    "more bytes than array": raw(HEADER % b'{"name": "a", "dtype": "float32", "shape": [4]}', bytes(32)),
    "a cut": written(Message("x", {}, {"a": np.zeros(9, np.float32)}))[:-1],
    "a cut prefix": MAGIC,
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_refused(name: str) -> None:
    with pytest.raises(MessageError):
        read(JUNK[name])


@given(st.binary(max_size=200), st.integers(0, 60), st.binary(min_size=1, max_size=8))
def test_no_bytes_raise_anything_else(noise: bytes, place: int, change: bytes) -> None:
    whole = written(Message("x", {"a": 1}, {"b": np.zeros(3, np.float32)}))
    for data in (noise, whole[:place] + change + whole[place + len(change) :]):
        with contextlib.suppress(MessageError):
            read(data)


def test_what_no_message_holds_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match="float64"):
        written(Message("x", {}, {"a": np.zeros(3)}))


def request(kind: Any, generation: int) -> Request:
    return Request(kind, generation, {})


def test_the_latest_request_wins() -> None:
    box = LatestRequests()
    for generation in range(5):
        box.put(request("inspect", generation))
    assert box.take(0) == request("inspect", 4)
    assert box.take(0) is None


def test_kinds_wait_side_by_side_in_their_order() -> None:
    box = LatestRequests()
    for generation, kind in enumerate(("export", "class-map", "inspect", "open", "inspect", "class-map")):
        box.put(request(kind, generation))
    assert [box.take(0) for _ in range(4)] == [
        request("open", 3),
        request("inspect", 4),
        request("class-map", 5),
        None,  # the export was for the previous model
    ]


def test_staleness() -> None:
    box = LatestRequests()
    box.put(request("inspect", 1))
    taken = box.take(0)
    assert taken is not None
    assert not box.is_stale(taken)
    box.put(request("class-map", 2))
    assert not box.is_stale(taken)
    box.put(request("inspect", 3))
    assert box.is_stale(taken)
    newer = box.take(0)
    assert newer is not None
    box.put(request("open", 4))
    assert box.is_stale(newer)


def test_the_end_wakes_who_waits_and_makes_everything_stale() -> None:
    box = LatestRequests()
    box.put(request("inspect", 1))
    taken = box.take(0)
    assert taken is not None
    got: list[Request | None] = [taken]
    waiting = threading.Thread(target=lambda: got.append(box.take()))
    waiting.start()
    box.close()
    waiting.join(5)
    assert got[1:] == [None]
    assert box.is_stale(taken)


def test_what_waits_for_a_failed_request_is_dropped_unless_a_later_one_serves_it() -> None:
    box = LatestRequests()
    box.put(request("open", 1))
    failed = box.take(0)
    assert failed is not None
    box.put(request("inspect", 2))
    box.put(request("idle", 3))
    box.drop_followers(failed)
    assert [box.take(0), box.take(0)] == [request("idle", 3), None]
    box.put(request("open", 4))
    box.put(request("inspect", 5))
    box.drop_followers(failed)
    assert [box.take(0), box.take(0)] == [request("open", 4), request("inspect", 5)]
