"""Serves requests as the inspection server's process does, in this process."""

import io
from collections.abc import Callable
from pathlib import Path

from s3n_core.server.inspection_server import InspectionServer
from s3n_core.server.messages import Message, read_message
from s3n_core.server.requests import LatestRequests, Request, RequestKind


class Replies(io.BytesIO):
    """The server's output: calls ``react`` with each message as it is written."""

    def __init__(self, react: Callable[[Message], None]) -> None:
        super().__init__()
        self.messages: list[Message] = []
        self._react = react

    def flush(self) -> None:
        self.seek(0)
        message = read_message(self)
        assert message is not None
        self.seek(0)
        self.truncate()
        self.messages.append(message)
        self._react(message)


def served(model: Path, *wanted: tuple[RequestKind, dict[str, object]]) -> list[Message]:
    """Serve requests one after the other, each after the last reply to the one before."""
    requests, waiting = LatestRequests(), list(wanted)
    requests.put(Request("open", 1, {"path": str(model), "device": "cpu"}))

    def react(message: Message) -> None:
        if message.kind in ("opened", "answered", "contributions", "descriptors", "failed"):
            kind, fields = waiting.pop(0) if waiting else ("quit", {})
            requests.put(Request(kind, 99 - len(waiting), fields))

    replies = Replies(react)
    assert InspectionServer(requests, replies).run() == 0
    return replies.messages
