"""The view of one image: while the next one is read, it says nothing of the one before."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from small_pictures import draw

from s3n_core.datasets.records import ImageRecord
from s3n_gui.dataset.images.large_image import Picture


def test_size_and_error_are_those_of_the_chosen_image(themed: QApplication, qtbot: QtBot, tmp_path: Path) -> None:
    draw(tmp_path / "one.png", 1, (40, 30))
    draw(tmp_path / "two.png", 2, (60, 20))
    (tmp_path / "broken.png").write_bytes(b"nothing")
    records = {path.stem: ImageRecord(path=path, name=path.name) for path in tmp_path.iterdir()}
    view = Picture()
    qtbot.addWidget(view)
    view.resize(300, 200)
    view.show()
    try:
        for name, size in (("one", (40, 30)), ("two", (60, 20)), ("broken", None), ("one", (40, 30))):
            view.show_record(records[name])
            assert view.is_reading
            assert (view.original_size, view.problem) == (None, "")
            blank = view.grab().toImage()
            qtbot.waitUntil(lambda: not view.is_reading)
            assert view.original_size == size
            assert bool(view.problem) == (name == "broken")
            assert view.grab().toImage() != blank  # the words on a broken file are gone with it
    finally:
        view.close_reading()
