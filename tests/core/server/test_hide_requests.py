"""Requests to hide a place: the same result as in Python, progress, and what ends them early."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_model import save_picture, save_random_model

import s3n_core
from s3n_core.datasets.records import Box
from s3n_core.errors import MessageError
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.server.codec import decode_hidden_places, hide_request
from s3n_core.server.inspection_server import InspectionServer
from s3n_core.server.messages import Message, read_message
from s3n_core.server.requests import LatestRequests, Request, RequestKind, Subject

BOX = Box(x=10, y=10, width=100, height=60)
SETTINGS = HidingSettings(fill="blur", size=9, controls=21, seed=4)
NUMBERS = InspectionSettings(sampling="random", seed=3)
PLACE = (60.5, 41.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random_model(tmp_path_factory.mktemp("model") / "model.safetensors", side=32)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_picture(tmp_path_factory.mktemp("pictures") / "bird 1.jpg", 1)


def hide_fields(picture: Path, **changes: Any) -> dict[str, Any]:
    subject = Subject(image=picture, name="birds/one.jpg", settings=NUMBERS)
    return {**hide_request(subject, [PLACE], BOX, SETTINGS), **changes}


class Replies(io.BytesIO):
    """The server's output: collects the messages, and calls ``react`` with each as it is written."""

    def __init__(self, react: Callable[[Message], None]) -> None:
        super().__init__()
        self.messages: list[Message] = []
        self._react = react

    def flush(self) -> None:
        end = self.tell()
        self.seek(0)
        message = read_message(self)
        assert message is not None
        assert self.tell() == end
        self.seek(0)
        self.truncate()
        self.messages.append(message)
        self._react(message)


def served(model: Path, fields: dict[str, Any], then: dict[str, tuple[RequestKind, dict[str, Any]]]) -> list[Message]:
    """Serve a request to hide a place, and put another request when a message of a kind is sent; return all replies."""
    requests = LatestRequests()
    requests.put(Request("open", 1, {"path": str(model), "device": "cpu"}))

    def react(message: Message) -> None:
        if message.kind == "opened":
            requests.put(Request("hide", 2, fields))
        elif message.kind in then:
            kind, values = then[message.kind]
            requests.put(Request(kind, 3, values))

    replies = Replies(react)
    assert InspectionServer(requests, replies).run() == 0
    return replies.messages


def test_the_same_numbers_as_in_python(model: Path, picture: Path) -> None:
    messages = served(model, hide_fields(picture), {"hidden": ("quit", {})})
    steps = [message.fields["done"] for message in messages if message.kind == "hiding"]
    assert steps == [8, 16, 23]
    last = messages[-1]
    assert last.fields["generation"] == 2
    assert last.fields["subject"]["image"] == str(picture)
    (found,) = decode_hidden_places(last)
    with s3n_core.load_model(model, device="cpu") as opened:
        wanted = opened.hide_place(
            picture, PLACE, name="birds/one.jpg", box=BOX, settings=SETTINGS, inspection=NUMBERS, progress=False
        )
    assert found == wanted
    assert found.sentence() == wanted.sentence()
    assert (found.settings, found.region) == (SETTINGS.resolved(1), "box")
    assert len(found.controls) == 21
    assert found.to_dict(3)["classes"][-1]["index"] == 3


@pytest.mark.parametrize("kind", ["inspect", "stop-hiding", "open"])
def test_it_ends_for_what_is_more_urgent(model: Path, picture: Path, kind: RequestKind) -> None:
    subject = {"subject": {"image": str(picture)}}
    fields = {"inspect": subject, "stop-hiding": {}, "open": {"path": str(model), "device": "cpu"}}[kind]
    stopped = False
    requests = LatestRequests()
    requests.put(Request("open", 1, {"path": str(model), "device": "cpu"}))
    requests.put(Request("hide", 2, hide_fields(picture)))

    def react(message: Message) -> None:
        nonlocal stopped
        if message.kind == "hiding" and not stopped:
            stopped = True
            requests.put(Request(kind, 3, fields))
            requests.put(Request("export", 4, {}))  # answered by a failure, after everything else
        elif message.kind == "failed":
            requests.put(Request("quit", 5, {}))

    replies = Replies(react)
    assert InspectionServer(requests, replies).run() == 0
    kinds = [message.kind for message in replies.messages]
    assert kinds.count("hiding") == 1
    assert "hidden" not in kinds
    assert kinds[-1] == "failed"
    assert ("answered" in kinds) == (kind == "inspect")


def test_what_cannot_be_hidden_is_said(model: Path, picture: Path) -> None:
    cases = [
        ({"places": [[500.0, 10.0]]}, "These places cannot be hidden: the network does not see the place (500, 10) px"),
        ({"hiding": {"fill": "noise"}}, "fill: Input should be 'mean', 'surround' or 'blur'"),
        ({"hiding": {"size": 70}}, "Choose a smaller size."),
        ({"places": None}, "These places cannot be hidden: "),
        ({"places": []}, "These places cannot be hidden: there is no place."),
    ]
    requests = LatestRequests()
    requests.put(Request("open", 1, {"path": str(model), "device": "cpu"}))

    def react(message: Message) -> None:
        done = sum(reply.kind == "failed" for reply in replies.messages)
        if message.kind in ("opened", "failed"):
            fields = hide_fields(picture, **cases[done][0]) if done < len(cases) else {}
            requests.put(Request("hide" if fields else "quit", 2 + done, fields))

    replies = Replies(react)
    assert InspectionServer(requests, replies).run() == 0
    failures = [message.fields for message in replies.messages if message.kind == "failed"]
    assert [failure["request"] for failure in failures] == ["hide"] * len(cases)
    for failure, (_, said) in zip(failures, cases, strict=True):
        assert said in failure["error"]["message"]


def test_a_damaged_result_is_refused() -> None:
    with pytest.raises(MessageError, match="holds no hidden places"):
        decode_hidden_places(Message("hidden", {"hidden": [{"name": "a"}]}, {"controls": np.zeros(2, np.float32)}))
