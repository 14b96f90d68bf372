"""The pages' modules are preloaded in the GUI thread, a module at a time; unneeded modules are never loaded."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from opened_window import OPEN_WINDOW
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from s3n_gui.background.incremental import IncrementalWork
from s3n_gui.frame.preload import preload

ALL_PAGES = f"""
{OPEN_WINDOW}
from PySide6.QtCore import QEventLoop
waiting = QEventLoop()
window._preloading.done.connect(waiting.quit)
window.begin()
waiting.exec()
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


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a package of three modules, each of which keeps the thread that imported it."""
    folder = tmp_path / "preloaded"
    (folder / "inner").mkdir(parents=True)
    for name in ("__init__", "inner/__init__"):
        (folder / f"{name}.py").touch()
    for name in ("first", "second", "inner/third"):
        (folder / f"{name}.py").write_text("import threading\nTHREAD = threading.current_thread()\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "preloaded"]:
        del sys.modules[name]


def loaded() -> list[str]:
    modules = {
        name: module
        for name, module in sys.modules.items()
        if name.startswith("preloaded.") and hasattr(module, "THREAD")
    }
    for module in modules.values():
        assert module.THREAD is threading.main_thread()  # PySide crashes when another one defines classes of QObjects
    return sorted(modules)


def test_every_module_of_a_package_is_a_piece_of_its_own(qtbot: QtBot, package: Path) -> None:
    work = IncrementalWork()
    seen: set[int] = set()
    others = QTimer()  # the window's other work, which gets its turn between two pieces
    others.timeout.connect(lambda: seen.add(len(loaded())))
    others.start(0)
    with qtbot.waitSignal(work.done):
        preload(work, ["json"], [package.name])
        assert not loaded()
    assert loaded() == ["preloaded.first", "preloaded.inner.third", "preloaded.second"]
    assert {1, 2} <= seen


def test_what_is_cleared_is_not_loaded(qtbot: QtBot, package: Path) -> None:
    work = IncrementalWork()
    preload(work, [], [package.name])
    work.clear()
    qtbot.wait(20)
    assert not loaded()


def test_what_cannot_be_loaded_is_left_to_its_page(
    qtbot: QtBot, package: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (package / "first.py").write_text("raise OSError('no such library')\n")
    work = IncrementalWork()
    with caplog.at_level(logging.ERROR):
        preload(work, ["s3n_gui.no_such_module"], [package.name])
        work.finish()
    assert "s3n_gui.no_such_module could not be preloaded" in caplog.text
    assert "preloaded.first could not be preloaded" in caplog.text
    assert loaded() == ["preloaded.inner.third", "preloaded.second"]
