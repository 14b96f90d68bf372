"""What a command left behind, and the mark of a good refusal."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it wrote to the two streams."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines for a program; each must be JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def sentence(self) -> str:
        """The one sentence of a command that refused: nothing else was written, and nothing but an error it is."""
        assert self.code == 1, self
        assert self.out == "", self
        lines = self.err.splitlines()
        assert len(lines) == 1, self
        assert lines[0].startswith("Error: "), self
        assert lines[0].endswith((".", "?", ")")), self
        return lines[0]


Command = Callable[..., Outcome]
