"""Finds what a person would see as broken in a laid-out window: text that is cut, overlaps, widgets out of reach.

All lengths are device-independent pixels. Two properties declare what is meant to be so: ``elides`` of a widget that
shortens its text with "…" by itself, and ``floats`` of a widget that lies over its siblings.
"""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QTextDocument
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QSlider,
    QSplitter,
    QStyle,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QStyleOptionToolButton,
    QTabBar,
    QTabWidget,
    QTextBrowser,
    QToolButton,
    QWidget,
)

TOLERANCE = 1
"""Pixels that rounding may take, for example of fonts at 150 % scaling."""

_CONTROLS = (QComboBox, QAbstractSpinBox, QLineEdit, QSlider, QTabBar, QHeaderView)


def layout_faults(top: QWidget) -> list[str]:
    """Return one line for each fault among a shown widget and all that is visible inside it; none if all is well."""
    return [fault for widget in _visible(top) for fault in (*_cut(widget), *_outside(widget), *_overlaps(widget))]


def name_of(widget: QWidget) -> str:
    """Return what a person needs to find a widget in the code: the classes that it is in, and its text."""
    owners, owner = [], widget
    while owner is not None and not owner.isWindow() and len(owners) < 4:
        if type(owner) is not QWidget:
            owners.append(type(owner).__name__ + (f"#{owner.objectName()}" if owner.objectName() else ""))
        owner = owner.parentWidget()
    return f"{' in '.join(owners) or type(widget).__name__} {_text(widget)[:60]!r}"


def _visible(widget: QWidget) -> Iterator[QWidget]:
    yield widget
    if isinstance(widget, _CONTROLS) or (
        isinstance(widget, QAbstractScrollArea) and not isinstance(widget, QScrollArea)
    ):
        if isinstance(widget, QAbstractItemView):
            yield from (header for header in widget.findChildren(QHeaderView) if header.isVisible())
        return
    for child in _children(widget):
        yield from _visible(child)


def _children(widget: QWidget) -> list[QWidget]:
    if isinstance(widget, QScrollArea):
        return [] if widget.widget() is None else [widget.widget()]
    children = [child for child in widget.children() if isinstance(child, QWidget)]
    if isinstance(widget, QSplitter):
        closed = {id(widget.widget(at)) for at, size in enumerate(widget.sizes()) if not size}
        children = [c for c in children if id(c) not in closed and widget.indexOf(c) >= 0]
    return [child for child in children if child.isVisible() and not child.isWindow()]


# -- text ---------------------------------------------------------------------------------------------------------------


def _text(widget: QWidget) -> str:
    if isinstance(widget, QComboBox):
        return widget.currentText()
    if isinstance(widget, QAbstractSpinBox):
        return widget.lineEdit().text()
    if isinstance(widget, QLineEdit):  # what is typed may be longer than the field, which scrolls
        return "" if widget.text() else widget.placeholderText()
    if isinstance(widget, QAbstractButton | QLabel):
        return widget.text()
    return ""


def _cut(widget: QWidget) -> Iterator[str]:
    if isinstance(widget, QTabBar):
        yield from _cut_tabs(widget)
        return
    if isinstance(widget, QHeaderView):
        yield from _cut_sections(widget)
        return
    if not _text(widget):
        return
    needed, room = _needed(widget), _room(widget)
    if widget.property("elides"):
        needed.setWidth(0)
    lacking = [
        f"{need} {what} for {have}"
        for what, need, have in (
            ("wide", needed.width(), room.width()),
            ("high", needed.height(), room.height()),
        )
        if need > have + TOLERANCE
    ]
    if lacking:
        yield f"cut: {name_of(widget)}: {', '.join(lacking)}"


def _needed(widget: QWidget) -> QSize:
    """Return the size that the displayed text (with icon) takes, for the room that `_room` returns."""
    metrics = widget.fontMetrics()
    if isinstance(widget, QLabel):
        if not widget.wordWrap():
            return QLabel.sizeHint(widget)
        words = _plain(widget).replace("\u200b", " ").split()  # lines may break at a space of no width, too
        widest = max((metrics.horizontalAdvance(word) for word in words), default=0)
        edges = widget.width() - widget.contentsRect().width()
        high = QLabel.heightForWidth(widget, widget.width())
        return QSize(widest + edges, high - metrics.leading() - metrics.descent() // 2)
    if isinstance(widget, QAbstractButton):
        icon = 0 if widget.icon().isNull() else widget.iconSize().width() + 4
        size = metrics.size(Qt.TextFlag.TextShowMnemonic, widget.text())
        if isinstance(widget, QToolButton):
            style = widget.toolButtonStyle()
            if style == Qt.ToolButtonStyle.ToolButtonIconOnly and icon:
                return widget.iconSize()
            if style == Qt.ToolButtonStyle.ToolButtonTextUnderIcon:
                return QSize(size.width(), size.height() + widget.iconSize().height())
            if style == Qt.ToolButtonStyle.ToolButtonTextOnly:
                icon = 0
        menu = 16 if isinstance(widget, QPushButton) and widget.menu() is not None else 0
        return QSize(size.width() + icon + menu, size.height())
    return QSize(metrics.horizontalAdvance(_text(widget)), metrics.ascent() + metrics.descent())


def _room(widget: QWidget) -> QSize:
    style = widget.style()
    if isinstance(widget, QPushButton):
        push = QStyleOptionButton()
        widget.initStyleOption(push)
        return style.subElementRect(QStyle.SubElement.SE_PushButtonContents, push, widget).size()
    if isinstance(widget, QCheckBox | QRadioButton):
        check = QStyleOptionButton()
        widget.initStyleOption(check)
        part = QStyle.SubElement.SE_CheckBoxContents
        if isinstance(widget, QRadioButton):
            part = QStyle.SubElement.SE_RadioButtonContents
        return style.subElementRect(part, check, widget).size()
    if isinstance(widget, QToolButton):
        tool = QStyleOptionToolButton()
        widget.initStyleOption(tool)
        return style.subControlRect(
            QStyle.ComplexControl.CC_ToolButton, tool, QStyle.SubControl.SC_ToolButton, widget
        ).size()
    if isinstance(widget, QComboBox):
        combo = QStyleOptionComboBox()
        widget.initStyleOption(combo)
        return style.subControlRect(
            QStyle.ComplexControl.CC_ComboBox, combo, QStyle.SubControl.SC_ComboBoxEditField, widget
        ).size()
    if isinstance(widget, QAbstractSpinBox):
        return widget.lineEdit().contentsRect().size()
    if isinstance(widget, QLineEdit):
        return widget.contentsRect().size()
    return widget.size()


def _plain(label: QLabel) -> str:
    rich = label.textFormat() == Qt.TextFormat.RichText or (
        label.textFormat() == Qt.TextFormat.AutoText and "<" in label.text()
    )
    if not rich:
        return label.text()
    document = QTextDocument()
    document.setHtml(label.text())
    return document.toPlainText()


def _cut_tabs(bar: QTabBar) -> Iterator[str]:
    for at in range(bar.count()):
        if bar.isTabVisible(at) and not bar.rect().adjusted(-1, -2, 1, 2).contains(bar.tabRect(at)):
            yield f"cut: {name_of(bar)}: tab {bar.tabText(at)!r}"


def _cut_sections(header: QHeaderView) -> Iterator[str]:
    if header.orientation() != Qt.Orientation.Horizontal or header.model() is None:
        return
    metrics = QFontMetrics(header.font())
    for section in range(header.count()):
        text = str(header.model().headerData(section, header.orientation()) or "")
        if header.isSectionHidden(section) or header.property("elides"):
            continue
        needed, room = metrics.horizontalAdvance(text), header.sectionSize(section)
        if needed > room + TOLERANCE:
            yield f"cut: {name_of(header)}: column {text!r}: {needed} wide for {room}"


# -- places --------------------------------------------------------------------------------------------------------------


def _outside(widget: QWidget) -> Iterator[str]:
    if isinstance(widget, QScrollArea):
        inside, room = widget.widget(), widget.viewport().size()
        never = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        if inside is not None and inside.isVisible():
            for what, need, have, policy in (
                ("wide", inside.width(), room.width(), widget.horizontalScrollBarPolicy()),
                ("high", inside.height(), room.height(), widget.verticalScrollBarPolicy()),
            ):
                if need > have + TOLERANCE and policy == never:
                    yield f"out of reach: {name_of(inside)}: {need} {what} for {have} without a scroll bar"
        return
    if isinstance(widget, QTextBrowser) and widget.horizontalScrollBar().maximum():
        yield f"sideways: {name_of(widget)}: {widget.horizontalScrollBar().maximum()} pixels beside the text's room"
    if isinstance(widget, QTabWidget):
        return
    room = widget.rect().adjusted(-TOLERANCE, -TOLERANCE, TOLERANCE, TOLERANCE)
    if isinstance(widget, (*_CONTROLS, QAbstractScrollArea)):
        return
    for child in _children(widget):
        if not child.geometry().isEmpty() and not room.contains(child.geometry()):
            yield f"outside: {name_of(child)}: {_of(child.geometry())} of {_of(widget.rect())}"


def _overlaps(widget: QWidget) -> Iterator[str]:
    if isinstance(widget, (*_CONTROLS, QAbstractScrollArea, QTabWidget)):
        return
    children = [child for child in _children(widget) if not child.property("floats")]
    for at, one in enumerate(children):
        for other in children[at + 1 :]:
            both = one.geometry() & other.geometry()
            if both.width() > TOLERANCE and both.height() > TOLERANCE:
                yield f"overlap: {name_of(one)} and {name_of(other)}: {_of(both)}"


def _of(rect: QRect) -> str:
    return f"{rect.width()}x{rect.height()}+{rect.x()}+{rect.y()}"
