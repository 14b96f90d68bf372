"""What a window asks of the engine that looks into images, and the box in which only the latest of it waits.

Both ends use the box: the window's writer, so that a slow link or a stalled engine never blocks a mouse that drags a peak,
and the engine's reader, so that it never computes what nobody waits for any more. Free of torch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from s3n_core.inspection.settings import InspectionSettings

RequestKind = Literal["quit", "idle", "open", "inspect", "class-map", "export"]
"""In the order in which waiting requests are taken."""

REQUEST_KINDS: tuple[RequestKind, ...] = get_args(RequestKind)

# An order about the model makes everything that was asked of the earlier one void.
_VOIDS: dict[RequestKind, frozenset[RequestKind]] = {
    "open": frozenset({"inspect", "class-map", "export"}),
    "quit": frozenset(REQUEST_KINDS) - {"quit"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is inspected. A request names it, and every reply carries it back: a window shows what belongs to it alone.

    Attributes:
        image: The image file, where the engine runs.
        name: Its name in its data set, which keys the draws; None takes the file's.
        settings: What is changed.
    """

    image: Path
    name: str | None = None
    settings: InspectionSettings = field(default_factory=InspectionSettings)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Subject:
        """Read it from what JSON holds; what is missing has changed nothing.

        Raises:
            ValueError: It names no image, or settings that are out of their range.
        """
        image, name, settings = (fields.get(key) for key in ("image", "name", "settings"))
        if not isinstance(image, str) or not isinstance(name, str | None):
            raise ValueError("it does not name the image that is to be inspected")
        settings = InspectionSettings() if settings is None else InspectionSettings.from_dict(settings)
        return cls(image=Path(image), name=name, settings=settings)

    def is_image_of(self, other: Subject | None) -> bool:
        """Say whether another subject is the same image, whatever the settings."""
        return other is not None and (self.image, self.name) == (other.image, other.name)


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that is asked for.

    Attributes:
        kind: What.
        generation: Grows with every request of a window; the answer carries it back.
        fields: The details, as JSON holds them (`inspection_messages` makes and reads them).
    """

    kind: RequestKind
    generation: int
    fields: dict[str, Any]


class LatestRequests:
    """A place for one request of each kind: a later one takes the place of an earlier one. For any number of threads."""

    def __init__(self) -> None:
        self._waiting: dict[RequestKind, Request] = {}
        self._newest: dict[RequestKind, int] = {}
        self._closed = False
        self._changed = threading.Condition()

    def put(self, request: Request) -> None:
        """Leave a request; what it makes void is forgotten."""
        with self._changed:
            for kind in _VOIDS.get(request.kind, ()):
                if self._waiting.pop(kind, None) is not None or kind in self._newest:
                    self._newest[kind] = request.generation
            self._waiting[request.kind] = request
            self._newest[request.kind] = request.generation
            self._changed.notify_all()

    def take(self, timeout: float | None = None) -> Request | None:
        """Take the first waiting request in the order of `RequestKind`, waiting for one.

        Args:
            timeout: How long, in seconds; None waits for ever.

        Returns:
            The request; None after the time is up, or when the box is closed and empty.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._waiting:
                left = None if deadline is None else deadline - time.monotonic()
                if self._closed or (left is not None and left <= 0):
                    return None
                self._changed.wait(left)
            kind = min(self._waiting, key=REQUEST_KINDS.index)
            return self._waiting.pop(kind)

    def is_stale(self, request: Request) -> bool:
        """Say whether nobody waits for a request any more: a later one of its kind came, a later order, or the end."""
        with self._changed:
            return self._closed or self._newest.get(request.kind, request.generation) != request.generation

    def goes_stale(self, request: Request, seconds: float) -> bool:
        """Wait so long at most, and say whether nobody waits for a request any more by then."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed or self._newest.get(request.kind, request.generation) != request.generation,
                seconds,
            )

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        with self._changed:
            return self._closed

    def close(self) -> None:
        """Forget everything and wake whoever waits: nothing more will come."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
