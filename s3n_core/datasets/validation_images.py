"""Which validation images a run has: two validation accuracies can be compared only where they are the same."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from s3n_core.datasets.records import comparable_class
from s3n_core.errors import DataSetError, S3NError
from s3n_core.runs.metrics_reading import read_epochs
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_summary import RunSummary

OTHER_VALIDATION = "other validation images"
"""What is said of a run whose validation accuracy cannot be compared."""
OTHER_MARK = "≠"
"""Its short form, beside such an accuracy."""


def validation_fingerprint(images: Iterable[tuple[str, str]]) -> str:
    """Return a hash (16 hexadecimal digits) of a list of validation images; empty where there is none.

    Args:
        images: Name and class of each image, in any order.
    """
    lines = sorted(f"{name}\0{comparable_class(class_name)}\n\0" for name, class_name in images)
    if not lines:
        return ""
    return hashlib.blake2b("".join(lines).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def run_validation_fingerprint(path: Path, run: Mapping[str, Any]) -> str | None:
    """Return the fingerprint of a run's validation images.

    Args:
        path: The run's folder.
        run: The content of its ``run.json``. Where an earlier version wrote it, ``split.csv`` says which images they are.

    Returns:
        Empty for a run without validation images; None where it is not known.
    """
    kept = run.get("validation_images")
    if isinstance(kept, str):
        return kept
    split = RunDirectory(path).split_csv
    try:
        status = split.stat()
        return _of_split_file(split, status.st_mtime_ns, status.st_size)
    except (OSError, DataSetError):
        return None


def other_validation(runs: Sequence[RunSummary]) -> frozenset[Path]:
    """Return the runs of a list whose validation accuracy cannot be compared with that of most others on the same data set.

    Args:
        runs: The runs, newest first: where as many have these images as those, the newest decides.
    """
    known: dict[str, list[tuple[Path, str]]] = {}
    for run in runs:
        data = run.run.get("data")
        if run.state is None or run.state.best_accuracy is None or not isinstance(data, Mapping):
            continue
        if fingerprint := run_validation_fingerprint(run.path, run.run):
            known.setdefault(str(data.get("name", "")), []).append((run.path, fingerprint))
    others: set[Path] = set()
    for found in known.values():
        usual, _ = Counter(fingerprint for _, fingerprint in found).most_common(1)[0]  # ties: the first that was met
        others.update(path for path, fingerprint in found if fingerprint != usual)
    return frozenset(others)


@lru_cache(maxsize=256)
def _of_split_file(path: Path, changed: int, size: int) -> str:
    """Read the validation images of a split file; it is read again only where time or size have changed."""
    from s3n_core.datasets.splits import VALIDATION, read_split  # loads NumPy, not at the window's start

    return validation_fingerprint((row.name, row.class_name) for row in read_split(path) if row.part == VALIDATION)


def run_validation_count(path: Path) -> int | None:
    """Return the number of a run's validation images; None where it is not known.

    It is that of its ``split.csv``; where that is missing, the number that its last epoch has measured.

    Args:
        path: The run's folder.
    """
    run = RunDirectory(path)
    for file, count in ((run.split_csv, _count_of_split_file), (run.metrics_jsonl, _count_of_metrics)):
        try:
            status = file.stat()
            return count(file, status.st_mtime_ns, status.st_size)
        except (OSError, S3NError):
            continue
    return None


@lru_cache(maxsize=256)
def _count_of_split_file(path: Path, changed: int, size: int) -> int:
    from s3n_core.datasets.splits import VALIDATION, read_split  # loads NumPy, not at the window's start

    return sum(row.part == VALIDATION for row in read_split(path))


@lru_cache(maxsize=256)
def _count_of_metrics(path: Path, changed: int, size: int) -> int | None:
    epochs = read_epochs(path)
    count = epochs[-1].get("validation_images") if epochs else None
    return round(count) if isinstance(count, int | float) else None
