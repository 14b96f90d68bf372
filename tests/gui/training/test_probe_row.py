"""A probe image of the training: what the network says of it, and whether that is right where that is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_gui.training import snapshot_store
from s3n_gui.training.probe_strip import ProbeRow
from s3n_gui.training.snapshot_store import Probe, SnapshotStore


def test_a_probe_says_names_and_judges_only_what_is_labelled(themed: QApplication, qtbot: QtBot) -> None:
    row = ProbeRow()
    qtbot.addWidget(row)
    row.show()

    def show(label: str | None, said: list[Any] | None) -> tuple[str, str, bool]:
        entry = {"image": "a.jpg", "class": label, "predictions": {"joint": said}}
        row.show_probe(Probe(view=QImage(), discriminative=QImage(), complementary=QImage(), entry=entry))
        return row.words.text(), row.words.toolTip(), row.mark.isVisible()

    red = ["001.Red_bird", 0.9]
    said = "a.jpg\nThe network says Red bird 90.0 %"
    assert show("001.Red_bird", red) == ("Red bird 90.0 %", f"{said}; it is Red bird.", True)
    assert show("002.Blue_bird", red) == ("Red bird 90.0 %, is Blue bird", f"{said}; it is Blue bird.", True)
    assert show(None, red) == ("Red bird 90.0 %", f"{said}.", False)
    assert show("002.Blue_bird", None) == ("", "", False)


def test_of_many_epochs_only_the_last_ones_are_kept(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "snapshots"
    image = QImage(64, 64, QImage.Format.Format_RGB32)
    image.fill(0)
    for epoch in range(4):
        place = folder / f"epoch-{epoch:04d}"
        place.mkdir(parents=True)
        (place / "probes.json").write_text(json.dumps([{"class": "a", "peaks": []}]))
        for branch in "dc":
            assert image.save(str(place / f"probe-0-{branch}.jpg"))
    assert image.save(str(folder / "probe-0.jpg"))
    monkeypatch.setattr(snapshot_store, "_KEPT_BYTES", 2 * 2 * image.sizeInBytes())  # two epochs
    store = SnapshotStore()
    store.show_run(tmp_path)
    store.add_names(f"epoch-{epoch:04d}" for epoch in range(4))
    views = set()
    for epoch in range(4):
        with qtbot.waitSignal(store.ready, timeout=10_000) as ready:
            store.ask(epoch)
        (probe,) = ready.args[1]
        assert not probe.discriminative.isNull()
        views.add(probe.view.cacheKey())
        assert store.is_settled
    assert list(store._kept) == [2, 3]
    assert len(views) == 1, "the view is the same file in all epochs"
    store.close()
