"""The bundled demo: images of synthetic birds, a model trained to tell them apart, and its training run.

It is in the engine's resources, since the command line also uses it.
"""

from __future__ import annotations

from pathlib import Path

from s3n_core.errors import S3NError
from s3n_core.system.resources import resource


def demo_model() -> Path:
    """Return the model file of the demo.

    Raises:
        s3n_core.errors.S3NError: It is not installed.
    """
    return resource("demo/model.safetensors")


def demo_images() -> Path:
    """Return the folder of the demo's images, one subfolder per class.

    Raises:
        s3n_core.errors.S3NError: It is not installed.
    """
    return resource("demo/images")


def demo_run() -> Path:
    """Return the folder of the run that trained the demo's model.

    Raises:
        s3n_core.errors.S3NError: It is not installed.
    """
    return resource("demo/runs/demo")


def is_demo_run(path: Path | None) -> bool:
    """Return whether a run is the demo's, whose folder belongs to the program."""
    try:
        return path is not None and path == demo_run()
    except S3NError:
        return False


def demo_inspection() -> Path:
    """Return the stored inspection of the demo's first image, which is shown until the engine has started.

    Raises:
        s3n_core.errors.S3NError: It is not installed.
    """
    return resource("demo/inspection.bin")


def demo_atlas() -> Path:
    """Return the portable copy of the demo's atlas: the parts of its images with its model.

    Raises:
        s3n_core.errors.S3NError: It is not installed.
    """
    return resource("demo/atlas")


def demo_is_installed() -> bool:
    """Return whether this installation has the demo's model and images."""
    try:
        return demo_model().is_file() and any(demo_images().rglob("*.jpg"))
    except S3NError:
        return False
