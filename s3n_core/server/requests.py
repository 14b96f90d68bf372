"""A window's requests to the inspection server, and the mailbox that keeps only the latest of each kind.

Both ends use the mailbox: the window's writer, so that a slow connection or a stalled engine never blocks dragging a
peak, and the engine's reader, so that it never computes outdated requests. Does not import torch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from s3n_core.inspection.settings import InspectionSettings

RequestKind = Literal[
    "quit", "stop-hiding", "idle", "open", "inspect", "contributions", "class-map", "descriptors", "export", "hide"
]
"""The kinds of requests, by priority."""

REQUEST_KINDS: tuple[RequestKind, ...] = get_args(RequestKind)

# Changing the model cancels all requests for the previous one. Contributions and descriptors belong to a pass, which the
# next inspection replaces. Hiding places takes many forward passes, so that an inspection does not wait for it: it ends it.
_VOIDS: dict[RequestKind, frozenset[RequestKind]] = {
    "open": frozenset({"inspect", "contributions", "class-map", "descriptors", "export", "hide"}),
    "inspect": frozenset({"contributions", "descriptors", "hide"}),
    "stop-hiding": frozenset({"hide"}),
    "quit": frozenset(REQUEST_KINDS) - {"quit"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is inspected: an image and settings. Replies repeat it, so that a window can ignore outdated ones.

    Attributes:
        image: The image file, on the machine of the engine.
        name: Its name in its data set, the key of the draws; None uses the file's.
        settings: The settings of the inspection.
    """

    image: Path
    name: str | None = None
    settings: InspectionSettings = field(default_factory=InspectionSettings)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Subject:
        """Read a subject from JSON values; missing settings keep their defaults.

        Raises:
            ValueError: The image is missing, or a setting is out of range.
        """
        image, name, settings = (fields.get(key) for key in ("image", "name", "settings"))
        if not isinstance(image, str) or not isinstance(name, str | None):
            raise ValueError("it does not name the image that is to be inspected")
        settings = InspectionSettings() if settings is None else InspectionSettings.from_dict(settings)
        return cls(image=Path(image), name=name, settings=settings)

    def is_image_of(self, other: Subject | None) -> bool:
        """Return whether another subject is the same image, regardless of the settings."""
        return other is not None and (self.image, self.name) == (other.image, other.name)


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        kind: The kind of request.
        generation: A number that increases with every request of a window; replies repeat it.
        fields: The details as JSON values (see `codec`).
    """

    kind: RequestKind
    generation: int
    fields: dict[str, Any]


class LatestRequests:
    """A thread-safe mailbox for one request of each kind, in which a later request replaces an earlier one."""

    def __init__(self) -> None:
        self._waiting: dict[RequestKind, Request] = {}
        self._newest: dict[RequestKind, int] = {}
        self._closed = False
        self._changed = threading.Condition()

    def put(self, request: Request) -> None:
        """Add a request, and drop the requests that it cancels."""
        with self._changed:
            for kind in _VOIDS.get(request.kind, ()):
                if self._waiting.pop(kind, None) is not None or kind in self._newest:
                    self._newest[kind] = request.generation
            self._waiting[request.kind] = request
            self._newest[request.kind] = request.generation
            self._changed.notify_all()

    def take(self, timeout: float | None = None) -> Request | None:
        """Remove and return the pending request of the highest priority, waiting for one if necessary.

        Args:
            timeout: Maximum time to wait, in seconds; None waits forever.

        Returns:
            The request; None after the timeout, or if the mailbox is closed and empty.
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

    def drop_followers(self, failed: Request) -> None:
        """Drop the waiting requests that a failed request makes pointless, unless it is outdated and a later one serves them."""
        with self._changed:
            if self._newest.get(failed.kind, failed.generation) == failed.generation:
                for kind in _VOIDS.get(failed.kind, ()):
                    self._waiting.pop(kind, None)

    def is_stale(self, request: Request) -> bool:
        """Return whether a request is outdated: by a later one of its kind, a change of model, or the end."""
        with self._changed:
            return self._closed or self._newest.get(request.kind, request.generation) != request.generation

    def goes_stale(self, request: Request, seconds: float) -> bool:
        """Wait until a request is outdated, at most ``seconds``; return whether it is."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed or self._newest.get(request.kind, request.generation) != request.generation,
                seconds,
            )

    @property
    def closed(self) -> bool:
        """Whether the mailbox is closed."""
        with self._changed:
            return self._closed

    def close(self) -> None:
        """Close the mailbox: drop all requests and wake waiting threads."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
