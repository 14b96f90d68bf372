"""Shared by all tests: no window on the screen, no access to the user's own runs, and shared data."""

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # Before Qt loads.
# Before NumPy and torch load, and for the processes that tests start: thread pools in several processes cost
# more than they gain on networks of a few hundred weights.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from engine_popen import EnginePopen, UsualPopen
from xdist.scheduler import LoadScopeScheduling

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start background jobs with Ctrl+C ignored, and every process of a test would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is not a defect, and a change is judged by the same examples each time. New ones: `--hypothesis-profile
# explore`; what it finds becomes an `@example`.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None, print_blob=True)
hypothesis.settings.load_profile("repeatable")

subprocess.Popen = EnginePopen  # type: ignore[misc]

# Checkpoints and tables of tests are written to memory if there is enough; the suite needs about four gigabytes.
MEMORY_DISK, LEAST_ROOM = Path("/dev/shm"), 12 * 2**30
if MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > LEAST_ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY_DISK))

CHECKOUT = Path(__file__).resolve().parents[1]

# Test modules of the window that run without Qt; all others in tests/gui are skipped then.
QT_FREE = {"test_demo.py", "test_display.py", "test_window_resources.py"}


def _why_no_qt() -> str | None:
    try:
        import PySide6.QtWidgets  # noqa: F401
    except ImportError as error:
        return str(error)
    return None


WHY_NO_QT = _why_no_qt()
if WHY_NO_QT is None:
    pytest_plugins = ["pytestqt.plugin"]


# Real windows, real processes with long timeouts, and mounted disks: only one of these files runs at a time.
ONE_AT_A_TIME = {
    "tests/core/commands/test_bad_disks.py",
    "tests/core/server/test_inspection_server.py",
    "tests/core/training/test_orders.py",
    "tests/core/training/test_two_processes.py",
    "tests/gui/frame/test_process_model.py",
    "tests/gui/frame/test_real_window.py",
    "tests/gui/test_end_to_end.py",
}


# The longest of the others: started first, so that none of them runs alone at the end.
LONG = {
    "tests/core/test_wheel.py",
    "tests/core/commands/test_bad_data.py",
    "tests/core/commands/test_commands.py",
    "tests/core/export/test_onnx_export.py",
    "tests/core/models/test_released_checkpoints.py",
    "tests/core/training/test_bad_conditions.py",
    "tests/core/training/test_exact_resume.py",
    "tests/core/training/test_memory_limit.py",
    "tests/core/training/test_trainer.py",
    "tests/gui/background/test_inspection_client.py",
    "tests/gui/background/test_training_job.py",
    "tests/gui/training/test_train_page.py",
}


class _ByFile(LoadScopeScheduling):
    """Assigns each test file to one process, so that its fixtures are created once; some files share a process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "one at a time" if file in ONE_AT_A_TIME else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        file = item.nodeid.split("::", 1)[0]
        return 0 if file in ONE_AT_A_TIME else 1 if file in LONG else 2

    items.sort(key=turn)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile:
    config.option.loadscopereorder = False  # it would start with the files with the most tests
    return _ByFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    if WHY_NO_QT is not None:  # pytest-qt, which defines these settings of pyproject.toml, is not loaded
        for name in ("qt_api", "qt_log_level_fail", "qt_log_ignore"):
            parser.addini(name, "a setting of pytest-qt")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    if WHY_NO_QT is not None and "gui" in module_path.parts and module_path.name not in QT_FREE:
        return _ModuleWithoutQt.from_parent(parent, path=module_path)
    return None


class _ModuleWithoutQt(pytest.Module):
    """A test module of the window without Qt: one skip that gives the reason."""

    def collect(self) -> list[pytest.Item]:
        pytest.skip(f"Qt does not load here: {WHY_NO_QT}", allow_module_level=True)


@pytest.fixture(scope="session", autouse=True)
def _home_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs that fixtures of the session make go to a temporary folder, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("S3N_HOME", str(tmp_path_factory.mktemp("s3n-home")))
        yield


@pytest.fixture(autouse=True)
def s3n_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate home for each test, so that no test sees the user's runs or another test's."""
    home = tmp_path_factory.mktemp("s3n-home")
    monkeypatch.setenv("S3N_HOME", str(home))
    return home


@pytest.fixture
def real_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start engine processes by their command, as a user does, instead of forking one that has torch loaded."""
    monkeypatch.setattr(subprocess, "Popen", UsualPopen)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of photographs, weights and reference numbers beside the checkout."""
    folder = CHECKOUT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"the photographs, weights and reference numbers are not here ({folder})")
    return folder
