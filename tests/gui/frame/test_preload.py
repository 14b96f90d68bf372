"""The pages' modules are preloaded in a worker thread; unneeded modules are never loaded."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time

import pytest
from opened_window import OPEN_WINDOW

from s3n_gui.frame.preload import Preload

ALL_PAGES = f"""
{OPEN_WINDOW}
from s3n_gui.frame.pages import MODULES
from s3n_gui.frame.preload import Preload
preload = Preload(MODULES)
preload.begin()
preload._thread.join()
before = set(sys.modules)
for name in window.pages.names:
    window.show_page(name)
    application.processEvents()
print("LATE:", *sorted(name for name in set(sys.modules) - before if name.startswith(("s3n_gui", "s3n_core"))))
print("NEVER:", *sorted({{"torch", "torchvision", "scipy", "sklearn", "matplotlib"}} & set(sys.modules)))
window.close()
"""


def test_no_page_loads_its_code_when_it_is_shown_and_none_loads_torch() -> None:
    done = subprocess.run([sys.executable, "-c", ALL_PAGES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["LATE:", "NEVER:"]
    assert "Qt" not in done.stderr.replace("This plugin does not support propagateSizeHints()", "")


def test_it_ends_early_and_does_not_begin_again() -> None:
    preload = Preload(["json"] * 1000)
    preload.begin()
    begin = time.monotonic()
    preload.close()
    assert time.monotonic() - begin < 5
    preload.begin()
    assert "preload" not in [thread.name for thread in threading.enumerate()]
    unused = Preload(["json"])
    unused.close()
    unused.begin()
    assert "preload" not in [thread.name for thread in threading.enumerate()]


def test_what_cannot_be_loaded_is_left_to_its_page(caplog: pytest.LogCaptureFixture) -> None:
    preload = Preload(["s3n_gui.no_such_page", "json"])
    with caplog.at_level(logging.ERROR):
        preload.begin()
        preload._thread.join()
    assert "no_such_page" in caplog.text
    preload.close()
