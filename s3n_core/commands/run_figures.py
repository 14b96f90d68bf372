"""The figures of an epoch for a person: the few that matter first, or all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ANSWERS = ("joint", "O", "D", "C")
_PARTS = (("training", ""), ("held out", "held_out_"))


def epoch_lines(line: Mapping[str, Any]) -> list[str]:
    """Return the losses and accuracies of an epoch as a small table, and its health report."""
    answers = [name for name in _ANSWERS if any(f"{prefix}accuracy_{name}" in line for _, prefix in _PARTS)]
    title = f"epoch {int(line.get('epoch', 0)) + 1}"
    lines = [f"{title:10}{'loss':>9}" + "".join(f"{name:>9}" for name in answers)]
    for title, prefix in _PARTS:
        if f"{prefix}loss" in line:
            shares = [line.get(f"{prefix}accuracy_{name}") for name in answers]
            cells = "".join(" " * 9 if share is None else f"{100 * share:7.1f} %" for share in shares)
            lines.append(f"{title:10}{line[f'{prefix}loss']:9.3f}{cells}")
    figures = [
        f"{title} {line[key]:.3g}"
        for title, key in (
            ("peaks an image", "peaks"),
            ("entropy H", "entropy"),
            ("beta_1", "beta_d"),
            ("beta_2", "beta_c"),
        )
        if key in line
    ]
    if figures:
        lines.append(", ".join(figures))
    return lines + _notes(line)


def every_figure(line: Mapping[str, Any]) -> list[str]:
    """Return every number of an epoch, a line each, and its health report."""
    numbers = {key: value for key, value in line.items() if isinstance(value, int | float) and key != "epoch"}
    lines = [f"epoch {int(line.get('epoch', 0)) + 1}"]
    lines += [f"  {key:32} {value:.4g}" for key, value in numbers.items() if not isinstance(value, bool)]
    return lines + _notes(line)


def _notes(line: Mapping[str, Any]) -> list[str]:
    return [f"note: {warning}" for warning in line.get("warnings", [])]
