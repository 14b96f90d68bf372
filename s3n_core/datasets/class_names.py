"""Class names in the order of their ids, read from a text file or a data set."""

from __future__ import annotations

from pathlib import Path

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.readers.text_files import numbered_names, read_lines
from s3n_core.errors import DataSetError


def read_class_names(path: Path) -> tuple[str, ...]:
    """Read class names.

    Args:
        path: A text file with one name per line; or with one ``<class id> <name>`` per line in any order, as in
            `classes.txt` of CUB-200-2011; or a data set's folder.

    Returns:
        Names in the order of the class ids.

    Raises:
        DataSetError: The path does not exist, contains no names, or has two names for one id.
    """
    if path.is_dir():
        return open_data_set(path).classes
    if not path.is_file():
        raise DataSetError(f"There is no file of class names and no data set at {path}.")
    lines = list(read_lines(path))
    if not lines:
        raise DataSetError(f"{path} contains no class names: expected one per line.")
    names = numbered_names(lines)
    if names is None:
        return tuple(line.text for line in lines)
    return tuple(names[number] for number in sorted(names))
