"""Where the window's own files lie (icons, style, font, help): the checkout first, else the installed package."""

from __future__ import annotations

from pathlib import Path

from s3n_core.system.resources import find_resource


def resource(name: str) -> Path:
    """Return where a file or folder of the window lies.

    Args:
        name: Its place below ``resources/``, with forward slashes, for example ``"icons/play.svg"``.

    Returns:
        An existing path.

    Raises:
        s3n_core.errors.S3NError: Neither the checkout nor the installation holds it.
    """
    return find_resource(Path(__file__).resolve().parents[1], name)
