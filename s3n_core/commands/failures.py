"""From an exception to one sentence and an exit code."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
from pathlib import Path

from s3n_core.errors import S3NError

ERROR, DEFECT, INTERRUPTED = 1, 70, 130


def exit_code_of(error: BaseException) -> int:
    """Say an error to the person and return the exit code that it ends the program with."""
    if isinstance(error, KeyboardInterrupt):
        say("Stopped.")
        return INTERRUPTED
    if isinstance(error, S3NError):
        say(f"Error: {' '.join(str(error).split())}")
        return ERROR
    if isinstance(error, BrokenPipeError):
        # Whoever read the output has left (`s3n runs list | head`); a second complaint at exit would reach nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    place = _log_traceback(error)
    where = f" Its traceback is in {place}; please report it." if place else ""
    say(f"Error: the program has a defect: {type(error).__name__}: {' '.join(str(error).split())}.{where}")
    return DEFECT


def say(sentence: str) -> None:
    """Write a sentence to the standard error stream."""
    print(sentence, file=sys.stderr, flush=True)


def _log_traceback(error: BaseException) -> Path | None:
    from s3n_core.runs.locations import home

    try:
        path = home() / "logs" / "s3n.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=1_000_000, backupCount=3, encoding="utf-8")
        record = logging.LogRecord("s3n_core", logging.ERROR, __file__, 0, "a command ended by a defect", None, None)
        record.exc_info = (type(error), error, error.__traceback__)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handler.emit(record)
        handler.close()
    except (OSError, S3NError):
        return None
    return path
