"""Goals that a measurement is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from s3n_core.errors import S3NError


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A goal and what was reached.

    Attributes:
        name: What is asked for.
        value: What was measured; None if it could not be.
        least: What it must reach; None if that could not be measured, or there is a most.
        most: What it must not exceed; None alike.
        strict: Whether it must exceed ``least``.
    """

    name: str
    value: float | None
    least: float | None = None
    most: float | None = None
    strict: bool = False

    @property
    def met(self) -> bool:
        """Whether the goal is met; not if something could not be measured."""
        if self.value is None:
            return False
        if self.most is not None:
            return self.value <= self.most
        if self.least is None:
            return False
        return self.value > self.least if self.strict else self.value >= self.least

    def row(self) -> tuple[str, str, str, str]:
        """Return the goal as a row of `goal_table`."""
        asked = "-"
        if self.most is not None:
            asked = f"at most {self.most:.3g}"
        elif self.least is not None:
            asked = f"{'above' if self.strict else 'at least'} {self.least:.3g}"
        return self.name, "-" if self.value is None else f"{self.value:.3g}", asked, "met" if self.met else "missed"

    def to_dict(self) -> dict[str, Any]:
        """Return the goal as JSON values."""
        return {"goal": self.name, "value": self.value, "least": self.least, "most": self.most, "met": self.met}


def goal_table(goals: Sequence[Goal]) -> list[tuple[str, ...]]:
    """Return goals as rows of text, with the titles above them."""
    return [("Goal", "Measured", "Asked", ""), *(goal.row() for goal in goals)]


def fail_unless_met(goals: Sequence[Goal]) -> None:
    """Fail if a goal is missed.

    Raises:
        S3NError: At least one is, and which.
    """
    if missed := [goal.name for goal in goals if not goal.met]:
        raise S3NError(f"{len(missed)} of {len(goals)} goals are missed: {'; '.join(missed)}.")
