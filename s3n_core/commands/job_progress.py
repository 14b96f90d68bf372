"""Following a job over images to its end: a bar or objects, what an earlier job has left, and what Ctrl+C leaves."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Protocol, TypeVar

from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.progress import print_event, progress_bar


class Progress(Protocol):
    """How far a job over images is; one that was stopped goes on where it was."""

    @property
    def done(self) -> int:
        """Images behind it."""

    @property
    def total(self) -> int:
        """Images in all."""

    @property
    def resumed(self) -> int:
        """How many of them an earlier job had left."""

    @property
    def finished(self) -> bool:
        """Whether everything is written."""


_Progress = TypeVar("_Progress", bound=Progress)


def follow(
    steps: Generator[_Progress, None, None], what: str, *, json: bool, note: Callable[[_Progress], str]
) -> _Progress:
    """Let a job run to its end and return its last step.

    Args:
        steps: The job.
        what: What is being done ("Predicting").
        json: Print an object for each step, because a program reads.
        note: Returns what to write beside the bar.

    Raises:
        typer.Exit: If it was interrupted.
    """
    last: _Progress | None = None

    def kept() -> str:
        if last is None or not last.done:
            return "Stopped before the first image."
        return f"Stopped after {last.done} of {last.total} images; the same command goes on there."

    with interruptible(kept), closing(steps), progress_bar(what, quiet=json) as bar:
        for last in steps:
            if last.done == last.resumed > 0 and not last.finished:
                say(f"Going on after the {last.resumed} of {last.total} images that an earlier job has done.")
            bar(last.done, last.total, note(last))
            if json:
                print_event(last, "progress")
    assert last is not None
    return last
