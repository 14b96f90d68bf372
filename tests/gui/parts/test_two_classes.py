"""The tab "Two classes": pairs, the answer, a row a part, its crops, edits that can be undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sklearn.cluster  # noqa: F401  # takes seconds; splitting a part would import it in its thread
from made_up_atlas import CLASSES, PLACES, made_up_comparison
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.answer import Answer
from s3n_core.parts.comparison.stored_comparisons import keep_comparison
from s3n_core.parts.steadiness.steadiness_result import PartSteadiness, PlaceAccuracy, Repeats, Steadiness
from s3n_core.parts.steadiness.stored_steadiness import keep_steadiness
from s3n_gui.appearance.part_colours import part_colour
from s3n_gui.appearance.theme import apply, tokens
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.pairs.answer_card import AnswerCard
from s3n_gui.parts.pairs.part_facts import part_facts
from s3n_gui.parts.pairs.rows_view import RowsView, effect_text, share_text
from s3n_gui.parts.panel import PartsPage
from s3n_gui.state.session import Session

KNOT, PLOVER, RUFF = CLASSES


def choose(parts: PartsPage, a: str, b: str, qtbot: QtBot) -> None:
    """Choose two classes and wait for their rows."""
    parts.pair.set_pair(a, b)
    qtbot.waitUntil(lambda: parts.pair.pair is not None and (parts.pair.pair.a, parts.pair.pair.b or "") == (a, b))
    qtbot.waitUntil(parts.is_ready)


def kept(parts: PartsPage, qtbot: QtBot, *, background: bool = False, images: int = 12) -> None:
    """Keep a comparison of the knot and the plover with the atlas, and show it."""
    content = parts.controller.content
    assert content is not None
    atlas = content.atlas
    keep_comparison(atlas, made_up_comparison(atlas, KNOT, PLOVER, background=background, images=images))
    choose(parts, RUFF, KNOT, qtbot)
    choose(parts, KNOT, PLOVER, qtbot)


def test_the_most_confused_pair_is_shown_first(opened: PartsPage, qtbot: QtBot) -> None:
    view = opened.pair_view
    assert (opened.pair.a, opened.pair.b) == (RUFF, PLOVER)
    assert view.pairs.entries.rowCount() == 3
    assert view.pairs.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole) == "Ruff and Grey plover: 1 mistake"
    assert view.classes.images.text() == "4 and 4 images"
    assert view.answer.first.text() == "What tells Ruff from Grey plover?"
    view.pairs.step(1)
    assert (opened.pair.a, opened.pair.b) == (PLOVER, KNOT)
    view.classes.swap.click()
    qtbot.waitUntil(opened.is_ready)
    assert (opened.pair.a, opened.pair.b) == (KNOT, PLOVER)
    assert (view.classes.a.currentText(), view.classes.b.currentText()) == ("Red knot", "Grey plover")
    assert view.pairs.currentIndex().row() == 1  # the pair is the same in both orders


def test_the_marked_pair_stays_whole_when_the_list_becomes_smaller(opened: PartsPage, qtbot: QtBot) -> None:
    pairs = opened.pair_view.pairs
    pairs.step(2)
    row = pairs.currentIndex()
    pairs.resize(pairs.width(), pairs.visualRect(row).bottom() - 10)
    assert pairs.viewport().rect().contains(pairs.visualRect(row))
    pairs.resize(pairs.width(), pairs.visualRect(row).height() + 20)
    pairs.scrollToTop()
    assert not pairs.visualRect(row).intersects(pairs.viewport().rect())
    pairs.resize(pairs.width(), pairs.height() - 10)
    assert pairs.verticalScrollBar().value() == 0  # whoever looks at other pairs stays there


def test_the_list_can_show_each_class_beside_all_others(opened: PartsPage, qtbot: QtBot) -> None:
    view = opened.pair_view
    view.kinds.setCurrentIndex(1)
    view.kinds.activated.emit(1)
    assert view.pairs.entries.rowCount() == 3
    assert view.pairs.currentIndex().data() == "Ruff"
    view.pairs.step(-1)
    qtbot.waitUntil(opened.is_ready)
    assert (opened.pair.a, opened.pair.b) == (PLOVER, "")
    assert view.answer.first.text() == "What tells Grey plover from all other classes?"
    assert view.classes.images.text() == "4 and 8 images"


def test_before_they_are_compared_the_rows_show_what_was_found(opened: PartsPage, qtbot: QtBot) -> None:
    choose(opened, KNOT, PLOVER, qtbot)
    first, second, third = opened.pair_view.rows.rows
    assert [row.kind for row in (first, second, third)] == ["not compared", "not compared", "background"]
    assert (first.found, first.images) == ((4, 4), (4, 4))
    assert len(first.crops_a) == len(first.crops_b) == 4
    assert third.found == (0, 0)
    assert share_text(first) == effect_text(first) == ""


def test_a_kept_answer_is_there_at_once(opened: PartsPage, qtbot: QtBot) -> None:
    kept(opened, qtbot)
    view = opened.pair_view
    assert view.answer.first.text().startswith("Tells these two apart by part 1: hiding it changes 9 of 24 predictions")
    assert not view.answer.compare.isVisible()
    rows = view.rows.rows
    assert [row.kind for row in rows] == ["matters", "not shown", "background", "rest"]
    assert share_text(rows[0]) == "+40.0 % (35 to 45)"
    assert effect_text(rows[0]) == "9 of 24 (random 0.9)"
    assert share_text(rows[2]) == "−10.0 % (−15 to −5)"
    assert (rows[3].name, rows[3].part) == ("Elsewhere, at no part", -1)
    # In the other order it is the same answer.
    choose(opened, PLOVER, KNOT, qtbot)
    assert view.answer.first.text().startswith("Tells these two apart by part 1")
    assert view.rows.rows[1].found == (10, 12)


def test_a_model_that_rests_on_the_background_is_called_that(opened: PartsPage, qtbot: QtBot) -> None:
    kept(opened, qtbot, background=True)
    assert opened.pair_view.answer.first.text().startswith("This model rests on the background")
    assert [row.kind for row in opened.pair_view.rows.rows] == ["not shown", "not shown", "background", "rest"]


def test_comparing_is_a_job_whose_answer_is_shown(
    opened: PartsPage, qtbot: QtBot, tmp_path: Path, commanded: Callable[[str], list[list[str]]]
) -> None:
    choose(opened, KNOT, PLOVER, qtbot)
    content = opened.controller.content
    assert content is not None
    folder, written = content.atlas.path, tmp_path / "written.json"
    keep_comparison(content.atlas, made_up_comparison(content.atlas, KNOT, PLOVER)).rename(written)
    asked = commanded(f"import shutil; shutil.copy({str(written)!r}, {str(folder / 'comparisons' / '0-1.json')!r})")
    opened.pair_view.answer.compare.click()
    assert opened.pair.job is not None
    assert asked == [["parts", "compare", str(folder), "--json", "--", KNOT, PLOVER]]
    assert not opened.pair_view.answer.compare.isVisible()
    qtbot.waitUntil(lambda: opened.pair_view.answer.first.text().startswith("Tells these two apart"))
    assert opened.pair.job is None
    assert opened.controller.content is not None
    assert opened.controller.content.winners == {frozenset((KNOT, PLOVER)): 0}


def test_how_steady_a_part_is_is_measured_by_a_job_and_shown_until_the_parts_change(
    opened: PartsPage,
    qtbot: QtBot,
    tmp_path: Path,
    commanded: Callable[[str], list[list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content, box = opened.controller.content, opened.pair_view.card.steady
    assert content is not None
    folder, written = content.atlas.path, tmp_path / "written.json"
    again = Repeats(share=0.75, low=0.6, high=0.9, control=0.25, peaks=12, images=12)
    accuracy = PlaceAccuracy(distance=0.12, low=None, high=None, control=0.3, images=12)
    parts = [PartSteadiness(part=part, mirrored=again, shifted=again, accuracy=accuracy) for part in range(3)]
    keep_steadiness(content.atlas, Steadiness(images=12, left_out=0, parts=tuple(parts))).rename(written)
    opened.pair_view.rows.step(1)
    assert opened.pair_view.rows.current_part == 0
    assert box.measure.isVisibleTo(box)
    asked = commanded(f"import shutil; shutil.copy({str(written)!r}, {str(folder / 'steadiness.json')!r})")
    box.measure.click()
    assert asked == [["parts", "steady", str(folder), "--json"]]
    assert box.running.stop.isVisibleTo(box)
    assert not box.measure.isVisibleTo(box)

    def said() -> list[str]:
        return [label.text() for pair in box.lines for label in pair if label.isVisibleTo(box)]

    qtbot.waitUntil(lambda: bool(said()))
    assert said() == [
        "Accurate to about 12 % of the side",
        "by mirrored and shifted images; with another image's peaks 30 %",
        "Mirrored: 75 % of 12 come again",
        "60 to 90; in another image's mirror image 25 %",
        "Shifted: 75 % of 12 come again",
        "60 to 90; in another image's crop 25 %",
    ]
    assert not box.measure.isVisibleTo(box)
    assert not box.running.stop.isVisibleTo(box)
    # An atlas of another model is added to it.
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "seed 1"))
    box.other.click()
    assert asked[-1] == ["parts", "steady", str(folder), "--with", str(tmp_path / "seed 1"), "--json"]
    qtbot.waitUntil(lambda: opened.steadiness.job is None and box.other.isVisibleTo(box))
    # An edit concerns the parts that it names: only these are to be measured again.
    assert box.measure.text() == "Measure how steady it is"
    opened.crops.move(opened.pair_view.rows.rows[0].crops_a[0], 2)
    qtbot.waitUntil(lambda: box.measure.isVisibleTo(box))
    assert said() == []
    assert box.outdated.isVisibleTo(box)
    assert box.measure.text() == "Measure it again"
    opened.pair_view.rows.step(1)
    assert opened.pair_view.rows.current_part == 1
    assert box.other.isVisibleTo(box)
    assert not box.outdated.isVisibleTo(box)
    assert said()[-1] == "60 to 90; in another image's crop 25 %"
    opened.pair_view.rows.step(-1)
    box.measure.click()
    assert asked[-1] == ["parts", "steady", str(folder), "--json"]


def test_an_empty_part_has_no_row_and_drawn_cells_only_say_so(opened: PartsPage, qtbot: QtBot) -> None:
    choose(opened, KNOT, PLOVER, qtbot)
    view = opened.pair_view

    def rows() -> list[tuple[str, str]]:
        return [(row.name, row.caption) for row in view.rows.rows]

    cells = ("part 3", "background · drawn cells only")
    assert rows() == [("part 1", ""), ("part 2", ""), cells]
    view.rows.select_part(2)
    view.rows.selected.emit(2)
    assert view.card.facts.text().startswith("No peak, 24 drawn cells.")
    content = opened.controller.content
    assert content is not None
    files = [image.file for image in content.atlas.images]

    def empty(atlas: Atlas) -> None:
        for file in files:
            atlas.reassign(0, file, *PLACES[1])

    opened.controller.edits.make("moving peaks", empty)
    qtbot.waitUntil(lambda: rows() == [("part 1", ""), cells])
    assert opened.bar.facts.text().endswith("2 parts")
    assert [opened.map_view.parts.item(row).text() for row in range(opened.map_view.parts.count())] == [
        "part 1",
        "part 3 (background)",
    ]
    menu = opened.crops.menu_of(view.rows.rows[0].crops_a[0])
    assert [action.text() for action in menu.parts.actions()] == ["part 3", "part 2 (empty)"]


def test_a_part_has_one_colour_in_rows_matrix_and_portrait(
    opened: PartsPage, themed: QApplication, qtbot: QtBot
) -> None:
    choose(opened, KNOT, PLOVER, qtbot)
    views = {"pair": opened.pair_view.rows, "matrix": opened.matrix_view.cells, "portrait": opened.portrait_view}
    tabs = {"pair": 0, "matrix": 1, "portrait": opened.views.index(opened.portrait_view)}

    def colours(view: QWidget) -> set[str]:
        image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        pixels = np.frombuffer(image.constBits(), dtype=np.uint32) & 0xFFFFFF
        return {f"#{colour:06X}" for colour in np.unique(pixels).tolist()}

    for mode in ("light", "dark"):
        apply(themed, mode)  # type: ignore[arg-type]
        for name, view in views.items():
            opened.bar.tabs.setCurrentIndex(tabs[name])
            qtbot.waitUntil(opened.is_ready)
            wanted = {part_colour(0, tokens()), part_colour(1, tokens())}
            assert wanted <= colours(view), (name, mode)


def test_an_edit_of_the_parts_makes_a_kept_answer_outdated(opened: PartsPage, qtbot: QtBot) -> None:
    kept(opened, qtbot)
    view = opened.pair_view
    view.rows.step(1)
    view.split_part()
    qtbot.waitUntil(lambda: view.answer.compare.text() == "Compare again")
    opened.undo_stack().undo()
    qtbot.waitUntil(lambda: view.answer.first.text().startswith("Tells these two apart"))


def test_names_merges_and_background_are_kept_and_can_be_undone(
    opened: PartsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    choose(opened, KNOT, PLOVER, qtbot)
    view, stack = opened.pair_view, opened.undo_stack()

    def names() -> list[str]:
        return [row.name for row in view.rows.rows]

    view.rows.setFocus()
    view.rows.step(1)
    assert view.rows.current_part == 0
    qtbot.keyClick(view.rows, Qt.Key.Key_F2)
    editor = QApplication.focusWidget()
    assert editor is not None
    qtbot.keyClicks(editor, "bill")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "bill" in names())
    assert stack.undoText() == "name bill"
    view.card.merge_asked.emit(1)
    qtbot.waitUntil(lambda: "part 2" not in names())
    assert Atlas(tmp_path / "atlas").parts.numbers == (0, 2)
    view.card.background.click()
    qtbot.waitUntil(lambda: view.rows.rows[0].kind == "background")
    for _ in range(3):
        stack.undo()
    qtbot.waitUntil(lambda: names() == ["part 1", "part 2", "part 3"])
    assert Atlas(tmp_path / "atlas").parts.edits == ()
    for _ in range(3):
        stack.redo()
    qtbot.waitUntil(lambda: names() == ["bill", "part 3"] and view.rows.rows[0].kind == "background")
    assert view.rows.current_part == 0


def test_what_another_program_has_edited_is_not_undone(
    opened: PartsPage, session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    choose(opened, KNOT, PLOVER, qtbot)
    with qtbot.waitSignal(session.atlas_edited):  # other pages read the names again
        opened.pair_view.rename(0, "bill")
    qtbot.waitUntil(lambda: opened.pair_view.rows.rows[0].name == "bill")
    Atlas(tmp_path / "atlas").rename(1, "tail")
    with qtbot.waitSignal(session.error_reported) as said:
        opened.undo_stack().undo()
    assert "Another program" in said.args[0]
    assert Atlas(tmp_path / "atlas").parts.name(1) == "tail"


def test_keys_go_through_parts_and_crops_and_open_them(
    opened: PartsPage, session: Session, qtbot: QtBot, pictures: Path
) -> None:
    choose(opened, KNOT, PLOVER, qtbot)
    rows, asked = opened.pair_view.rows, list[str]()
    session.page_requested.connect(asked.append)
    commands = opened.commands()
    commands["parts-next"]()
    commands["parts-next"]()
    commands["parts-previous"]()
    assert rows.current_part == rows.rows[0].part
    qtbot.keyClick(rows, Qt.Key.Key_Right)
    crop = rows.rows[0].crops_a[1]
    assert rows.current_crop == crop
    qtbot.keyClick(rows, Qt.Key.Key_Space)
    assert opened.pair_view.large.isVisible()
    qtbot.keyClick(opened.pair_view.large, Qt.Key.Key_Right)
    assert opened.pair_view.large.crop == rows.rows[0].crops_a[2]
    qtbot.keyClick(opened.pair_view.large, Qt.Key.Key_Space)
    assert not opened.pair_view.large.isVisible()
    qtbot.keyClick(rows, Qt.Key.Key_Return)
    assert asked == ["inspect"]
    assert session.image == pictures / rows.rows[0].crops_a[2].file
    assert session.selection is not None
    assert (session.selection.name, len(session.selection)) == ("part 1", 8)
    assert session.model == Path("model.safetensors")
    # The atlas is of this model, so it stays open.
    assert opened.controller.content is not None


def test_the_photograph_with_a_ring_is_shown_beside_the_mouse(opened: PartsPage, qtbot: QtBot) -> None:
    choose(opened, KNOT, PLOVER, qtbot)
    view = opened.pair_view
    crop, place = view.rows.crops_shown()[0]
    qtbot.mouseMove(view.rows.viewport(), place.center())
    assert view.tip.isVisible()
    assert view.tip.crop == crop
    qtbot.mouseMove(view.rows.viewport(), QPoint(5, 5))
    assert not view.tip.isVisible()


def test_counter_examples_can_be_inspected(opened: PartsPage, session: Session, qtbot: QtBot) -> None:
    kept(opened, qtbot)
    card = opened.pair_view.card
    opened.pair_view.rows.step(1)
    assert opened.pair_view.rows.current_part == 0
    assert card.absent_words.text() == "Not found in 1 image of these classes."
    assert not card.idle.isVisible()  # hiding it changes something wherever it is found
    card.absent_link.click()
    assert session.selection is not None
    assert (session.selection.name, len(session.selection)) == ("part 1 not found", 1)
    opened.pair_view.rows.step(1)
    assert card.idle_words.text() == "Hiding it changes nothing in 8 images of these classes."


def test_hiding_a_part_changes_something_where_the_margin_becomes_larger(opened: PartsPage, qtbot: QtBot) -> None:
    content = opened.controller.content
    assert content is not None
    made = made_up_comparison(content.atlas, KNOT, PLOVER)
    images = list(made.images)
    gains, hardly = 1, 2  # images of the knot in which both parts are found
    images[gains] = replace(images[gains], losses=(1.5, -4.0))
    images[hardly] = replace(images[hardly], losses=(1.5, -0.1))
    keep_comparison(content.atlas, replace(made, images=tuple(images)))
    choose(opened, RUFF, KNOT, qtbot)
    choose(opened, KNOT, PLOVER, qtbot)
    pair = opened.pair.pair
    assert pair is not None
    idle = part_facts(content, 1, pair).idle
    assert images[gains].file not in {crop.file for crop in idle}
    assert len(idle) == 7
    assert idle[-1].file == images[hardly].file  # the smallest change comes first, whichever way it goes


def test_beside_all_others_images_of_every_class_are_inspected(
    opened: PartsPage, session: Session, qtbot: QtBot
) -> None:
    choose(opened, KNOT, "", qtbot)
    opened.pair_view.rows.step(1)
    opened.pair_view.card.inspect_asked.emit("found")
    assert session.selection is not None
    assert {file.partition("/")[0] for file in session.selection.files} == set(CLASSES)


def test_counter_examples_beside_all_others_name_their_class(opened: PartsPage, qtbot: QtBot) -> None:
    content = opened.controller.content
    assert content is not None
    made = made_up_comparison(content.atlas, KNOT, PLOVER)
    keep_comparison(content.atlas, replace(made, b=None, images=made.images[::-1]))
    choose(opened, KNOT, "", qtbot)
    pair = opened.pair.pair
    assert pair is not None
    assert pair.comparison is not None
    facts = part_facts(content, 1, pair)
    assert {crop.note.partition(":")[0] for crop in facts.idle} == {"Red knot", "Grey plover"}


@pytest.mark.parametrize("b", ["", "nobody", KNOT])
def test_only_classes_of_the_atlas_can_be_chosen(opened: PartsPage, b: str, qtbot: QtBot) -> None:
    opened.pair.set_pair(KNOT, b)
    assert (opened.pair.a, opened.pair.b) == ((KNOT, "") if not b else (RUFF, PLOVER))
    qtbot.waitUntil(opened.is_ready)


def test_classes_that_another_page_asks_about_are_shown(
    opened: PartsPage, session: Session, qtbot: QtBot, pictures: Path, tmp_path: Path
) -> None:
    opened.bar.tabs.setCurrentIndex(1)
    session.ask_why(RUFF, KNOT)
    assert (opened.pair.a, opened.pair.b) == (RUFF, KNOT)
    assert opened.bar.tabs.currentIndex() == 0
    with qtbot.waitSignal(session.notice_reported) as said:
        session.ask_why("004.Whimbrel", KNOT)
    assert "no images of Whimbrel" in said.args[0]
    opened.controller.close_atlas()
    with qtbot.waitSignal(session.notice_reported) as said:
        session.ask_why(RUFF, PLOVER)
    assert said.args[0].startswith("No atlas of this model is open.")
    assert session.why is None, "the next atlas may be of something else"
    # Asked while the atlas is read: shown as soon as it is there.
    session.atlas = tmp_path / "atlas"
    session.ask_why(PLOVER, KNOT)
    assert opened.controller.content is None
    qtbot.waitUntil(lambda: (opened.pair.a, opened.pair.b) == (PLOVER, KNOT))
    qtbot.waitUntil(opened.is_ready)


def test_what_is_shown_can_be_exported(
    opened: PartsPage,
    session: Session,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    commanded: Callable[[str], list[list[str]]],
) -> None:
    kept(opened, qtbot)
    exports, asked = opened.bar.exports, commanded("")
    assert not exports["part"].isEnabled()
    opened.pair_view.rows.step(1)
    assert exports["part"].isEnabled()
    assert exports["pair"].isEnabled()
    offered = list[str]()

    def save(parent: object, title: str, name: str, kinds: str) -> tuple[str, str]:
        offered.append(name)
        return str(tmp_path / name), kinds

    monkeypatch.setattr(QFileDialog, "getSaveFileName", save)
    for kind in ("pair", "part", "html"):
        with qtbot.waitSignal(session.notice_reported) as said:
            exports[kind].trigger()
        assert "is written" in said.args[0]
    assert offered == ["Red knot and Grey plover.pdf", "part 1.pdf", "atlas.html"]
    begin = ["parts", "export", str(tmp_path / "atlas"), "--out"]
    assert asked == [
        [*begin, str(tmp_path / "Red knot and Grey plover.pdf"), "--pair", KNOT, PLOVER, "--json"],
        [*begin, str(tmp_path / "part 1.pdf"), "--part", "part 1", "--json"],
        [*begin, str(tmp_path / "atlas.html"), "--json"],
    ]
    choose(opened, RUFF, KNOT, qtbot)
    assert not exports["pair"].isEnabled()  # these are not compared


def test_the_answer_takes_no_more_height_than_its_lines(themed: QApplication, qtbot: QtBot) -> None:
    card = AnswerCard()
    qtbot.addWidget(card)
    card.show_answer(Answer(kind="part", first="Tells these two apart by the bill. " * 4, second="Numbers."))
    card.show()
    for width in (300, 1500):
        card.resize(width, 300)
        for _ in range(5):
            themed.processEvents()
        lines = card.first.minimumHeight() / card.first.fontMetrics().height()
        assert (lines > 3) == (width == 300)


def test_crops_are_ranked_by_effect_once_it_is_measured(opened: PartsPage, qtbot: QtBot) -> None:
    view = opened.pair_view
    choose(opened, KNOT, PLOVER, qtbot)
    assert not any(row.by_effect for row in view.rows.rows)
    assert "typical" in view.rows.rows[0].crops_a[0].note
    kept(opened, qtbot)
    content = opened.controller.content
    assert content is not None
    row = next(row for row in view.rows.rows if row.kind == "not shown")
    assert row.by_effect
    assert [crop.note.partition(" by ")[0] for crop in row.crops_a] == [f"rank {rank} of 4" for rank in (1, 2, 3, 4)]
    assert {(crop.x, crop.y) for crop in row.crops_a} == {PLACES[1]}
    first = next(row for row in view.rows.rows if row.kind == "matters")
    assert (first.by_effect, len(first.crops_a), len(first.crops_b)) == (True, 3, 4)


def test_a_name_that_is_being_typed_stays(opened: PartsPage, qtbot: QtBot) -> None:
    view, edits, controller = opened.pair_view, opened.controller.edits, opened.controller
    first, second = [row.part for row in view.rows.rows if row.part >= 0][:2]
    opened.select_part(first)
    opened.activateWindow()
    view.card.name.setFocus()
    qtbot.waitUntil(view.card.name.hasFocus)
    view.card.name.selectAll()
    QTest.keyClicks(view.card.name, "bea")
    with qtbot.waitSignal(edits.edited):  # as after a comparison
        edits.refresh()
    assert view.card.name.text() == "bea"
    QTest.keyClicks(view.card.name, "k")
    with qtbot.waitSignal(edits.edited):
        QTest.keyClick(view.card.name, Qt.Key.Key_Return)
    with qtbot.waitSignal(edits.edited):
        opened.undo_stack().undo()
    assert controller.content is not None
    assert view.card.name.text() == controller.content.atlas.parts.name(first) != "beak"
    # In the row, too; leaving the field takes the name over, and Escape does not.
    opened.select_part(second)
    editor = view.rows.findChild(QLineEdit)
    assert editor is not None
    opened.commands()["parts-rename"]()
    QTest.keyClicks(editor, "ta")
    with qtbot.waitSignal(edits.edited):
        edits.refresh()
    assert editor.isVisible()
    QTest.keyClicks(editor, "il")
    with qtbot.waitSignal(edits.edited):
        view.card.name.setFocus()
    assert controller.content.atlas.parts.name(second) == "tail"
    assert not editor.isVisible()
    opened.commands()["parts-rename"]()
    assert editor.isVisible()
    QTest.keyClicks(editor, "wing")
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    assert not editor.isVisible()
    assert not edits.is_busy
    qtbot.waitUntil(opened.is_ready)


def test_the_keys_of_a_name_that_is_typed_are_not_those_of_the_rows(
    opened: PartsPage, session: Session, qtbot: QtBot
) -> None:
    choose(opened, KNOT, PLOVER, qtbot)
    rows, asked, named = opened.pair_view.rows, list[str](), list[tuple[int, str]]()
    session.page_requested.connect(asked.append)
    rows.rename_asked.connect(lambda part, name: named.append((part, name)))
    rows.setFocus()
    rows.step(1)
    part = rows.current_part
    editor = rows.findChild(QLineEdit)
    assert editor is not None
    for end in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        qtbot.keyClick(rows, Qt.Key.Key_F2)
        QTest.keyClicks(editor, "bill")
        for key in (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_PageDown):
            QTest.keyClick(editor, key)
            assert rows.current_part == part
        QTest.keyClick(editor, end)
        assert (named.pop(), named, asked) == ((part, "bill"), [], [])
        assert not editor.isVisible()
        qtbot.waitUntil(opened.is_ready)
    qtbot.keyClick(rows, Qt.Key.Key_F2)
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    assert not editor.isVisible()
    assert named == []


def test_a_name_that_is_typed_moves_with_its_row_and_is_taken_over_out_of_sight(
    opened: PartsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    choose(opened, KNOT, PLOVER, qtbot)
    loader, named = ThumbnailLoader(64), list[tuple[int, str]]()
    rows = RowsView(loader, lambda file: tmp_path / file)
    qtbot.addWidget(rows)
    rows.rename_asked.connect(lambda part, name: named.append((part, name)))
    rows.show_rows(opened.pair_view.rows.rows)
    rows.resize(600, 240)
    rows.show()
    bar, editor = rows.verticalScrollBar(), rows.findChild(QLineEdit)
    assert editor is not None
    second, third = rows.rows[1].part, rows.rows[2].part
    rows.select_part(third)
    assert bar.value() == bar.maximum() > 80
    rows.rename()
    QTest.keyClicks(editor, "tail")
    place = editor.geometry()
    bar.setValue(bar.value() - 20)
    assert editor.geometry() == place.translated(0, 20)
    rows.resize(500, 240)
    assert editor.isVisible()
    assert editor.geometry().width() < place.width()
    assert named == []
    rows.show_rows(rows.rows[1:])  # its row is further up
    assert (editor.isVisible(), editor.text(), named) == (True, "tail", [])
    rows.show_rows(opened.pair_view.rows.rows)
    bar.setValue(0)
    assert (editor.isVisible(), named) == (False, [(third, "tail")])
    # The row that is to be named is scrolled to.
    rows.select_part(second)
    bar.setValue(bar.maximum())
    rows.rename()
    assert editor.isVisible()
    assert rows.viewport().rect().contains(editor.geometry())
    rows.show_rows([row for row in rows.rows if row.part != second])
    assert (editor.isVisible(), len(named)) == (False, 1)
    loader.close()
    qtbot.waitUntil(opened.is_ready)
