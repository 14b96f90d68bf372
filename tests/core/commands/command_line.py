"""The outcome of a command, and the check of a proper error message."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """A command's exit code and the text of its two output streams."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of machine-readable output; each must be JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def sentence(self) -> str:
        """The error message of a failed command, which must be its only output."""
        assert self.code == 1, self
        assert self.out == "", self
        lines = self.err.splitlines()
        assert len(lines) == 1, self
        assert lines[0].startswith("Error: "), self
        assert lines[0].endswith((".", "?", ")")), self
        return lines[0]


Command = Callable[..., Outcome]
