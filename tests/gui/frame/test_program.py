"""The program as a user starts it: light, closed by Ctrl+C, settings reset on request."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from opened_window import OPEN_WINDOW

from s3n_gui import app
from s3n_gui.state.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[3]

SHOW_AND_LOOK = f"""
{OPEN_WINDOW}
application.processEvents()
print("HEAVY:", *sorted({{"torch", "torchvision", "numpy", "pyqtgraph", "PIL", "pydantic", "typer"}} & set(sys.modules)))
window.close()
"""


def test_the_first_page_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", SHOW_AND_LOOK], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY:"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_closes_the_window(s3n_home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(CHECKOUT / "main.py")],
        env={**os.environ, "S3N_HOME": str(s3n_home)},
        stderr=subprocess.PIPE,
    )
    log = s3n_home / "logs" / "window.log"
    end = time.monotonic() + 60
    while not (log.is_file() and "The window is open." in log.read_text(encoding="utf-8")):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert (s3n_home / "window" / "places.json").is_file()
    assert "Traceback" not in log.read_text(encoding="utf-8")


def test_reset_settings(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.set("theme", "dark")
    monkeypatch.setattr(app, "why_no_window", lambda: "No window can be shown here: because.")
    app.main(["--reset-settings"])
    assert capsys.readouterr().out.startswith("All settings are back at their defaults.")
    assert Settings().theme == "system"
