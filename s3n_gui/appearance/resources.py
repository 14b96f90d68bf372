"""The paths of the window's own files (icons, style, font, help), in the checkout or in the installed package."""

from __future__ import annotations

from pathlib import Path

from s3n_core.system.resources import find_resource


def resource(name: str) -> Path:
    """Return the path of a file or folder of the window.

    Args:
        name: Its path below ``resources/``, with forward slashes, for example ``"icons/play.svg"``.

    Returns:
        An existing path.

    Raises:
        s3n_core.errors.S3NError: Neither the checkout nor the installation contains it.
    """
    return find_resource(Path(__file__).resolve().parents[1], name)
