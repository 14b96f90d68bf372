"""From an exception to one sentence and an exit code."""

from __future__ import annotations

import json as json_format
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer

from s3n_core.errors import ProgramDefect, S3NError, WrongArguments

ERROR, USAGE, DEFECT, INTERRUPTED = 1, 2, 70, 130


def exit_code_of(error: BaseException, *, json: bool = False) -> int:
    """Print an error and return the exit code for it.

    Args:
        error: What ended the command.
        json: Also print a failure for other programs: ``{"event": "failed", "code": ..., "message": ..., fields}`` is then the
            last line of the output. Being stopped is not a failure.
    """
    if isinstance(error, KeyboardInterrupt):
        say("Stopped.")
        return INTERRUPTED
    if isinstance(error, S3NError):
        return _failed(error, ERROR, json=json)
    if isinstance(error, BrokenPipeError):
        # Whoever read the output has left (`s3n runs list | head`); a second complaint at exit would reach nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    # Of the library that reads the arguments, whose class for this has moved between its versions.
    read_message = getattr(error, "format_message", None)
    if read_message is not None:
        return _wrong_arguments(error, str(read_message()), json=json)
    place = _log_traceback(error)
    where = f" Please report it; the traceback is in {place}." if place else ""
    sentence = f"This is a bug in the program: {type(error).__name__}: {' '.join(str(error).split())}.{where}"
    return _failed(ProgramDefect(sentence), DEFECT, json=json)


@contextmanager
def interruptible(last_word: Callable[[], str]) -> Iterator[None]:
    """On Ctrl+C, end the block with a sentence that says what is kept and how to resume.

    Raises:
        typer.Exit: With the exit code of an interruption.
    """
    try:
        yield
    except KeyboardInterrupt:
        say(last_word())
        raise typer.Exit(INTERRUPTED) from None


def say(sentence: str) -> None:
    """Write a sentence to the standard error stream."""
    print(sentence, file=sys.stderr, flush=True)


def _failed(error: S3NError, code: int, *, json: bool) -> int:
    said = error.to_dict()
    said["message"] = " ".join(said["message"].split())
    say(f"Error: {said['message']}")
    if json:
        with suppress(BrokenPipeError):
            print(json_format.dumps({"event": "failed", **said}), flush=True)
    return code


def _wrong_arguments(error: BaseException, message: str, *, json: bool) -> int:
    context = getattr(error, "ctx", None)
    command = "s3n" if context is None else context.command_path
    if type(error).__name__ == "NoArgsIsHelpError":  # a command that only groups others, given without one of them
        say(message)
        return USAGE
    sentence = " ".join(message.split())
    wrong = WrongArguments(f"{sentence}{'' if sentence.endswith(('.', '?')) else '.'} See `{command} --help`.")
    return _failed(wrong, int(getattr(error, "exit_code", USAGE)), json=json)


def _log_traceback(error: BaseException) -> Path | None:
    import logging.handlers

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
