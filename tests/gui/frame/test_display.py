"""The reason why no window can be shown: one sentence, never a crash."""

import subprocess
import sys

import pytest

from s3n_gui.frame import display


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(display.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def qt_ends_with(monkeypatch: pytest.MonkeyPatch, code: int, error_text: str) -> None:
    monkeypatch.setattr(
        display.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, code, "", error_text)
    )


def test_no_display(linux: pytest.MonkeyPatch) -> None:
    sentence = display.why_no_window()
    assert sentence is not None
    assert "DISPLAY" in sentence
    assert "\n" not in sentence
    assert sentence.endswith(f"apt-get install {display.DEBIAN_PACKAGES}")


@pytest.mark.parametrize(
    ("error_text", "reason"),
    [
        (
            "Traceback (most recent call last):\n  File ...\n"
            "ImportError: libEGL.so.1: cannot open shared object file: No such file or directory\n",
            "(libEGL.so.1: cannot open shared object file: No such file or directory)",
        ),
        (
            'qt.qpa.xcb: could not connect to display :7\nqt.qpa.plugin: Could not load the Qt platform plugin "xcb"\n',
            "(qt.qpa.xcb: could not connect to display :7)",
        ),
        ("", "Qt cannot start."),
    ],
)
def test_qt_does_not_start(linux: pytest.MonkeyPatch, error_text: str, reason: str) -> None:
    linux.setenv("DISPLAY", ":7")
    qt_ends_with(linux, -6, error_text)
    sentence = display.why_no_window()
    assert sentence is not None
    assert reason in sentence
    assert "\n" not in sentence


def test_qt_hangs(linux: pytest.MonkeyPatch) -> None:
    linux.setenv("DISPLAY", ":7")
    linux.setattr(display, "_OPEN_A_WINDOW", "import time; time.sleep(60)")
    assert "Qt cannot start" in (display.why_no_window(probe_seconds=0.2) or "")


def test_a_display_that_works(linux: pytest.MonkeyPatch) -> None:
    linux.setenv("DISPLAY", ":7")
    qt_ends_with(linux, 0, "")
    assert display.why_no_window() is None


def test_a_window_without_a_screen(linux: pytest.MonkeyPatch) -> None:
    """A chosen Qt platform (offscreen, vnc) is respected and really tried."""
    pytest.importorskip("PySide6.QtWidgets", reason="Qt does not load here", exc_type=ImportError)
    linux.setenv("QT_QPA_PLATFORM", "offscreen")
    assert display.why_no_window() is None


def test_other_systems_always_have_a_display(linux: pytest.MonkeyPatch) -> None:
    linux.setattr(sys, "platform", "darwin")
    assert display.why_no_window() is None
