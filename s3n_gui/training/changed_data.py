"""What the engine says where a run's data set has changed, in words of the window: an option there is a button here."""

from __future__ import annotations

import re

_REMEDY = re.compile(r" Put it back, [^.]*--changed-data\. ")


def told_changes(sentence: str) -> str | None:
    """Return what has changed, if that is what kept a training from going on; else None."""
    found = _REMEDY.search(sentence)
    return None if found is None else sentence[: found.start()]


def as_here(sentence: str) -> str:
    """Return a sentence with the window's remedy in place of the command's option; any other one as it is."""
    remedy = " Put it back, start a new run, or press Resume and go on all the same. "
    return _REMEDY.sub(remedy, sentence)
