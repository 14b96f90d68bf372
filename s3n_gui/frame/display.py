"""The check whether a window can be shown, and the sentence that says why not and what to install.

Qt aborts the process if its platform plug-in does not load, so on Linux the check runs in a separate process.
"""

from __future__ import annotations

import os
import subprocess
import sys

DEBIAN_PACKAGES = (
    "libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libx11-xcb1 libxcb-cursor0 "
    "libxcb-icccm4 libxcb-keysyms1 libxcb-randr0 libxcb-shape0 libxcb-sync1 libxcb-xfixes0"
)
"""What Qt needs on a minimal Debian or Ubuntu: the dependencies of its libraries and its xcb plug-in (by ``ldd``)."""

_OPEN_A_WINDOW = "from PySide6.QtWidgets import QApplication; QApplication([])"


def why_no_window(probe_seconds: float = 30.0) -> str | None:
    """Return why no window can be shown on this machine.

    Args:
        probe_seconds: How long Qt may take to start before it counts as failed.

    Returns:
        One sentence for the user, or None if a window can be shown.
    """
    if not sys.platform.startswith("linux"):
        return None  # Windows and macOS always have a display, and Qt's wheel contains all it needs there.
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        return _sentence("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)")
    if getattr(sys, "frozen", False):
        return None  # A frozen program has no interpreter to run the check.
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _OPEN_A_WINDOW],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=probe_seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return _sentence("Qt cannot start")
    return None if probe.returncode == 0 else _sentence(_reason(probe.stderr))


def _sentence(reason: str) -> str:
    return (
        f"The window cannot be opened: {reason}. On Debian or Ubuntu, install the packages it needs: apt-get install "
        f"{DEBIAN_PACKAGES}"
    )


def _reason(error_text: str) -> str:
    """Pick the line that names the cause out of the error output of Qt or Python."""
    lines = [line.strip() for line in error_text.splitlines() if line.strip()]
    for sign in ("cannot open shared object file", "No module named", "could not connect to display", "Could not load"):
        for line in reversed(lines):  # The cause comes last, after the traceback.
            if sign in line:
                return f"Qt cannot start ({line.removeprefix('ImportError: ').rstrip('.')})"
    return "Qt cannot start"
