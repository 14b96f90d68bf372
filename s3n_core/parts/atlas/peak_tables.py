"""An atlas's peaks as tables for other programs: CSV and COCO key points. Without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.method.weight_licences import COLUMN
from s3n_core.parts.atlas.atlas_files import SETS, AtlasImage
from s3n_core.system.atomic_files import open_atomic, write_json
from s3n_core.system.csv_tables import CsvWriter

PEAK_COLUMNS = ("image", "class", "split", "x", "y", "response", "set", "part", "contribution")


def peak_row(
    image: AtlasImage, x: float, y: float, response: float, of_set: int, part: str, contribution: float
) -> tuple[object, ...]:
    """Return a peak as a row of `PEAK_COLUMNS`; (x, y) in original pixels, the contribution in logits."""
    return (
        image.file,
        image.label or "",
        image.split or "",
        round(x, 1),
        round(y, 1),
        round(response, 4),
        SETS[of_set],
        part,
        float(f"{contribution:.6g}"),
    )


@contextmanager
def peak_table(
    path: Path, columns: tuple[str, ...], *, licence: str = "", excel: bool = False
) -> Iterator[Callable[[Sequence[object]], None]]:
    """Write a table of peaks, whole or not at all; yields what writes a row.

    Args:
        path: The table.
        columns: The names of its columns.
        licence: Content of a last column `COLUMN`; "": there is none.
        excel: Write a CSV for Excel.

    Raises:
        OutputError: The file cannot be written.
    """
    with open_atomic(path) as file:
        text = TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
        writer = CsvWriter(text, excel=excel)
        writer.write((*columns, COLUMN) if licence else columns)
        yield (lambda row: writer.write((*row, licence))) if licence else writer.write
        text.flush()
        text.detach()


def write_peaks(
    path: Path,
    places: NDArray[Any],
    part_of: NDArray[np.int64],
    images: Sequence[AtlasImage],
    names: Mapping[int, str],
    *,
    licence: str = "",
    excel: bool = False,
) -> None:
    """Write all peaks of an atlas as CSV.

    Args:
        path: The table.
        places: Peaks and drawn cells (`atlas_files.PLACE`), (n,).
        part_of: The part of each, (n,).
        images: The atlas's images.
        names: The name of each part.
        licence: As of `peak_table`.
        excel: Write a CSV for Excel.

    Raises:
        OutputError: The file cannot be written.
    """
    rows = np.flatnonzero(~np.asarray(places["background"]))
    peaks, parts = places[rows], part_of[rows].tolist()
    # Whole columns as Python's numbers: a row of a structured array at a time takes four times as long.
    columns = (peaks[name].tolist() for name in ("image", "x", "y", "response", "set", "contribution"))
    with peak_table(path, PEAK_COLUMNS, licence=licence, excel=excel) as write:
        for part, image, x, y, response, of_set, contribution in zip(parts, *columns, strict=True):
            write(peak_row(images[image], x, y, response, of_set, names[part], contribution))


def write_coco(
    path: Path,
    places: NDArray[Any],
    part_of: NDArray[np.int64],
    images: Sequence[AtlasImage],
    names: Mapping[int, str],
    *,
    notice: str = "",
) -> None:
    """Write the strongest peak of every part in every image as COCO key points (`Atlas.write_coco`).

    Args:
        path: The file.
        places: Peaks and drawn cells (`atlas_files.PLACE`), (n,).
        part_of: The part of each, (n,).
        images: The atlas's images.
        names: The name of each part that becomes a key point, in their order.
        notice: What is to be said of the licence of the model's weights; may be empty.

    Raises:
        OutputError: The file cannot be written.
    """
    peaks, parts = np.asarray(places), np.full(len(places), -1)
    for index, part in enumerate(names):
        parts[part_of == part] = index
    rows = np.flatnonzero(~peaks["background"] & (parts >= 0))
    # The strongest is written last, of equal ones the first.
    rows = rows[np.lexsort((-rows, peaks["response"][rows]))]
    points = np.zeros((len(images), len(names), 3))
    points[peaks["image"][rows], parts[rows], :2] = np.stack([peaks["x"][rows], peaks["y"][rows]], axis=-1)
    points[peaks["image"][rows], parts[rows], 2] = 2
    used = [number for number, image in enumerate(images) if not image.error]
    write_json(
        path,
        {
            **({"info": {"description": notice}} if notice else {}),
            "images": [
                {"id": number + 1, "file_name": image.file, "width": image.width, "height": image.height}
                for number, image in ((number, images[number]) for number in used)
            ],
            "categories": [{"id": 1, "name": "object", "keypoints": list(names.values()), "skeleton": []}],
            "annotations": [
                {
                    "id": number + 1,
                    "image_id": number + 1,
                    "category_id": 1,
                    "keypoints": [round(float(value), 2) for value in points[number].reshape(-1)],
                    "num_keypoints": int((points[number, :, 2] > 0).sum()),
                    "iscrowd": 0,
                    "bbox": [0, 0, images[number].width, images[number].height],
                    "area": images[number].width * images[number].height,
                }
                for number in used
            ],
        },
    )
