"""What was skipped beside the images, on the Data page."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from s3n_core.datasets.detection import open_data_set
from s3n_gui.dataset.panel import DataPage
from s3n_gui.state.session import Session


def show(qtbot: QtBot, page: DataPage, session: Session, folder: Path) -> None:
    session.data_set = open_data_set(folder)
    qtbot.waitUntil(lambda: page.controller.survey is not None and page.is_ready())


def test_the_page_says_what_was_skipped(
    qtbot: QtBot, data_page: DataPage, session: Session, folder: Path, monkeypatch
) -> None:
    (folder / "train" / "Aster_bird" / "x.cr2").write_bytes(b"II*\x00\x10\x00\x00\x00CR\x02")
    (folder / "train" / "Aster_bird" / "a & b.pdf").write_bytes(b"%PDF-1.7")
    (folder / "test" / "空_bird" / "notes.txt").write_text("in May")
    show(qtbot, data_page, session, folder)
    button = data_page.header.skipped
    assert button.isVisible()
    assert button.text() == "2 files skipped"
    assert button.toolTip() == (
        "Skipped 2 files that are not readable images (1 .cr2, 1 .pdf) and 1 other file (1 .txt)."
    )
    assert button.lines == ("1 .pdf: not an image", "1 .txt: other file", "1 .cr2: raw photograph")
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    button.choose(2)
    assert opened == [str(folder / "train" / "Aster_bird")]


def test_companions_and_clutter_are_counted_quietly(
    qtbot: QtBot, data_page: DataPage, session: Session, folder: Path
) -> None:
    (folder / "train" / "Aster_bird" / "notes.txt").write_text("in May")
    (folder / "train" / "Aster_bird" / ".DS_Store").write_bytes(b"")
    (folder / "#recycle").mkdir()
    show(qtbot, data_page, session, folder)
    button = data_page.header.skipped
    assert button.text() == "2 files and 1 folder passed over"
    assert button.isVisible()
    assert any(line.startswith("1 folder: ") for line in button.lines)


def test_a_text_that_is_no_list_is_named(qtbot: QtBot, data_page: DataPage, session: Session, folder: Path) -> None:
    (folder / "train.txt").write_text("epoch 1 loss 2.3\nepoch 2 loss 1.9\n")
    show(qtbot, data_page, session, folder)
    button = data_page.header.skipped
    assert button.text() == "1 problem"
    assert any(line.startswith("train.txt: none of its lines names an image") for line in button.lines)


def test_the_next_data_set_starts_without(qtbot: QtBot, data_page: DataPage, session: Session, folder: Path) -> None:
    extra = folder / "train" / "Aster_bird" / "x.cr2"
    extra.write_bytes(b"II*\x00\x10\x00\x00\x00CR\x02")
    show(qtbot, data_page, session, folder)
    assert data_page.header.skipped.isVisible()
    extra.unlink()
    show(qtbot, data_page, session, folder)
    qtbot.waitUntil(lambda: not data_page.header.skipped.isVisible())
