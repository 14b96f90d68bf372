"""The help dialog: a text for each page of the window, and the glossary of the method's symbols."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from s3n_core.errors import S3NError
from s3n_gui.appearance.resources import resource
from s3n_gui.appearance.theme import px, theme
from s3n_gui.appearance.tokens import PAGE_MARGIN, TYPE_SCALE
from s3n_gui.widgets.dialog_size import fit_in_window

GLOSSARY = "glossary"


def has_help(topic: str) -> bool:
    """Return whether a help text of that name exists."""
    try:
        return resource(f"help/{topic}.html").is_file()
    except S3NError:
        return False


class HelpDialog(QDialog):
    """Shows one help text; not modal."""

    def __init__(self, topic: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.topic = topic
        self.text = QTextBrowser()
        self.text.setOpenExternalLinks(True)
        self.text.setAccessibleName(title)
        self.text.setProperty("role", "reading")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        column.addWidget(self.text, 1)
        column.addWidget(buttons)
        theme().changed.connect(self._draw)
        self._draw()
        fit_in_window(self, QSize(px(720), px(620)))  # a readable line length

    def _draw(self) -> None:
        self.text.document().setDefaultStyleSheet(_style())
        self.text.document().setDocumentMargin(px(12))
        self.text.setHtml(resource(f"help/{self.topic}.html").read_text(encoding="utf-8"))


def _style() -> str:
    now = theme().tokens
    size = {role: px(pixels) for role, pixels in TYPE_SCALE.items()}
    return f"""
        body, p, td {{ font-size: {size["body"]}px; color: {now.text}; line-height: 140%; }}
        p.title {{ font-size: {size["title"]}px; font-weight: 600; margin-bottom: 8px; }}
        p.section {{ font-size: {size["section"]}px; font-weight: 600; margin-top: 20px; margin-bottom: 6px; }}
        p.lead, p.quiet {{ color: {now.quiet}; }}
        td {{ padding: 4px 0 6px 0; }}
        td.sym {{ color: {now.accent}; font-weight: 600; padding-right: 20px; white-space: nowrap; }}
        p.eq {{ margin: 8px 0 2px 16px; font-size: {px(16)}px; }}
        span.no {{ color: {now.quiet}; font-size: {size["caption"]}px; }}
        code {{ color: {now.text}; background: {now.hover}; }}
        a {{ color: {now.accent}; }}
    """
