"""The values of an epoch as text: the most important ones, or all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3n_core.commands.text_tables import table_text
from s3n_core.evaluation.intervals import accuracy_share_text

_ANSWERS = ("joint", "O", "D", "C")
_PARTS = (("training", ""), ("validation", "validation_"))
_TITLES = {"peaks": "peaks an image", "entropy": "entropy H", "beta_d": "beta_1", "beta_c": "beta_2"}


def epoch_lines(line: Mapping[str, Any], validation_images: int | None = None) -> list[str]:
    """Return the losses and accuracies of an epoch as a small table, and its health report.

    Args:
        line: The epoch's line of the metrics.
        validation_images: Number of the run's validation images, for lines that do not hold it.
    """
    numbers = _numbers(line)
    answers = [name for name in _ANSWERS if any(f"{prefix}accuracy_{name}" in numbers for _, prefix in _PARTS)]
    parts = [(title, prefix) for title, prefix in _PARTS if f"{prefix}loss" in numbers]
    rows = [(_epoch(line), *(title for title, _ in parts))]
    rows.append(("loss", *(f"{numbers[f'{prefix}loss']:.3f}" for _, prefix in parts)))
    for name in answers:
        texts = (_accuracy(numbers, f"{prefix}accuracy_{name}", validation_images) for _, prefix in parts)
        rows.append((name, *texts))
    figures = [f"{title} {numbers[key]:.3g}" for key, title in _TITLES.items() if key in numbers]
    return [*table_text(rows).splitlines(), *([", ".join(figures)] if figures else []), *_notes(line)]


def every_figure(line: Mapping[str, Any], validation_images: int | None = None) -> list[str]:
    """Return every value of an epoch, one per line, accuracies with their interval, and its health report."""
    numbers = _numbers(line)
    figures = []
    for key, value in numbers.items():
        known = "accuracy_" in key and _accuracy(numbers, key, validation_images)
        if key != "epoch":
            figures.append(f"  {key:32} {value:.4g}{f'   {known}' if known else ''}")
    return [_epoch(line), *figures, *_notes(line)]


def _accuracy(numbers: Mapping[str, float], key: str, validation_images: int | None) -> str:
    """Return the text of one of an epoch's accuracies."""
    validation = key.startswith("validation_")
    images = numbers.get("validation_images" if validation else "images", validation_images if validation else None)
    return accuracy_share_text(numbers.get(key), None if images is None else round(images))


def _epoch(line: Mapping[str, Any]) -> str:
    epoch = line.get("epoch")
    return f"epoch {epoch + 1}" if isinstance(epoch, int) else "epoch ?"


def _numbers(line: Mapping[str, Any]) -> dict[str, float]:
    """Return the entries that are numbers; a run's files may have been damaged or edited."""
    return {key: value for key, value in line.items() if isinstance(value, int | float) and not isinstance(value, bool)}


def _notes(line: Mapping[str, Any]) -> list[str]:
    warnings = line.get("warnings")
    return [f"note: {warning}" for warning in warnings] if isinstance(warnings, list) else []
