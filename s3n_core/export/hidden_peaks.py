"""An exported image's hidden peaks (`hide_peaks`) in files and in a table of all images. Does not import torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.peak import Peak
from s3n_core.method.weight_licences import WeightLicence, column_of
from s3n_core.system.csv_tables import write_csv

HIDDEN_TABLE = "hidden_peaks.csv"
"""The name of the table of all hidden peaks in the output folder."""

_COLUMNS = (
    "file",
    "x",
    "y",
    "response",
    "set",
    "class",
    "probability",
    "probability_hidden",
    "margin",
    "margin_hidden",
    "margin_change",
    "control_median",
    "control_low",
    "control_high",
    "stronger_than",
    "controls",
    "hidden_class",
    "fill",
    "size",
    "region",
    "error",
)


@dataclass(frozen=True)
class HiddenPeaks:
    """The strongest peaks of an image, each hidden.

    Attributes:
        peaks: The peaks, strongest first.
        hidden: One result per peak; empty if there is none.
        error: Why there is no result; otherwise empty.
    """

    peaks: tuple[Peak, ...] = ()
    hidden: tuple[HiddenPlace, ...] = ()
    error: str = ""

    def to_dict(self) -> list[dict[str, Any]]:
        """Return one JSON object per hidden peak: the peak, and `HiddenPlace.to_dict`."""
        return [
            {
                "peak": {
                    "x": peak.x, "y": peak.y, "row": peak.cell[0], "column": peak.cell[1], "response": peak.response,
                    "set": peak.set,
                },
                **hidden.to_dict(),
            }
            for peak, hidden in zip(self.peaks, self.hidden, strict=True)
        ]  # fmt: skip

    def content(self, name: str) -> bytes:
        """Return the content of an image's JSON file."""
        values = {"name": name, "error": self.error, "peaks": self.to_dict()}
        return (json.dumps(values, indent=1) + "\n").encode("ascii")


def write_hidden_table(
    path: Path, files: Iterable[Path], *, licence: WeightLicence | None = None, excel: bool = False
) -> None:
    """Write the table of all hidden peaks as CSV, from the JSON files of the images in order.

    Args:
        path: The table, replaced atomically.
        files: The JSON files.
        licence: That of the weights that the model began with, if a person must be told: the last column; else None.
        excel: Write the table for Excel, see `csv_tables`.

    Raises:
        OutputError: The table cannot be written.
    """
    last = column_of([] if licence is None else [licence])
    rows = ((*row, *last.values()) for file in files for row in _rows(file))
    write_csv(path, (*_COLUMNS, *last), rows, excel=excel)


def _rows(file: Path) -> Iterator[Sequence[object]]:
    values = json.loads(file.read_bytes())
    if values["error"]:
        yield (values["name"], *[""] * (len(_COLUMNS) - 2), values["error"])
    for entry in values["peaks"]:
        yield _row(values["name"], entry)


def _row(name: str, entry: dict[str, Any]) -> Sequence[object]:
    peak, predicted = entry["peak"], entry["classes"][0]
    answer = predicted["branches"].get("joint") or predicted["branches"]["O"]
    probability, margin = answer["probability"], answer["margin"]
    numbers = (probability["before"], probability["after"], margin["before"], margin["after"], margin["change"])
    controls = (margin["control_median"], margin["control_low"], margin["control_high"])
    return (
        name,
        round(peak["x"], 1),
        round(peak["y"], 1),
        _digits(peak["response"]),
        peak["set"],
        predicted["class"],
        *(_digits(number) for number in (*numbers, *controls)),
        margin["stronger_than"],
        margin["of"],
        entry["hidden_prediction"],
        entry["settings"]["fill"],
        _digits(entry["settings"]["size"]),
        entry["region"],
        "",
    )


def _digits(number: float) -> float:
    """Round to six significant digits; a number, because a table for Excel changes text that begins with a minus."""
    return float(f"{number:.6g}")
