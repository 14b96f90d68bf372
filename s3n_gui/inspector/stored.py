"""Inspections in files: the demo shows one at once, before the engine has started."""

from __future__ import annotations

from pathlib import Path

from s3n_core.errors import S3NError
from s3n_core.inspection.inspection import Inspection
from s3n_core.server.codec import InspectionDecoder
from s3n_core.server.messages import read_message
from s3n_gui.state.demo import demo_inspection


def read_demo_inspection() -> Inspection | None:
    """Read the stored inspection of the first demo image; a test compares it with the demo model's own."""
    try:
        return read_inspection(demo_inspection())
    except S3NError:
        return None


def read_inspection(path: Path) -> Inspection | None:
    """Read an inspection; None if it is missing or of another version, since the engine delivers it soon after."""
    try:
        with path.open("rb") as file:
            message = read_message(file)
        return None if message is None else InspectionDecoder().decode(message)
    except (OSError, S3NError, ValueError, KeyError, TypeError):
        return None
