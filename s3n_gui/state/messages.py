"""A message for the banner: an error or a notice, what it is about, and perhaps one action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["error", "notice"]

Cause = Literal[
    "",
    "open",
    "data",
    "model",
    "labels",
    "image",
    "run",
    "training",
    "busy",
    "table",
    "prediction",
    "export",
    "atlas",
    "saving",
    "runs",
    "settings",
]
"""What a message is about. When that is over, the message goes by itself; "" stays until it is closed or times out.

- ``open``: a path could not be opened; over when anything is opened.
- ``data``, ``model``, ``image``, ``run``: over when another one is current.
- ``labels``: the model knows none of the images' labels; over when another model or data set is current.
- ``training``: a training failed or was refused; over when one starts or resumes.
- ``busy``: another run is training; over when none is.
- ``table``: a table of predictions; over when another one is read, or the model or the data set changes.
- ``prediction``, ``export``, ``atlas``, ``saving``: a job; over when it starts again or something else is asked for.
- ``runs``: the runs folder cannot be read. ``settings``: the settings cannot be saved.
"""


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence for the user.

    Attributes:
        kind: "error" or "notice".
        sentence: What happened, to which file, and what to do.
        cause: What it is about.
        action: The text of a button; empty without one.
        act: What the button does.
    """

    kind: Kind
    sentence: str
    cause: Cause = ""
    action: str = ""
    act: Callable[[], object] | None = field(default=None, compare=False)
