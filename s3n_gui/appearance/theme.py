"""The theme of the running window: current tokens, fonts, icons and style sheet, and switching between themes."""

from __future__ import annotations

import string
from functools import lru_cache

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from s3n_gui.appearance.icons import svg_icon
from s3n_gui.appearance.resources import resource
from s3n_gui.appearance.tokens import (
    BRANCH_COLOURS,
    DARK,
    LIGHT,
    TYPE_SCALE,
    Branch,
    Mode,
    Tokens,
    TypeRole,
    clamp_factor,
)

__all__ = [
    "Theme",
    "apply",
    "branch_colour",
    "font",
    "icon",
    "number_font",
    "px",
    "set_icon",
    "theme",
    "tokens",
]

_FONT_FILES = ("Inter-Regular.otf", "Inter-SemiBold.otf")
_ICON_NAME, _ICON_SIZE, _ICON_COLOUR = "s3nIconName", "s3nIconSize", "s3nIconColour"


class Theme(QObject):
    """The current theme; a singleton (``theme()``).

    Signals:
        changed: Colours or text sizes changed. Widgets that Qt's palette and the style sheet do not reach (plots,
            custom painting, rich text with colours) must redraw.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.mode: Mode = "system"
        self.factor = 1.0
        self.tokens: Tokens = LIGHT
        self._family = ""
        self._hears_system = False

    def apply(self, app: QApplication, mode: Mode, factor: float) -> None:
        """Apply a theme to the whole program.

        Args:
            app: The application.
            mode: "light", "dark", or "system" to follow the desktop, including later changes.
            factor: Scale of all text, clamped to [0.8, 1.6].
        """
        self.mode, self.factor = mode, clamp_factor(factor)
        hints = QGuiApplication.styleHints()
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark, "system": Qt.ColorScheme.Unknown}
        if not self._hears_system:
            self._hears_system = True
            hints.colorSchemeChanged.connect(self._on_system_changed)
        hints.setColorScheme(schemes[mode])  # also affects title bars and native file dialogs
        dark = mode == "dark" or (mode == "system" and hints.colorScheme() == Qt.ColorScheme.Dark)
        self.tokens = DARK if dark else LIGHT
        if not self._family:
            self._family = _load_fonts()
            app.setStyle("Fusion")
        app.setFont(self.font("body"))
        app.setPalette(_palette(self.tokens))
        app.setStyleSheet(_style_sheet(self))
        _renew_icons()
        self.changed.emit()

    def font(self, role: TypeRole, *, semibold: bool = False) -> QFont:
        """Return the font of a role, at the user's text size."""
        made = QFont(self._family) if self._family else QFont()
        made.setPixelSize(self.px(TYPE_SCALE[role]))
        made.setWeight(QFont.Weight.DemiBold if semibold else QFont.Weight.Normal)
        return made

    def number_font(self, role: TypeRole = "body", *, semibold: bool = False) -> QFont:
        """Return the font of a role with tabular figures, for counters, tables and axes."""
        made = self.font(role, semibold=semibold)
        made.setFeature(QFont.Tag("tnum"), 1)
        return made

    def px(self, pixels: float) -> int:
        """Scale a length by the user's text size; in whole device-independent pixels."""
        return round(pixels * self.factor)

    def _on_system_changed(self) -> None:
        app = QApplication.instance()
        if self.mode == "system" and isinstance(app, QApplication):
            dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
            if dark != self.tokens.dark:
                self.apply(app, self.mode, self.factor)


@lru_cache(maxsize=1)
def theme() -> Theme:
    """Return the theme of this process."""
    return Theme()


def apply(app: QApplication, mode: Mode = "system", factor: float = 1.0) -> None:
    """Apply a theme to the whole program; see ``Theme.apply``."""
    theme().apply(app, mode, factor)


def tokens() -> Tokens:
    """Return the current colours."""
    return theme().tokens


def font(role: TypeRole = "body", *, semibold: bool = False) -> QFont:
    """Return the font of a role, at the user's text size."""
    return theme().font(role, semibold=semibold)


def number_font(role: TypeRole = "body", *, semibold: bool = False) -> QFont:
    """Return the font of a role with tabular figures."""
    return theme().number_font(role, semibold=semibold)


def px(pixels: float) -> int:
    """Scale a length by the user's text size; in whole device-independent pixels."""
    return theme().px(pixels)


def branch_colour(branch: Branch) -> QColor:
    """Return the colour of a branch, the same in both themes."""
    return QColor(BRANCH_COLOURS[branch])


def icon(name: str, size: int = 16) -> QIcon:
    """Return an icon in the current text colour; unlike ``set_icon``, it does not follow theme changes."""
    now = tokens()
    return svg_icon(name, size, now.text, now.faint, now.accent)


def set_icon(
    target: QAbstractButton | QAction | QLabel, name: str, size: int = 16, *, colour: str | None = None
) -> None:
    """Give a button, an action or a label an icon that follows the theme; on a primary button it has the colour of its text.

    Args:
        target: The button, action or label.
        name: The icon's name.
        size: 16 or 20, in device-independent pixels.
        colour: ``#RRGGBB`` instead of the text colour, for a state; a text beside it must name the state, too.
    """
    target.setProperty(_ICON_NAME, name)
    target.setProperty(_ICON_SIZE, size)
    target.setProperty(_ICON_COLOUR, colour or "")
    _renew_icon(target)


def _renew_icon(target: QObject) -> None:
    name, size, colour = (target.property(key) for key in (_ICON_NAME, _ICON_SIZE, _ICON_COLOUR))
    size = max(size, px(size))  # icons grow with the text, but never shrink
    if colour:
        drawn = svg_icon(name, size, colour, colour, colour)
    elif target.property("role") == "primary":
        now = tokens()
        drawn = svg_icon(name, size, now.on_accent, now.quiet, now.on_accent)
    else:
        drawn = icon(name, size)
    if isinstance(target, QLabel):
        target.setPixmap(drawn.pixmap(size, size))
        target.setFixedSize(size, size)
    elif isinstance(target, QAbstractButton):
        target.setIcon(drawn)
        target.setIconSize(QSize(size, size))
    elif isinstance(target, QAction):
        target.setIcon(drawn)


def _renew_icons() -> None:
    seen: set[int] = set()
    for widget in QApplication.allWidgets():
        for target in (widget, *widget.actions()):
            if id(target) not in seen and target.property(_ICON_NAME):
                seen.add(id(target))
                _renew_icon(target)


def _load_fonts() -> str:
    """Load the bundled font and return its family; the system's family if it does not load."""
    family = ""
    for name in _FONT_FILES:
        number = QFontDatabase.addApplicationFont(str(resource(f"fonts/{name}")))
        families = QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
        family = families[0] if families else family
    return family or QFont().family()


def _style_sheet(now: Theme) -> str:
    values: dict[str, str] = {name: str(getattr(now.tokens, name)) for name in Tokens.__slots__}
    values |= {role: f"{now.px(size)}px" for role, size in TYPE_SCALE.items()}
    values |= {f"h{pixels}": f"{now.px(pixels)}px" for pixels in (8, 10, 12, 14, 16, 20, 24, 26, 28, 30, 32)}
    values["w60"] = f"{now.px(60)}px"
    marks = resource("style/dark" if now.tokens.dark else "style/light").as_posix()
    values |= {name.replace("-", "_"): f'"{marks}/{name}.svg"' for name in ("arrow-down", "arrow-up", "tick", "dash")}
    template = resource("style/studio.qss").read_text(encoding="utf-8")
    return string.Template(template).substitute(values)


def _palette(colours: Tokens) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for what, colour in (
        (role.Window, colours.page),
        (role.Base, colours.card),
        (role.AlternateBase, colours.page),
        (role.Button, colours.raised),
        (role.ToolTipBase, colours.card),
        (role.WindowText, colours.text),
        (role.Text, colours.text),
        (role.ButtonText, colours.text),
        (role.ToolTipText, colours.text),
        (role.BrightText, colours.bad_text),
        (role.PlaceholderText, colours.quiet),
        (role.Highlight, colours.accent),
        (role.HighlightedText, colours.on_accent),
        (role.Accent, colours.accent),
        (role.Link, colours.accent),
        (role.LinkVisited, colours.accent),
        (role.Light, colours.raised),
        (role.Midlight, colours.border),
        (role.Mid, colours.strong_border),
        (role.Dark, colours.strong_border),
        (role.Shadow, colours.border),
    ):
        palette.setColor(what, QColor(colour))
    for what in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, what, QColor(colours.faint))
    return palette
