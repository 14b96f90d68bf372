"""All runs of a folder, whole and broken."""

from __future__ import annotations

from pathlib import Path

from s3n_core.errors import RunError
from s3n_core.runs.run_directory import RunDirectory, is_run
from s3n_core.runs.run_summary import RunSummary


def list_runs(root: Path) -> list[RunSummary]:
    """Return the runs in a folder of runs, newest first.

    Broken runs are among them, marked; folders that are no runs, hidden ones and files are not. A missing ``root``
    holds no runs.

    Raises:
        RunError: ``root`` is there and cannot be read.
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
