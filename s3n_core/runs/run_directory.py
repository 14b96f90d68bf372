"""The folder of a run: its layout, and reading and writing its files.

The window, the command line and other machines share nothing about a training except this folder, so live, finished and
copied runs look the same. ``docs/reference/runs.md`` describes every file.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from s3n_core.errors import RunError, S3NError
from s3n_core.runs.earlier_versions import current_run
from s3n_core.runs.run_state import ACTIVE, RunState, RunStatus, ShownStatus, shown_status
from s3n_core.runs.run_summary import RunSummary
from s3n_core.system.atomic_files import output_error, read_bytes, remove_leftovers, write_json, write_text
from s3n_core.system.json_values import from_json, to_json
from s3n_core.system.locks import LOCK_NAME, is_live, is_training

__all__ = ["FORMAT_VERSION", "RunDirectory", "RunState", "RunStatus", "RunSummary", "ShownStatus", "is_live", "is_run"]

FORMAT = "s3n-run"
FORMAT_VERSION = 3

Pointer = Literal["last", "best"]


class RunDirectory:
    """The folder of one run.

    Attributes:
        path: The folder.
        run_json: The definition of the run: recipe, data, classes, seed, versions.
        split_csv: The split of each image (``datasets.splits``).
        metrics_jsonl: The metrics, one line per step or epoch (``metrics``).
        state_json: The current state of the training (``run_state``).
        control_json: The last order to the training (``control``).
        checkpoints: Folder of the checkpoints and the pointers ``last`` and ``best``.
        snapshots: Folder of the snapshots of the probe images.
        log_txt: The training process's log.
        lock: Held while a process trains the run or packs it (``system.locks``).
    """

    def __init__(self, path: Path) -> None:
        """Refer to the folder ``path``; nothing is read or created."""
        self.path = path
        self.run_json = path / "run.json"
        self.split_csv = path / "split.csv"
        self.metrics_jsonl = path / "metrics.jsonl"
        self.state_json = path / "state.json"
        self.control_json = path / "control.json"
        self.checkpoints = path / "checkpoints"
        self.snapshots = path / "snapshots"
        self.log_txt = path / "log.txt"
        self.lock = path / LOCK_NAME

    @classmethod
    def create(
        cls, path: Path, run: Mapping[str, Any], *, fill: Callable[[RunDirectory], None] | None = None
    ) -> RunDirectory:
        """Create a run's folder and its ``run.json``; where that fails or is interrupted, the folder is removed.

        Args:
            path: The folder; it must be empty or not exist (missing parents are created).
            run: Values for JSON; ``format``, ``format_version`` and ``created`` (Unix seconds) are added.
            fill: Writes the other files that every run has.

        Raises:
            RunError: The folder is a run or not empty.
            OutputError: It cannot be written.
        """
        directory = cls(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            cls.require_free(path)
            try:
                directory.checkpoints.mkdir()  # from here on the folder is this run's: of two at once, one fails here
            except FileExistsError:
                raise RunError(f"There is already a run with this name, {path}; choose another name.") from None
        except OSError as error:
            raise output_error(path, error) from error
        try:
            try:
                directory.snapshots.mkdir()
            except OSError as error:
                raise output_error(path, error) from error
            if fill is not None:
                fill(directory)
            # Last, so that a folder with a run.json is always a complete run.
            directory.write_run({"created": round(time.time(), 3), **run})
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)  # an incomplete run would block its name
            raise
        return directory

    @classmethod
    def require_free(cls, path: Path) -> None:
        """Refuse a folder that a new run cannot have.

        Raises:
            RunError: There is a run in the folder, or something else.
            OutputError: It cannot be read.
        """
        try:
            if cls(path).run_json.exists():
                raise RunError(
                    f"There is already a run with this name, {path}; resume it, move it to the trash, or choose "
                    "another name for the new run."
                )
            if path.is_dir() and any(path.iterdir()):
                raise RunError(f"The folder {path} is not empty; choose another name for the new run.")
        except OSError as error:
            raise output_error(path, error) from error

    def write_run(self, run: Mapping[str, Any]) -> None:
        """Replace ``run.json``; ``format`` and ``format_version`` are added.

        Raises:
            OutputError: It cannot be written.
        """
        write_json(self.run_json, {**run, "format": FORMAT, "format_version": FORMAT_VERSION})

    def read_run(self) -> dict[str, Any]:
        """Return the content of ``run.json``, with its recipe converted to this version.

        Raises:
            RunError: The file is missing, damaged, not of a run, or of a newer version.
        """
        remedy = "restore it from a backup, or delete the run"
        value = self._read_json(self.run_json, remedy)
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise RunError(f"{self.run_json} does not describe a run of this program; {remedy}.")
        version = value.get("format_version")
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise RunError(
                f"{self.run_json} was written by a newer version of this program ({version}); update to open it."
            )
        return current_run(value)

    def raise_version(self) -> None:
        """Set the version in ``run.json`` to this program's, before it writes into a run of an earlier version.

        Raises:
            RunError: The file cannot be read.
            OutputError: The file cannot be written.
        """
        run = self.read_run()
        if run["format_version"] != FORMAT_VERSION:
            self.write_run(run)

    def write_state(self, state: RunState, *, durable: bool = False) -> None:
        """Replace ``state.json``, with the current time in ``updated``.

        Args:
            state: The new state.
            durable: Flush it to the disk. Without this, it survives a killed process but perhaps not a power failure.

        Raises:
            OutputError: The file cannot be written; the previous state stays.
        """
        stamped = replace(state, updated=round(time.time(), 3))
        write_json(self.state_json, to_json(stamped), durable=durable)

    def read_state(self) -> RunState | None:
        """Return the last recorded state; None if there is none yet.

        Raises:
            RunError: The file is damaged.
        """
        if not self.state_json.exists():
            return None
        remedy = "delete this file; it is written again when the run is resumed"
        try:
            return from_json(RunState, self._read_json(self.state_json, remedy))
        except ValueError as error:
            raise RunError(f"{self.state_json} is broken ({error}); {remedy}.") from None

    def write_pointer(self, name: Pointer, checkpoint_name: str) -> None:
        """Point ``checkpoints/last`` or ``checkpoints/best`` to a checkpoint.

        Args:
            name: Name of the pointer.
            checkpoint_name: Name inside ``checkpoints``, without folders.

        Raises:
            OutputError: The pointer cannot be written; it keeps its previous value.
        """
        if not _is_plain_name(checkpoint_name):
            raise ValueError(f"not the name of a checkpoint: {checkpoint_name!r}")
        write_text(self.checkpoints / name, checkpoint_name + "\n")

    def read_pointer(self, name: Pointer) -> str | None:
        """Return the name of the checkpoint that a pointer names; None if the pointer does not exist.

        Raises:
            RunError: The pointer is damaged.
        """
        path = self.checkpoints / name
        try:
            text = read_bytes(path).decode("utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            text, reason = "", str(error)
        else:
            reason = "it does not contain the name of a checkpoint"
        if not _is_plain_name(text):
            remedy = f"write the name of a checkpoint of {self.checkpoints} into it, or delete it"
            raise RunError(f"{path} is broken ({reason}); {remedy}.")
        return text

    def remove_leftovers(self) -> int:
        """Remove temporary files of killed processes and return how many; call it only while holding the lock."""
        folders = (self.path, self.checkpoints, self.snapshots)
        return sum(remove_leftovers(folder) for folder in folders)

    def summary(self) -> RunSummary:
        """Summarise the run for a list; never raises: a damaged run has the status "broken"."""
        live = is_training(self.path)
        state: RunState | None = None
        run: dict[str, Any] = {}
        problem = ""
        try:
            run = self.read_run()
            state = self.read_state()
        except S3NError as error:
            problem = str(error)
        if not live and state is not None and state.status in ACTIVE:
            live = is_training(self.path)  # it may have started between the two checks
        created = run.get("created")
        return RunSummary(
            path=self.path,
            status="broken" if problem else shown_status(state, live),
            live=live,
            created=float(created) if isinstance(created, int | float) else _folder_time(self.path),
            state=state,
            run=run,
            problem=problem,
        )

    def _read_json(self, path: Path, remedy: str) -> Any:
        try:
            return json.loads(read_bytes(path))
        except FileNotFoundError:
            raise RunError(f"{path} is missing; {remedy}.") from None
        except OSError as error:
            raise RunError(
                f"{path} cannot be read ({error.strerror or error}); check the disk and permissions."
            ) from error
        except (ValueError, RecursionError):
            raise RunError(f"{path} is damaged (it is not JSON); {remedy}.") from None


def is_run(path: Path) -> bool:
    """Return whether the folder looks like a run, intact or damaged."""
    directory = RunDirectory(path)
    try:
        return directory.run_json.is_file() or (directory.checkpoints.is_dir() and directory.metrics_jsonl.is_file())
    except OSError:
        return False


def _is_plain_name(text: str) -> bool:
    return bool(text) and text not in {".", ".."} and not any(c in "/\\:\0" or c in "\r\n" for c in text)


def _folder_time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
