"""The session knows the open model's ranges of values."""

from __future__ import annotations

import json
from pathlib import Path

from pytestqt.qtbot import QtBot

from s3n_core.datasets.value_ranges import ValueRanges
from s3n_core.method.configuration import HEADER_KEY, ModelHeader, NetworkConfig
from s3n_gui.state.model_ranges import ModelRanges
from s3n_gui.state.session import Session


def model(path: Path, **preprocess: object) -> Path:
    """A model file without weights."""
    header = ModelHeader(network=NetworkConfig(num_classes=2), classes=("a", "b"), preprocess=preprocess)
    text = json.dumps({"__metadata__": {HEADER_KEY: header.model_dump_json()}}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    return path


def test_the_ranges_are_those_of_the_current_model(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    reader = ModelRanges(session)
    for name, ranges in (("twelve", [0, 4095]), ("thirteen", [0, 8191])):
        with qtbot.waitSignal(session.value_ranges_changed):
            session.model = model(tmp_path / f"{name}.safetensors", integer_range=ranges)
        assert session.value_ranges == ValueRanges(integers=(0.0, float(ranges[1])))
    with qtbot.waitSignal(session.value_ranges_changed):
        session.model = model(tmp_path / "eight.safetensors")
    assert session.value_ranges is None
    with qtbot.waitSignal(session.value_ranges_changed):
        session.model = tmp_path / "twelve.safetensors"
    with qtbot.waitSignal(session.value_ranges_changed):
        session.model = tmp_path / "there is none.safetensors"
    assert session.value_ranges is None
    with qtbot.waitSignal(session.value_ranges_changed):
        session.model = tmp_path / "twelve.safetensors"
    session.model = None
    assert session.value_ranges is None
    reader.close()
