import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from s3n_core.system.deferred_module import deferred_module

HEAVY = "heavy_for_this_test"
USER = "user_of_the_heavy_one"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / f"{HEAVY}.py").write_text("NUMBER = 7\ndef doubled(number):\n    return 2 * number\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in (HEAVY, USER):
        sys.modules.pop(name, None)


def _import_user(folder: Path, text: str) -> object:
    (folder / f"{USER}.py").write_text(text)
    with deferred_module(HEAVY, "doubled"):
        return __import__(USER)


def test_the_module_is_loaded_by_the_first_call(modules: Path) -> None:
    user = _import_user(modules, f"from {HEAVY} import doubled")
    assert HEAVY not in sys.modules
    assert user.doubled(4) == 8  # type: ignore[attr-defined]
    assert sys.modules[HEAVY].NUMBER == 7


def test_any_other_name_loads_it_at_once(modules: Path) -> None:
    user = _import_user(modules, f"from {HEAVY} import NUMBER, doubled")
    assert user.NUMBER == 7  # type: ignore[attr-defined]
    assert user.doubled(1) == 2  # type: ignore[attr-defined]
    assert sys.modules[HEAVY].__file__ == str(modules / f"{HEAVY}.py")


def test_after_the_block_it_is_imported_as_ever(modules: Path) -> None:
    _import_user(modules, "")
    assert HEAVY not in sys.modules
    assert __import__(HEAVY).doubled(3) == 6


def test_a_loaded_module_stays(modules: Path) -> None:
    loaded = __import__(HEAVY)
    user = _import_user(modules, f"from {HEAVY} import doubled")
    assert user.doubled is loaded.doubled  # type: ignore[attr-defined]
    assert sys.modules[HEAVY] is loaded
