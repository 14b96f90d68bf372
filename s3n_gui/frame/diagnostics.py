"""Versions and system as text for a bug report; nothing about the user's data except the paths of folders."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from functools import lru_cache

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication

from s3n_core.runs.locations import home
from s3n_core.system.processes import usable_cores
from s3n_core.version import __version__
from s3n_gui.frame.log import log_folder
from s3n_gui.state.settings import SETTINGS, Settings

_PACKAGES = (
    "torch", "torchvision", "numpy", "pillow", "opencv-python-headless", "PySide6-Essentials", "pyqtgraph",
    "matplotlib", "safetensors", "pydantic", "typer", "scikit-learn", "psutil", "filelock", "platformdirs",
)  # fmt: skip


@lru_cache(maxsize=1)
def package_versions() -> dict[str, str]:
    """Return the versions of the program's dependencies, from their metadata, without importing them."""
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def diagnostics(settings: Settings, device: str = "") -> str:
    """Return the text that "Copy diagnostics" copies.

    Args:
        settings: The settings; only those that differ from the default are listed.
        device: The engine's description of the device; empty if not known yet.
    """
    import psutil

    screens = ", ".join(
        f"{s.size().width()}x{s.size().height()} at {s.devicePixelRatio():g}" for s in QGuiApplication.screens()
    )
    changed = {name: settings.value(name) for name, s in SETTINGS.items() if settings.value(name) != s.default}
    lines = [
        f"S3N Studio {__version__}",
        f"Python {platform.python_version()} ({sys.executable})",
        f"System: {platform.platform()}, {platform.machine()}",
        f"Cores: {usable_cores()}, memory: {psutil.virtual_memory().total / 2**30:.1f} GB",
        f"Device: {device or 'not known yet'}",
        f"Qt {qVersion()} on {QGuiApplication.platformName()}; screens: {screens}",
        f"Data folder: {home()}",
        f"Runs: {settings.runs_root}",
        f"Log: {log_folder()}",
        f"Changed settings: {changed or 'none'}",
        *(f"{name} {version}" for name, version in package_versions().items()),
    ]
    return "\n".join(lines) + "\n"
