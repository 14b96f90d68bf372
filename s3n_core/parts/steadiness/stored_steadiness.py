"""The steadiness that an atlas keeps, ``steadiness.json``. Without torch.

Each part has a key, so that an edit of some parts leaves what was measured of the others as it is. A file of version 1 has one
key for all parts; what it says of parts that have not changed since is found through the journal of edits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.stored_comparisons import parts_key
from s3n_core.parts.steadiness.steadiness_result import Steadiness
from s3n_core.system.atomic_files import read_bytes, write_json

FILE = "steadiness.json"
FORMAT, VERSION = "s3n-steadiness", 2  # 1 had one key for all parts


def keep_steadiness(atlas: Atlas, found: Steadiness) -> Path:
    """Keep what was measured with an atlas, in place of an earlier one.

    Returns:
        The file.

    Raises:
        OutputError: The file cannot be written.
    """
    path, known = atlas.path / FILE, part_keys(atlas)
    keys = {one.part: known[one.part] for one in found.parts}
    when = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(path, {"format": FORMAT, "version": VERSION, "when": when, "keys": keys, **found.to_dict()})
    return path


def kept_steadiness(atlas: Atlas) -> Steadiness | None:
    """Return what an atlas keeps, of the parts that are as they were when it was measured; None if it keeps nothing.

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
        found, keys = Steadiness.from_dict(record), _keys(atlas, record)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AtlasError(f"{path} cannot be read ({error}). Delete it and measure again.") from error
    if keys is None:
        return None
    now = part_keys(atlas)
    return replace(found, parts=tuple(one for one in found.parts if now.get(one.part) == keys.get(one.part, "")))


def unmeasured_parts(atlas: Atlas, kept: Steadiness | None) -> list[int]:
    """Return the parts that are still to be measured, or again: those that lists show and ``kept`` does not tell of."""
    return sorted(part for part in atlas.listed if kept is None or kept.of(part) is None)


def part_keys(atlas: Atlas) -> dict[int, str]:
    """Return a key of each part, which changes with its peaks and with what makes peaks of other images its own.

    Moving a peak concerns the part that it leaves and the one that it goes to; merging and splitting only the parts they name.
    """
    peaks = np.flatnonzero(~np.asarray(atlas.places["background"]))
    of_peaks, made_of = atlas.part_of[peaks], atlas.parts.made_of()
    found = {}
    for part in atlas.parts.numbers:
        content = json.dumps([list(atlas.header.reach), atlas.header.centred, made_of[part]]).encode()
        rows = peaks[of_peaks == part].astype("<i8").tobytes()
        found[part] = hashlib.sha256(content + rows).hexdigest()[:16]
    return found


def _keys(atlas: Atlas, record: Mapping[str, Any]) -> dict[int, str] | None:
    """Return the keys of the parts when they were measured; None if the parts were others, such as before grouping anew."""
    if record["version"] > 1:
        return {int(part): str(key) for part, key in record["keys"].items()}
    for count in range(len(atlas.parts.edits), -1, -1):
        before = atlas.as_of(count)
        if parts_key(before) == record["parts_key"]:
            return part_keys(before)
    return None
