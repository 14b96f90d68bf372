"""The values of an epoch as text: the most important ones, or all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ANSWERS = ("joint", "O", "D", "C")
_PARTS = (("training", ""), ("validation", "validation_"))
_TITLES = {"peaks": "peaks an image", "entropy": "entropy H", "beta_d": "beta_1", "beta_c": "beta_2"}


def epoch_lines(line: Mapping[str, Any]) -> list[str]:
    """Return the losses and accuracies of an epoch as a small table, and its health report."""
    numbers = _numbers(line)
    answers = [name for name in _ANSWERS if any(f"{prefix}accuracy_{name}" in numbers for _, prefix in _PARTS)]
    lines = [f"{_epoch(line):10}{'loss':>9}" + "".join(f"{name:>9}" for name in answers)]
    for title, prefix in _PARTS:
        if f"{prefix}loss" in numbers:
            shares = [numbers.get(f"{prefix}accuracy_{name}") for name in answers]
            cells = "".join(" " * 9 if share is None else f"{100 * share:7.1f} %" for share in shares)
            lines.append(f"{title:10}{numbers[f'{prefix}loss']:9.3f}{cells}")
    figures = [f"{title} {numbers[key]:.3g}" for key, title in _TITLES.items() if key in numbers]
    return [*lines, *([", ".join(figures)] if figures else []), *_notes(line)]


def every_figure(line: Mapping[str, Any]) -> list[str]:
    """Return every value of an epoch, one per line, and its health report."""
    figures = [f"  {key:32} {value:.4g}" for key, value in _numbers(line).items() if key != "epoch"]
    return [_epoch(line), *figures, *_notes(line)]


def _epoch(line: Mapping[str, Any]) -> str:
    epoch = line.get("epoch")
    return f"epoch {epoch + 1}" if isinstance(epoch, int) else "epoch ?"


def _numbers(line: Mapping[str, Any]) -> dict[str, float]:
    """Return the entries that are numbers; a run's files may have been damaged or edited."""
    return {key: value for key, value in line.items() if isinstance(value, int | float) and not isinstance(value, bool)}


def _notes(line: Mapping[str, Any]) -> list[str]:
    warnings = line.get("warnings")
    return [f"note: {warning}" for warning in warnings] if isinstance(warnings, list) else []
