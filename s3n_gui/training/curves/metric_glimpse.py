"""Some lines of a long ``metrics.jsonl``, evenly spread, so that there are curves to see while all of it is read. No Qt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from s3n_gui.training.curves.metric_series import LineBlock, block_of

LEAST_BYTES = 4 << 20
"""Files up to here are read at once: that takes a moment."""
_LINES, _STRETCH = 1000, 1 << 20
_EPOCH = b'{"kind":"epoch"'


def glimpse_of(path: Path) -> LineBlock | None:
    """Return about a thousand step lines and all epoch lines; None where the file is not that long."""
    try:
        if path.stat().st_size < LEAST_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    starts = {data.find(b"\n", index * len(data) // _LINES) + 1 for index in range(_LINES)} - {0}
    for begin in range(0, len(data), _STRETCH):  # Python's lock is let go of in between.
        place = data.find(_EPOCH, begin, begin + _STRETCH + len(_EPOCH))
        while place >= 0:
            starts.add(place)
            place = data.find(_EPOCH, place + 1, begin + _STRETCH + len(_EPOCH))
    lines = (_line(data[start : data.find(b"\n", start)]) for start in sorted(starts))
    return block_of(line for line in lines if line is not None)


def _line(row: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(row)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
