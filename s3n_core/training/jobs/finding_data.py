"""Finding the data set of a run on another machine: by the names and sizes of its images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from s3n_core.errors import DataChanged, DataSetNotFound
from s3n_core.training.changed_data import change_clause
from s3n_core.training.jobs.job_file import ListedImage

_DEEPEST = 3  # levels below the folder that a person names
_MOST_FOLDERS = 5000  # that are looked into


def find_data(folder: Path, listed: Sequence[ListedImage], run_name: str) -> Path:
    """Return the data set's folder: the one that was named, or one in it, that has all images of a run in their sizes.

    Args:
        folder: The folder that a person names.
        listed: The images that the run uses.
        run_name: The run's name, for messages.

    Raises:
        DataSetNotFound: There is no such folder, or none of the images is in it.
        DataChanged: Some images are missing or have another size.
    """
    if not folder.is_dir():
        raise DataSetNotFound(f"There is no folder {folder}; name the folder of the data set (--data).", path=folder)
    best: tuple[list[str], list[str]] | None = None
    for candidate in _candidates(folder.resolve(), listed):
        missing, resized = differences(candidate, listed)
        if not missing and not resized:
            return candidate
        if len(missing) < len(listed) and (best is None or len(missing) + len(resized) < len(best[0]) + len(best[1])):
            best = missing, resized
    if best is None:
        raise DataSetNotFound(
            f"None of the {len(listed)} images of the run {run_name} is in {folder} (such as {listed[0].name}); name the "
            "folder of its data set (--data), or pack the job with --images.",
            path=folder,
        )
    kinds = ((best[0], "missing"), (best[1], "of another size"))
    changes = tuple(change_clause(names, word) for names, word in kinds if names)
    raise DataChanged(
        f"{folder} is not the data set of the run {run_name}: {'; '.join(changes)}. Copy it again, name another folder "
        "(--data), or pack the job with --images.",
        root=folder,
        changes=changes,
    )


def differences(root: Path, listed: Sequence[ListedImage]) -> tuple[list[str], list[str]]:
    """Return the names of the images that are missing in a folder, and of those that have another size."""
    missing: list[str] = []
    resized: list[str] = []
    for image in listed:
        try:
            size = os.stat(root / image.name).st_size
        except (OSError, ValueError):
            missing.append(image.name)
        else:
            if image.bytes is not None and size != image.bytes:
                resized.append(image.name)
    return missing, resized


def _candidates(folder: Path, listed: Sequence[ListedImage]) -> Iterator[Path]:
    """Yield the folder, and those below it that have the first image, the shallowest first."""
    yield folder
    if not listed:
        return
    level, seen = [folder], 0
    for _ in range(_DEEPEST):
        deeper: list[Path] = []
        for above in level:
            for path in _folders(above):
                seen += 1
                if seen > _MOST_FOLDERS:
                    return
                deeper.append(path)
                if any((path / image.name).is_file() for image in (listed[0], listed[-1])):
                    yield path
        level = deeper


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError:
        return []
