"""Numbers as options take them: with a decimal comma or point, and never with one that could be a separator of thousands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import typer

from s3n_core.system.number_texts import read_fraction, read_whole

_Number = TypeVar("_Number", int, float)


def whole(least: int | None = None, most: int | None = None) -> Callable[[str | int], int]:
    """Return the ``parser`` of an option that takes whole numbers from ``least`` to ``most``."""

    def parse(value: str | int) -> int:
        return _within(_read(read_whole, value) if isinstance(value, str) else value, least, most)

    return parse


def fraction(least: float | None = None, most: float | None = None) -> Callable[[str | float], float]:
    """Return the ``parser`` of an option that takes numbers from ``least`` to ``most``."""

    def parse(value: str | float) -> float:
        return _within(_read(read_fraction, value) if isinstance(value, str) else value, least, most)

    return parse


def _read(read: Callable[[str], _Number], value: str) -> _Number:
    try:
        return read(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _within(number: _Number, least: _Number | None, most: _Number | None) -> _Number:
    if (least is not None and number < least) or (most is not None and number > most):
        bounds = f"from {least} to {most}" if least is not None and most is not None else f"of at least {least}"
        raise typer.BadParameter(f"{number} is out of range; use a number {bounds}.")
    return number
