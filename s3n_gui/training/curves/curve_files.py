"""Export of the curves: all metrics as CSV, and an image."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QPixmap

from s3n_core.system.atomic_files import write_bytes
from s3n_gui.training.curves.metric_series import MetricSeries


def curve_table(series: MetricSeries) -> str:
    """Return all metrics as CSV: one row per line of ``metrics.jsonl``, with empty cells for missing values."""
    left_out = {"kind", "warnings", "sampling", "best"}
    names = sorted(series.names() - left_out - {"epoch", "step", "batch"})
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["kind", "epochs", *names])
    places = series.step_places()
    columns = [series.step_values(name) for name in names]
    for row, place in enumerate(places):
        writer.writerow(["step", f"{place:.6g}", *(_text(column[row]) for column in columns)])
    epoch_columns = [series.epoch_values(name) for name in names]
    for row, place in enumerate(series.epoch_places()):
        writer.writerow(["epoch", f"{place:.6g}", *(_text(column[row]) for column in epoch_columns)])
    return text.getvalue()


def save_table(path: Path, series: MetricSeries) -> None:
    """Write ``curve_table``.

    Raises:
        OutputError: The file cannot be written.
    """
    write_bytes(path, curve_table(series).encode("utf-8"))


def save_picture(path: Path, picture: QPixmap) -> None:
    """Write a PNG.

    Raises:
        OutputError: The file cannot be written.
    """
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")
    buffer.close()
    write_bytes(path, bytes(data.data()))


def _text(value: float) -> str:
    return f"{value:.8g}" if np.isfinite(value) else ""
