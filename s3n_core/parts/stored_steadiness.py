"""The steadiness that an atlas keeps, ``steadiness.json``. Without torch."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas import Atlas
from s3n_core.parts.steadiness import Steadiness
from s3n_core.parts.stored_comparisons import parts_key
from s3n_core.system.atomic_files import read_bytes, write_json

FILE = "steadiness.json"
FORMAT, VERSION = "s3n-steadiness", 1


def keep_steadiness(atlas: Atlas, found: Steadiness) -> Path:
    """Keep what was measured with an atlas, in place of an earlier one.

    Returns:
        The file.

    Raises:
        OutputError: The file cannot be written.
    """
    path = atlas.path / FILE
    when = datetime.now(UTC).isoformat(timespec="seconds")
    record = {"format": FORMAT, "version": VERSION, "when": when, "parts_key": parts_key(atlas), **found.to_dict()}
    write_json(path, record)
    return path


def kept_steadiness(atlas: Atlas) -> Steadiness | None:
    """Return what an atlas keeps; None if it keeps nothing, or had other parts when that was measured.

    Raises:
        AtlasError: The file is damaged or of a newer version.
    """
    path = atlas.path / FILE
    if not path.exists():
        return None
    try:
        record = json.loads(read_bytes(path))
        if record["format"] != FORMAT or record["version"] > VERSION:
            raise ValueError("it is of a newer version of this program")
        return Steadiness.from_dict(record) if record["parts_key"] == parts_key(atlas) else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AtlasError(f"{path} cannot be read ({error}). Delete it and measure again.") from error
