"""Locating bundled files: in ``resources/`` of a checkout, or inside the installed package.

The engine's only resolver; ``s3n_gui/appearance/resources.py`` does the same for the window's files.
"""

from __future__ import annotations

from pathlib import Path

from s3n_core.errors import S3NError


def resource(name: str) -> Path:
    """Return the path of a file or folder that is bundled with the engine.

    Args:
        name: Its path below ``resources/``, with forward slashes, for example ``"demo/model.safetensors"``.

    Returns:
        An existing path.

    Raises:
        S3NError: Neither the checkout nor the installation contains it.
    """
    return find_resource(Path(__file__).resolve().parents[1], name)


def find_resource(package: Path, name: str) -> Path:
    """Return the path of ``name`` for a package: in the checkout's ``resources/``, else in ``package/resources/``.

    Args:
        package: The package's folder.
        name: The path below ``resources/``, with forward slashes.

    Returns:
        An existing path.

    Raises:
        S3NError: It is in neither folder.
    """
    checkout, installed = package.parent, package / "resources"
    # An installed package is next to packages of other projects, one of which may be called "resources"; only a
    # checkout has a project file.
    folders = [checkout / "resources", installed] if (checkout / "pyproject.toml").is_file() else [installed]
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise S3NError(f"{folders[0] / name} is missing from this installation of S3N Studio; install it again.")
