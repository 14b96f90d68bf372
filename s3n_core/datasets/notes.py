"""Notes about a data set: small JSON files in the program's own folder, one per kind and data set.

The data set's folder is never written to, so it may be read-only. A note belongs to the folder's resolved path.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from s3n_core.errors import DataSetError
from s3n_core.runs.locations import home
from s3n_core.system.atomic_files import output_error, write_json

_VERSION = 2  # version 1 called the validation split "held-out"


def note_file(kind: str, root: Path) -> Path:
    """Return the path of a data set's note of one kind; it need not exist."""
    resolved = str(root.resolve())
    key = hashlib.blake2b(resolved.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()
    return home() / kind / f"{key}.json"


def read_note(kind: str, root: Path) -> dict[str, Any] | None:
    """Read a note; None if there is none.

    Raises:
        DataSetError: The file cannot be read or is not a note; the message names the file.
    """
    path = note_file(kind, root)
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("it does not contain a JSON object")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise DataSetError(f"{path} cannot be read ({error})") from error
    return content


def write_note(kind: str, root: Path, content: Mapping[str, Any]) -> None:
    """Replace a note; empty content removes it.

    Raises:
        OutputError: The note cannot be written.
    """
    path = note_file(kind, root)
    try:
        if not content:
            with suppress(FileNotFoundError):
                path.unlink()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(path, error) from error
    write_json(path, {"version": _VERSION, "root": str(root.resolve()), **content})
