"""Where the files that come with the program lie: in ``resources/`` of a checkout, or copied into the package.

The one resolver of the engine; ``s3n_gui/appearance/resources.py`` asks the same question for the window's own files.
"""

from __future__ import annotations

from pathlib import Path

from s3n_core.errors import S3NError


def resource(name: str) -> Path:
    """Return where a file or folder that comes with the engine lies.

    Args:
        name: Its place below ``resources/``, with forward slashes, for example ``"demo/model.safetensors"``.

    Returns:
        An existing path.

    Raises:
        S3NError: Neither the checkout nor the installation holds it.
    """
    return find_resource(Path(__file__).resolve().parents[1], name)


def find_resource(package: Path, name: str) -> Path:
    """Return where ``name`` lies for one package: the checkout's ``resources/`` first, else ``package/resources/``.

    Args:
        package: The folder of the package that asks.
        name: The place below ``resources/``, with forward slashes.

    Returns:
        An existing path.

    Raises:
        S3NError: It is in neither place.
    """
    checkout, installed = package.parent, package / "resources"
    # Beside an installed package lie other people's packages: a folder there that happens to be called "resources" is
    # ours only in a checkout, which its project file tells.
    folders = [checkout / "resources", installed] if (checkout / "pyproject.toml").is_file() else [installed]
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise S3NError(f"{folders[0] / name} is missing from this installation of S3N Studio; install it again.")
