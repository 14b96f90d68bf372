"""The initial weights that a run has brought along from another machine, in its own folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s3n_core.errors import ModelFileError, ModelNotFound, RunError
from s3n_core.runs.model_paths import file_sha256

FIELD = "weights"
"""The field of ``run.json`` that names the file."""

FOLDER = "weights"
"""The folder inside a run's that holds it."""


@dataclass(frozen=True, slots=True)
class JobWeights:
    """A weight file inside a run's folder, which replaces the one that the recipe names.

    Attributes:
        file: The file.
        sha256: SHA-256 of its content, 64 hexadecimal digits.
        origin: Where they come from, as the machine that packed the job knew it (`method.weight_origins`); empty in a job of an
            earlier version.
    """

    file: Path
    sha256: str
    origin: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Check that the file is there and whole.

        Raises:
            ModelNotFound: The file is missing.
            ModelFileError: It cannot be read, or its content is not what the job held.
        """
        remedy = "unpack the job again"
        try:
            found = file_sha256(self.file)
        except FileNotFoundError:
            raise ModelNotFound(
                f"The initial weights of this run, {self.file}, are missing; {remedy}.", path=self.file
            ) from None
        except OSError as error:
            raise ModelFileError(f"{self.file} cannot be read ({error.strerror or error}); {remedy}.") from error
        if found != self.sha256:
            raise ModelFileError(
                f"{self.file} is damaged: its SHA-256 is {found[:16]}..., not {self.sha256[:16]}...; {remedy}."
            )


def job_weights(folder: Path, run: Mapping[str, Any]) -> JobWeights | None:
    """Return the weights that a run has brought along; None if it uses those that its recipe names.

    Args:
        folder: The run's folder.
        run: The content of its ``run.json``.

    Raises:
        RunError: The field is damaged.
    """
    value = run.get(FIELD)
    if value is None:
        return None
    if isinstance(value, Mapping) and isinstance(value.get("sha256"), str) and isinstance(value.get("file"), str):
        name: str = value["file"]
        if name not in ("", ".", "..") and not any(character in name for character in "/\\:\0"):
            return JobWeights(folder / FOLDER / name, value["sha256"], texts_of(value.get("origin")))
    raise RunError(f"The field {FIELD} of {folder / 'run.json'} is damaged; unpack the job again.")


def texts_of(value: object) -> dict[str, str]:
    """Return the texts of a JSON object by name; what is no object is empty, and what is no text is left out."""
    if not isinstance(value, Mapping):
        return {}
    return {str(name): text for name, text in value.items() if isinstance(text, str)}
