"""Runs a job over images to its end, with progress, resuming and Ctrl+C."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Protocol, TypeVar

from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.progress import print_event, progress_bar


class Progress(Protocol):
    """Progress of a job over images, which can be stopped and resumed."""

    @property
    def done(self) -> int:
        """Images done so far."""

    @property
    def total(self) -> int:
        """Number of all images."""

    @property
    def resumed(self) -> int:
        """How many of them were already done when the job was resumed."""

    @property
    def finished(self) -> bool:
        """Whether everything is written."""


_Progress = TypeVar("_Progress", bound=Progress)


def follow(
    steps: Generator[_Progress, None, None], what: str, *, json: bool, note: Callable[[_Progress], str]
) -> _Progress:
    """Run a job to its end and return its last step.

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
        return f"Stopped after {last.done} of {last.total} images; run the same command to resume."

    with interruptible(kept), closing(steps), progress_bar(what, quiet=json) as bar:
        for last in steps:
            if last.done == last.resumed > 0 and not last.finished:
                say(f"Resuming: {last.resumed} of {last.total} images are already done.")
            bar(last.done, last.total, note(last))
            if json:
                print_event(last, "progress")
    assert last is not None
    return last
