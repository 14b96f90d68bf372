"""The parts of the open atlas in each image, as other pages read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_atlas import CLASSES, PLACES, write_atlas
from pytestqt.qtbot import QtBot

from s3n_core.parts.atlas.part_place import PartPlace
from s3n_gui.state.atlas_parts import AtlasParts, part_at
from s3n_gui.state.session import Session

FILES = [f"{label}/{index}.jpg" for label in CLASSES for index in range(2)]
RUN = Path("/runs/birds-1")
MODEL = RUN / "checkpoints" / "step-10.safetensors"


@pytest.fixture
def parts(session: Session, tmp_path: Path, qtbot: QtBot) -> Iterator[AtlasParts]:
    """Those of an atlas that is open."""
    write_atlas(tmp_path / "atlas", tmp_path, FILES, model=MODEL)
    made = AtlasParts(session)
    session.atlas = tmp_path / "atlas"
    with qtbot.waitSignal(made.changed):
        made.activate()
    yield made
    made.close()


def test_the_peaks_of_an_image_have_the_names_of_their_parts(parts: AtlasParts, tmp_path: Path) -> None:
    (x, y), (other_x, other_y), _ = PLACES
    places = parts.places(tmp_path / FILES[3], RUN)
    assert places == (PartPlace(x, y, 0, "part 1"), PartPlace(other_x, other_y, 1, "part 2"))
    assert part_at(places, x + 1, y, 120) == places[0]
    assert part_at(places, x + 20, y, 120) is None
    assert parts.names(RUN) == parts.names(MODEL) == ("part 1", "part 2")  # the third has drawn cells only
    assert parts.files_with("part 2") == frozenset(FILES)
    assert parts.files_with("part 3") == frozenset()
    assert parts.places(tmp_path / "elsewhere.jpg", RUN) == ()


def test_an_atlas_of_another_model_says_nothing(parts: AtlasParts, tmp_path: Path) -> None:
    assert parts.names(Path("/runs/birds-2")) == ()
    assert parts.names(None) == ()
    assert parts.places(tmp_path / FILES[0], Path("/runs/birds-2")) == ()


def test_edits_and_another_atlas_are_followed(
    parts: AtlasParts, session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    from s3n_core.parts.atlas.atlas import Atlas

    Atlas(tmp_path / "atlas").rename(0, "bill")
    Atlas(tmp_path / "atlas").hide(1)
    Atlas(tmp_path / "atlas").set_background(0)
    with qtbot.waitSignal(parts.changed):
        session.report_atlas_edit()
    (bill,) = parts.places(tmp_path / FILES[0], RUN)
    assert (bill.name, bill.part, bill.background) == ("bill", 0, True)
    with qtbot.waitSignal(parts.changed):
        session.atlas = None
    assert parts.names(RUN) == ()


def test_a_model_and_images_behind_links_are_the_atlas_s(session: Session, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk", target_is_directory=True)
    disk, link = (tmp_path / "disk").resolve(), tmp_path / "link"
    model = disk / "runs" / "birds-1" / "checkpoints" / "step-10.safetensors"
    write_atlas(tmp_path / "atlas", disk / "birds", FILES, model=model)
    made = AtlasParts(session)
    session.atlas = tmp_path / "atlas"
    with qtbot.waitSignal(made.changed):
        made.activate()
    run = link / "runs" / "birds-1"
    assert made.names(run) == made.names(link / model.relative_to(disk)) == ("part 1", "part 2")
    assert [place.name for place in made.places(link / "birds" / FILES[3], run)] == ["part 1", "part 2"]
    assert made.has_peak(link / "birds" / FILES[3], run, *PLACES[0])
    assert made.places(link / "others" / FILES[3], run) == ()
    made.close()


def test_the_model_of_a_renamed_run_is_recognised_by_what_it_holds(
    session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    run, checkpoint = tmp_path / "birds-1", Path("checkpoints") / "step-10.safetensors"
    (run / checkpoint).parent.mkdir(parents=True)
    (run / checkpoint).write_bytes(b"a model")
    write_atlas(tmp_path / "atlas", tmp_path, FILES, model=run / checkpoint)
    made = AtlasParts(session)
    session.model, session.atlas = run, tmp_path / "atlas"
    made.activate()
    qtbot.waitUntil(lambda: made.knows(run))
    renamed = run.rename(tmp_path / "birds-2")
    session.follow_rename(run, renamed)
    assert session.model == renamed
    qtbot.waitUntil(lambda: made.knows(renamed))
    assert made.places(tmp_path / FILES[0], renamed)
    (run / checkpoint).parent.mkdir(parents=True)
    (run / checkpoint).write_bytes(b"a new run of the old name")
    with qtbot.waitSignal(made.changed):
        session.model = run
    assert not made.knows(run)
    assert made.places(tmp_path / FILES[0], run) == ()
    made.close()
