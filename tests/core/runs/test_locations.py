import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from s3n_core.errors import ModelNotFound, RunError, RunNotFound
from s3n_core.runs.locations import find_model, find_run, home, new_run_name, rename_run, runs_root
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.locks import RunLock


def test_the_root_is_the_option_else_the_variable_else_the_platforms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("S3N_HOME", str(tmp_path / "home 鳥"))
    assert runs_root(tmp_path / "mine") == tmp_path / "mine"
    assert runs_root() == tmp_path / "home 鳥" / "runs"
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("S3N_HOME")
        else:
            monkeypatch.setenv("S3N_HOME", unset)
        assert runs_root() == home() / "runs"
        assert "s3n-studio" in str(runs_root())
        assert runs_root().is_absolute()
    assert not (tmp_path / "home 鳥").exists()


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("birds-quick", "birds-quick-1"),
        ("Köln 鳥 птицы", "Köln-鳥-птицы-1"),
        ("../../etc/passwd", "etc-passwd-1"),
        ('a<b>c:d"e|f?g*h\\i\n', "a-b-c-d-e-f-g-h-i-1"),
        ("", "run-1"),
        (" .. ", "run-1"),
        ("CON", "run-CON-1"),
        ("lpt1.txt", "run-lpt1.txt-1"),
        ("\udcff", "run-1"),
    ],
)
def test_names_fit_every_file_system(root: Path, stem: str, name: str) -> None:
    assert new_run_name(root, stem) == name
    RunDirectory.create(root / name, {})
    assert find_run(name, root) == root / name


def test_a_missing_model_file_is_not_looked_for_among_the_runs(root: Path, tmp_path: Path) -> None:
    for name in ("nope.safetensors", "mine.PT"):
        with pytest.raises(ModelNotFound, match="no model file"):
            find_model(str(tmp_path / name), root)
    (tmp_path / "there.bin").touch()
    assert find_model(str(tmp_path / "there.bin"), root) == tmp_path / "there.bin"
    with pytest.raises(RunNotFound):
        find_model("first.safe", root)


def test_the_home_folder_of_nobody_is_looked_for_like_any_other(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = os.path.join("~no-user-has-this-name", "model.safetensors")
    with pytest.raises(ModelNotFound, match="There is no model file ~no-user-has-this-name"):
        find_model(text, root)
    with pytest.raises(RunNotFound):
        find_run(os.path.join("~no-user-has-this-name", "run"), root)
    monkeypatch.setenv("S3N_HOME", "~no-user-has-this-name")
    assert runs_root().parts[-2:] == ("~no-user-has-this-name", "runs")


def test_what_may_not_be_looked_at_is_said(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated, because the tests may run as root."""
    stat, closed = os.stat, tmp_path / "closed"

    def refuse(path: object, **options: Any) -> os.stat_result:
        if isinstance(path, str | Path) and closed in Path(path).parents:
            raise PermissionError(13, "Permission denied")
        return stat(path, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", refuse)
        for name in ("first.safetensors", "first"):
            with pytest.raises(
                ModelNotFound, match=r"first.* cannot be read \(Permission denied\): check its permissions"
            ):
                find_model(str(closed / name), root)
        with pytest.raises(RunNotFound, match=r"first cannot be read \(Permission denied\): check its permissions"):
            find_run(str(closed / "first"), root)


def test_names_are_free_and_short(root: Path) -> None:
    assert new_run_name(root / "missing", "a") == "a-1"
    (root / "A-1").mkdir()
    (root / unicodedata.normalize("NFD", "é-1")).mkdir()
    assert new_run_name(root, "a") == "a-2"
    assert new_run_name(root, "é") == "é-2"
    assert len(new_run_name(root, "鳥" * 500).encode()) < 200


def test_a_run_is_found_by_name_and_by_path(
    root: Path, run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_run(run.path.name, root) == run.path
    assert find_run(run.path.name.upper(), root).samefile(run.path)
    assert find_run(unicodedata.normalize("NFD", run.path.name), root) == run.path
    assert find_run(str(run.path), tmp_path) == run.path
    assert find_run(str(run.run_json), tmp_path) == run.path
    monkeypatch.chdir(run.path)
    assert find_run(".", tmp_path).samefile(run.path)
    monkeypatch.chdir(root)
    assert find_run(os.path.join(".", run.path.name), tmp_path).samefile(run.path)


def test_a_name_goes_before_a_folder_here(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RunDirectory.create(root / "birds", {})
    (tmp_path / "birds").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_run("birds", root) == root / "birds"


def test_what_is_not_found_is_said_with_a_hint(root: Path, tmp_path: Path) -> None:
    RunDirectory.create(root / "birds-quick-1", {})
    with pytest.raises(RunError, match=r"no run 'birds-quik-1'.*did you mean birds-quick-1\?"):
        find_run("birds-quik-1", root)
    with pytest.raises(RunError, match="s3n runs list"):
        find_run("zzz", root)
    with pytest.raises(RunError, match=r"no run\.json"):
        find_run(str(tmp_path), root)
    with pytest.raises(RunError, match="No run was given"):
        find_run("  ", root)
    with pytest.raises(RunError, match="no run"):
        find_run("x", root / "missing")


def test_a_run_is_renamed(root: Path, run: RunDirectory) -> None:
    new = rename_run(run.path, "  鳥 best one ")
    assert new == root / "鳥 best one"
    assert RunDirectory(new).read_run()["recipe"] == "quick"
    assert rename_run(new, "鳥 BEST one").name == "鳥 BEST one"


@pytest.mark.parametrize("name", ["", "  ", "a/b", "..", ".hidden", "a\\b", "a:b", "nul", "end.", "a\nb"])
def test_impossible_names_are_refused(run: RunDirectory, name: str) -> None:
    with pytest.raises(RunError, match="cannot be called"):
        rename_run(run.path, name)


def test_a_taken_name_and_a_live_run_are_refused(root: Path, run: RunDirectory) -> None:
    RunDirectory.create(root / "taken", {})
    with pytest.raises(RunError, match="already a file or folder"):
        rename_run(run.path, "Taken")
    with RunLock(run.path), pytest.raises(RunError, match="stop it before you rename"):
        rename_run(run.path, "other")
    with RunLock(run.path, packs=True), pytest.raises(RunError, match="is being packed"):
        rename_run(run.path, "other")
