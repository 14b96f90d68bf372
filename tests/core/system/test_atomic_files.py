import errno
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from s3n_core.errors import OutputError
from s3n_core.system import atomic_files
from s3n_core.system.atomic_files import (
    open_atomic,
    output_error,
    read_bytes,
    remove_leftovers,
    write_bytes,
    write_json,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_whole_content_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "Köln 鳥 é.bin"
    write_bytes(path, b"old")
    write_bytes(path, b"new", durable=False)
    assert read_bytes(path) == b"new"
    assert names(tmp_path) == [path.name]


@pytest.mark.skipif(os.name == "nt", reason="links need a permission there")
def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere/file")
    for content in (b"new", b"newer"):  # the first time, the link points to nothing
        write_bytes(tmp_path / "link", content)
        assert (tmp_path / "elsewhere/file").read_bytes() == content
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path / "elsewhere") == ["file"]


def test_text_keeps_line_ends_and_undecodable_names(tmp_path: Path) -> None:
    write_text(tmp_path / "t", "a\r\nb\n\udcff鳥")
    assert (tmp_path / "t").read_bytes() == b"a\r\nb\n\xff" + "鳥".encode()


def test_json_is_readable_and_carries_any_name(tmp_path: Path) -> None:
    write_json(tmp_path / "j", {"name": "鳥"})
    assert "鳥" in (tmp_path / "j").read_text(encoding="utf-8")
    write_json(tmp_path / "j", {"name": "\udcff"})
    assert json.loads((tmp_path / "j").read_bytes()) == {"name": "\udcff"}


def test_json_refuses_nan_before_it_touches_the_file(tmp_path: Path) -> None:
    write_json(tmp_path / "j", 1)
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "j", float("nan"))
    assert (tmp_path / "j").read_bytes() == b"1\n"


def test_a_name_of_255_bytes_fits(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    write_bytes(path, b"1")
    assert path.read_bytes() == b"1"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_files_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_bytes(tmp_path / "f", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o644


def test_an_error_in_the_block_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_bytes(path, b"old")

    def interrupted() -> None:
        with open_atomic(path) as file:
            file.write(b"half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["f"]


def test_replacing_waits_for_a_reader_as_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.replace, []

    def refuse_three_times(source: Any, target: Any) -> None:
        calls.append(source)
        if len(calls) <= 3:
            raise PermissionError(errno.EACCES, "used by another process")
        real(source, target)

    monkeypatch.setattr(atomic_files.os, "replace", refuse_three_times)
    write_bytes(tmp_path / "best", b"checkpoint")
    assert len(calls) == 4
    assert (tmp_path / "best").read_bytes() == b"checkpoint"


def test_replacing_gives_up_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Any, target: Any) -> None:
        raise PermissionError(errno.EACCES, "used by another process")

    write_bytes(tmp_path / "f", b"old")
    monkeypatch.setattr(atomic_files.os, "replace", refuse)
    monkeypatch.setattr(atomic_files.time, "sleep", lambda seconds: None)
    with pytest.raises(OutputError, match="no permission to write"):
        write_bytes(tmp_path / "f", b"new")
    assert names(tmp_path) == ["f"]
    assert (tmp_path / "f").read_bytes() == b"old"


def test_reading_waits_for_a_replacement_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, calls = tmp_path / "f", []
    path.write_bytes(b"1")
    real = Path.read_bytes

    def refuse_once(self: Path) -> bytes:
        calls.append(self)
        if len(calls) == 1:
            raise PermissionError(errno.EACCES, "being replaced")
        return real(self)

    monkeypatch.setattr(Path, "read_bytes", refuse_once)
    monkeypatch.setattr(atomic_files.sys, "platform", "win32")
    assert read_bytes(path) == b"1"


def test_a_full_disk_is_said_and_costs_nothing(small_disk: Any) -> None:
    path = small_disk.path / "state.json"
    write_bytes(path, b"old")
    small_disk.fill()
    with pytest.raises(OutputError, match=r"disk is full.*state\.json.*free some space"):
        write_bytes(path, bytes(10_000))
    assert path.read_bytes() == b"old"
    assert names(small_disk.path) == ["ballast", "state.json"]
    small_disk.free()
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_read_only_disk_is_said_and_costs_nothing(small_disk: Any) -> None:
    path = small_disk.path / "state.json"
    write_bytes(path, b"old")
    small_disk.make_read_only()
    with pytest.raises(OutputError, match=r"state\.json.*read-only"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"


def test_missing_folder_folder_in_the_way_and_long_names_are_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        write_bytes(tmp_path / "no" / "f", b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="folder"):
        write_bytes(tmp_path / "folder", b"")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="a file has the name of one of its folders"):
        write_bytes(tmp_path / "file" / "f", b"")
    with pytest.raises(OutputError, match="name is too long"):
        write_bytes(tmp_path / ("x" * 300), b"")
    assert names(tmp_path) == ["file", "folder"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, None])
def test_every_sentence_names_the_file(number: int | None) -> None:
    error = OSError("odd") if number is None else OSError(number, os.strerror(number))
    text = str(output_error(Path("a b.csv"), error))
    assert "a b.csv" in text
    assert text.endswith(".")


def test_leftovers_of_killed_processes_go_after_an_hour(tmp_path: Path) -> None:
    old, young, other = tmp_path / ".s3n-1-ab.tmp", tmp_path / ".s3n-2-cd.tmp", tmp_path / "mine.tmp"
    for path in (old, young, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (time.time() - 7200,) * 2)
    assert remove_leftovers(tmp_path) == 1
    assert names(tmp_path) == [young.name, other.name]
    assert remove_leftovers(tmp_path / "missing") == 0
