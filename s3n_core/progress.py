"""Progress of a job in a terminal or a notebook, for `s3n_core.api` and `s3n_core.model`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int], None] | bool | None
"""A function of (done, total); True or False shows or hides a bar; None shows one in a terminal or notebook."""


@contextmanager
def progress_bar(what: str, progress: Progress, *, late: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that reports the progress of a job: the caller's own, a bar on stderr, or one without effect.

    Args:
        what: What is being done.
        progress: The caller's choice.
        late: Show no bar before the first report: there may be nothing to do.
    """
    if callable(progress):
        yield progress
        return
    shown = (sys.stderr.isatty() or "ipykernel" in sys.modules) if progress is None else progress
    if not shown:
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as display:
        task = display.add_task(what, total=None, visible=not late)
        yield lambda done, total: display.update(task, completed=done, total=total, visible=True)
