"""Listing all runs in a folder."""

from __future__ import annotations

from pathlib import Path

from s3n_core.errors import RunError
from s3n_core.runs.run_directory import RunDirectory, is_run
from s3n_core.runs.run_summary import RunSummary


def list_runs(root: Path) -> list[RunSummary]:
    """Return the runs in a runs folder, newest first.

    Damaged runs are included, with the status "broken"; other folders, hidden ones and files are not. If ``root`` does
    not exist, there are no runs.

    Raises:
        RunError: ``root`` exists but cannot be read.
    """
    try:
        paths = [path for path in root.iterdir() if not path.name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(
            f"The runs folder {root} cannot be read ({error.strerror or error}); choose another one."
        ) from error
    found = [RunDirectory(path).summary() for path in paths if is_run(path)]
    return sorted(found, key=lambda run: (-run.created, run.name))
