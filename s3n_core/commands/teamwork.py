"""Runs a command in several processes started by torchrun: one of them prints, and if one fails, all end."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr

import typer

from s3n_core.commands.failures import ERROR
from s3n_core.errors import ProgramDefect, S3NError
from s3n_core.system.distributed import Team, join_team


@contextmanager
def working_together() -> Iterator[Team]:
    """Join the processes that torchrun started; a single process is a team of one.

    An error of any member becomes one sentence, said by the leader, and ends all of them.

    Yields:
        The team.

    Raises:
        typer.Exit: In a member whose error, or whose hearing of another's, is said by the leader.
    """
    team = join_team()
    try:
        with nullcontext() if team.leads else redirect_stderr(io.StringIO()):
            yield team
    except typer.Exit:
        team.leave()
        raise
    except BaseException as error:
        if team.leads and team.size > 1:
            _finish_speaking()
        if error is team.failure:
            if team.leads:
                team.heard()
            team.leave()
            if team.leads:
                raise
        elif team.fail(_as_said(error)):
            raise
        raise typer.Exit(ERROR) from None
    else:
        team.leave()
        if not team.leads:
            # Its work is done and it has nothing to write: torch's threads sometimes abort a process that is torn down slowly.
            os._exit(0)


def _finish_speaking() -> None:
    """Wait for the leader's last message, because torchrun ends all processes as soon as one of them ends."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _as_said(error: BaseException) -> S3NError:
    if isinstance(error, S3NError):
        return error
    return ProgramDefect(f"One of the processes failed: {type(error).__name__}: {' '.join(str(error).split())}.")
