"""Tokens, theme and icons: legible, complete, and quick to switch."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QFontInfo
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolButton

from s3n_gui.appearance import theme, tokens
from s3n_gui.appearance.icons import draw_icon, icon_names
from s3n_gui.appearance.resources import resource
from s3n_gui.appearance.tokens import BRANCH_COLOURS, DARK, LIGHT, Tokens, contrast, ink_on, mixed
from s3n_gui.parts.matrix.matrix_cells import STRONGEST
from s3n_gui.widgets.question import Answer, Question


@pytest.mark.parametrize("now", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_legible(now: Tokens) -> None:
    for ground in (now.page, now.card, now.raised, now.hover, now.selection):
        assert contrast(now.text, ground) >= 4.5, ground
    for ground in (now.page, now.card, now.hover):
        assert contrast(now.quiet, ground) >= 4.5, ground
    assert contrast(now.on_accent, now.accent) >= 4.5
    assert contrast(now.accent, now.card) >= 4.5
    for ground in (now.page, now.card, now.raised, now.hover, now.pressed, now.selection):
        for state in (now.good_text, now.caution_text, now.bad_text):
            assert contrast(state, ground) >= 4.5, (state, ground)
    for state in (now.good, now.caution, now.bad):
        assert contrast(state, now.card) >= 2.5  # icons and marks, which always have text beside them
    for colour in (now.favour, now.against):
        assert contrast(now.text, mixed(now.card, colour, STRONGEST)) >= 4.5  # numbers on the cells of a matrix


def test_text_on_a_branchs_colour_is_legible() -> None:
    assert [ink_on(colour) for colour in BRANCH_COLOURS.values()] == ["#000000", "#000000", "#FFFFFF", "#000000"]
    for colour in BRANCH_COLOURS.values():
        assert contrast(ink_on(colour), colour) >= 4.5


def test_states_are_said_in_the_colours_of_text() -> None:
    sheet = resource("style/studio.qss").read_text(encoding="utf-8")
    for state in ("good", "caution", "bad"):
        assert f'QLabel[state="{state}"] {{ color: ${state}_text; }}' in sheet
        assert not re.search(rf"[ ;{{]color: \${state};", sheet)


def test_contrast_of_black_and_white() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#123456", "#123456") == 1


@pytest.mark.parametrize(("factor", "clamped"), [(0.1, 0.8), (1.2, 1.2), (9, 1.6), (float("nan"), 1.0)])
def test_the_factor_stays_in_its_bounds(factor: float, clamped: float) -> None:
    assert tokens.clamp_factor(factor) == clamped


def test_colours_between() -> None:
    assert tokens.mixed("#000000", "#FFFFFF", 0.5) == "#808080"


def test_the_style_sheet_is_whole(themed: QApplication) -> None:
    sheet = themed.styleSheet()
    assert "$" not in sheet
    assert LIGHT.accent in sheet
    for place in re.findall(r'url\("([^"]+)"\)', sheet):
        assert place.endswith(".svg")
    colours = {"light": LIGHT, "dark": DARK}
    for mode, now in colours.items():  # the icons in the style sheet do not follow the tokens automatically
        assert now.quiet in resource(f"style/{mode}/arrow-down.svg").read_text()
        assert now.on_accent in resource(f"style/{mode}/tick.svg").read_text()


@pytest.mark.parametrize(("mode", "now"), [("light", LIGHT), ("dark", DARK)])
def test_the_icon_of_a_primary_button_has_the_colour_of_its_text(
    themed: QApplication, mode: Literal["light", "dark"], now: Tokens
) -> None:
    question = Question("Heading", "What", "Words", (Answer("resume", "Resume anyway", "play"),))
    theme.apply(themed, mode)
    drawn = question.buttons["resume"].icon().pixmap(16, 16).toImage()
    colours = {
        drawn.pixelColor(x, y).name() for x in range(16) for y in range(16) if drawn.pixelColor(x, y).alpha() == 255
    }
    assert colours == {now.on_accent.lower()}
    question.deleteLater()


def test_switching_the_theme(themed: QApplication, qtbot: object) -> None:
    heard = []
    theme.theme().changed.connect(lambda: heard.append(theme.tokens().dark))
    button = QToolButton()
    theme.set_icon(button, "play")
    before = button.icon().pixmap(16).toImage()
    theme.apply(themed, "dark", 1.0)
    assert heard == [True]
    assert themed.palette().window().color().name().upper() == DARK.page
    assert button.icon().pixmap(16).toImage() != before
    theme.apply(themed, "light", 1.0)
    assert button.icon().pixmap(16).toImage() == before
    button.deleteLater()


class Desktop(QObject):
    """Simulates the desktop's style hints on a platform without any."""

    colorSchemeChanged = Signal()

    def __init__(self, scheme: Qt.ColorScheme) -> None:
        super().__init__()
        self.scheme = scheme

    def colorScheme(self) -> Qt.ColorScheme:
        return self.scheme

    def setColorScheme(self, scheme: Qt.ColorScheme) -> None:
        pass


def test_the_desktops_theme_is_followed_where_nothing_is_chosen(
    themed: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    desktop = Desktop(Qt.ColorScheme.Dark)
    monkeypatch.setattr(theme.QGuiApplication, "styleHints", staticmethod(lambda: desktop))
    look = theme.Theme()
    look.apply(themed, "system", 1.0)
    assert look.tokens is DARK
    desktop.scheme = Qt.ColorScheme.Light
    desktop.colorSchemeChanged.emit()
    assert look.tokens is LIGHT
    look.apply(themed, "dark", 1.0)
    desktop.colorSchemeChanged.emit()  # a chosen theme is kept
    assert look.tokens is DARK


def test_the_shipped_font_is_used(themed: QApplication) -> None:
    assert QFontInfo(theme.font("body")).family() == "Inter"
    assert QFontInfo(theme.font("body")).pixelSize() == 13
    theme.apply(themed, "light", 1.6)
    assert theme.font("title").pixelSize() == 32
    assert theme.px(28) == 45


def test_figures_have_equal_width(themed: QApplication) -> None:
    from PySide6.QtGui import QFontMetricsF

    metrics = QFontMetricsF(theme.number_font())
    assert len({metrics.horizontalAdvance(figure * 8) for figure in "0123456789"}) == 1


def test_every_icon_is_drawn_in_the_text_colour() -> None:
    assert len(icon_names()) > 40
    for name in icon_names():
        text = resource(f"icons/{name}.svg").read_text()
        assert 'viewBox="0 0 20 20"' in text, name
        assert "#" not in text, f"{name} has a colour of its own"
        image = draw_icon(name, 20, "#FF0000")
        pixels = [image.pixelColor(x, y) for x in range(20) for y in range(20)]
        drawn = [pixel for pixel in pixels if pixel.alpha() > 128]
        assert drawn, name
        assert all(pixel.red() > 200 and pixel.green() < 60 for pixel in drawn), name


def test_an_icon_on_a_label_keeps_its_size(themed: QApplication) -> None:
    label = QLabel()
    theme.set_icon(label, "info", 20, colour=LIGHT.bad)
    assert label.size().width() == label.size().height() == 20
    label.deleteLater()


def test_buttons_are_as_high_as_the_tokens_say(themed: QApplication) -> None:
    plain, primary = QPushButton("Stop"), QPushButton("Start")
    primary.setProperty("role", "primary")
    assert plain.sizeHint().height() == tokens.CONTROL_HEIGHT
    assert primary.sizeHint().height() == tokens.PRIMARY_HEIGHT
    plain.deleteLater()
    primary.deleteLater()


def test_branches_have_one_colour_in_both_themes(themed: QApplication) -> None:
    assert theme.branch_colour("D").name().upper() == "#D55E00"
    theme.apply(themed, "dark", 1.0)
    assert theme.branch_colour("D").name().upper() == "#D55E00"
