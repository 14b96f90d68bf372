"""The real program under a real X server: screen contents, keys, and exit."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s3n_gui.frame.display import why_no_window

CHECKOUT = Path(__file__).resolve().parents[3]
SCREEN = (1280, 800)
THUMBNAILS = 250  # pixels at the left that the thumbnails and the list of pages take at most
PATIENCE = 120.0
STILL = 4  # seconds
NEEDED = ("Xvfb", "xdotool")
MISSING = [name for name in NEEDED if shutil.which(name) is None]

pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"no X server to draw on ({', '.join(MISSING)}): apt-get install xvfb xdotool"
)


@dataclass(frozen=True)
class Screen:
    """A virtual screen."""

    display: str
    frame_buffer: Path

    def picture(self) -> np.ndarray:
        """Return a screenshot, uint8 (height, width, 3), from the server's file in X window dump format."""
        content = self.frame_buffer.read_bytes()
        head = struct.unpack(">25I", content[:100])
        size, width, height, row_bytes, colours = head[0], head[4], head[5], head[12], head[19]
        rows = np.frombuffer(content, np.uint8, height * row_bytes, size + 12 * colours).reshape(height, row_bytes)
        return rows[:, : 4 * width].reshape(height, width, 4)[:, :, 2::-1].copy()

    def do(self, *words: str) -> str:
        """Send input with ``xdotool`` and these arguments."""
        hand = {**os.environ, "DISPLAY": self.display}
        done = subprocess.run(
            ["xdotool", *words], env=hand, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        return done.stdout.strip()

    def titles(self) -> list[str]:
        windows = self.do("search", "--onlyvisible", "--name", "S3N Studio").split()
        return [self.do("getwindowname", window) for window in windows]


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    folder = tmp_path / "screen"
    folder.mkdir()
    size = f"{SCREEN[0]}x{SCREEN[1]}x24"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", size, "-fbdir", str(folder), "-nolisten", "tcp", "-noreset"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    with server.stdout:
        number = server.stdout.readline().strip()
    if not number:
        server.wait(10)
        pytest.skip("the X server does not start here")
    yield Screen(f":{number}", folder / "Xvfb_screen0")
    server.terminate()
    server.wait(30)


def wait_for(what: Callable[[], bool], said: str, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert process.poll() is None, f"it ended with {process.returncode} before {said}"
        assert time.monotonic() < end, f"waited in vain for {said}"
        time.sleep(0.2)


def has_maps(picture: np.ndarray) -> bool:
    """Return whether a screenshot of Inspect has thousands of colours right of the thumbnails, as photographs and maps have.

    They come when the model has answered; until then there is a sentence, however long the machine takes.
    """
    return len(np.unique(picture[:, THUMBNAILS:].reshape(-1, 3)[::7], axis=0)) > 5000


def differing(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of pixels with different colours."""
    return float((one != other).any(axis=2).mean())


def settled(screen: Screen, process: subprocess.Popen[str]) -> np.ndarray:
    """Return the screen once it has stayed the same for a while: names of parts and the device come last."""
    seen, since = screen.picture(), time.monotonic()

    def has_settled() -> bool:
        nonlocal seen, since
        now = screen.picture()
        if differing(now, seen) > 0:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > STILL

    wait_for(has_settled, "the screen to come to rest", process)
    return seen


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="an X server")
def test_demo_on_a_real_screen(screen: Screen, s3n_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", screen.display)
    monkeypatch.delenv("QT_QPA_PLATFORM")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if (why := why_no_window()) is not None:
        pytest.skip(why)
    log = s3n_home / "logs" / "window.log"
    process = subprocess.Popen(
        [sys.executable, str(CHECKOUT / "main.py"), "--demo"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=s3n_home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(lambda: screen.titles() == ["Inspect - S3N Studio"], "the window", process)
        window = screen.do("search", "--onlyvisible", "--name", "S3N Studio")
        screen.do("windowfocus", window)  # without a window manager nothing else gives it the focus
        wait_for(lambda: has_maps(screen.picture()), "the demo's first bird", process)
        inspect = settled(screen, process)

        screen.do("key", "ctrl+1")
        wait_for(lambda: screen.titles() == ["Start - S3N Studio"], "the page Start", process)
        wait_for(lambda: differing(screen.picture(), inspect) > 0.2, "Start to be drawn", process)

        screen.do("key", "ctrl+4")
        wait_for(lambda: screen.titles() == ["Inspect - S3N Studio"], "the page Inspect", process)
        wait_for(lambda: differing(screen.picture(), inspect) < 0.1, "the first bird again", process)

        screen.do("key", "Next")
        wait_for(lambda: differing(screen.picture(), inspect) > 0.1, "the second bird", process)

        Image.fromarray(screen.picture()).save(tmp_path / "screen.png")  # for visual inspection
        screen.do("key", "ctrl+q")
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait(30)
    assert process.returncode == 0, errors
    assert (out, errors) == ("", "")
    said = log.read_text(encoding="utf-8")
    assert not re.search(r" (WARNING|ERROR|CRITICAL) |Traceback", said), said
    assert (s3n_home / "window" / "places.json").is_file()
