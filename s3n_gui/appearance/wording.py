"""Formatting of numbers and names: always with units, three significant digits, in English whatever the locale."""

from __future__ import annotations

import contextlib
import html
import re
import time
from pathlib import Path

from s3n_core.errors import DataChanged, S3NError, UnfinishedOutput, WeightsMissing
from s3n_core.inspection.number_text import probability_text


def duration_text(seconds: float) -> str:
    """Return a duration as text: "a moment", "40 s", "12 min", "2.1 h", "3.5 days"."""
    if seconds < 1:
        return "a moment"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"


def left_text(seconds: float | None) -> str:
    """Return a remaining time as text: "2.1 h left"; empty if unknown."""
    return "" if seconds is None else f"{duration_text(seconds)} left"


def count_text(number: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun: "1 image", "543 images", "100,000 images"."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def percent_text(share: float) -> str:
    """Return a share in [0, 1] as "87.3 %"; see `probability_text`, which never rounds to none or all."""
    return probability_text(share)


def ago_text(moment: float, now: float | None = None) -> str:
    """Return a time as text: "just now", "5 min ago", "today 14:05", "yesterday", "12 Mar 2026".

    Args:
        moment: The time in Unix seconds.
        now: The current time in Unix seconds; read from the clock by default.
    """
    now = time.time() if now is None else now
    passed = now - moment
    if passed < 90:
        return "just now"
    if passed < 3600:
        return f"{passed / 60:.0f} min ago"
    try:
        then, today = time.localtime(moment), time.localtime(now)
    except (OverflowError, ValueError, OSError):  # a damaged file may contain any number
        return "at an unknown time"
    if then[:3] == today[:3]:
        return f"today {then.tm_hour:02}:{then.tm_min:02}"
    if passed < 36 * 3600:
        return "yesterday"
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{then.tm_mday} {months[then.tm_mon - 1]} {then.tm_year}"


def place_text(path: Path, most: int = 48) -> str:
    """Return a path of at most ``most`` characters, with ``~`` for the home folder and "…" in the middle."""
    text = str(path)
    with contextlib.suppress(ValueError, RuntimeError):
        text = str(Path("~") / path.relative_to(Path.home()))
    if len(text) <= most:
        return text
    return text[: most // 3] + "…" + text[len(text) - (most - most // 3 - 1) :]


def error_text(error: S3NError) -> str:
    """Return the message of an error; where the engine's names a command option, the window's names a button."""
    match error:
        case DataChanged():
            return (
                f"{change_text(error)} Restore the data set, start a new run, or click Resume to continue anyway: "
                "added images are not used, missing ones are skipped, and the classes stay the same."
            )
        case UnfinishedOutput():
            return f'{error.path} contains {error.content}. Click "Start over" to replace it, or finish that job first.'
        case WeightsMissing():
            return (
                f"The pretrained weights of {error.backbone} are not on this machine. Get them with Backbones and weights… "
                "below the field Backbone, or choose others."
            )
    return str(error)


def change_text(error: DataChanged) -> str:
    """Return a sentence about how a run's data set has changed."""
    return f"The data set {error.root} has changed since this run began: {'; '.join(error.changes)}."


def breakable_text(text: str) -> str:
    """Return a text with addresses, paths or long names that a label can break after each of their separators."""
    return re.sub(r"([/\\_.])(?=\S)", "\\1\u200b", text)  # a space of no width


def label_text(name: str) -> str:
    """Return a name as the text of a button, menu entry, tab or tick box: Qt takes a single ``&`` for a key's mark."""
    return name.replace("&", "&&")


def tip_text(text: str) -> str:
    """Return a text that contains names as a tooltip: Qt takes a text that looks like HTML for HTML."""
    if "<" not in text and "&" not in text:
        return text
    return f"<qt>{html.escape(text, quote=False).replace(chr(10), '<br>')}</qt>"
