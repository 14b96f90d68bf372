"""The dialog of backbones and their pretrained weights: choosing one, getting its weights, checking a file of one's own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from s3n_core.method.backbone_sizes import tokens_sentence
from s3n_core.method.weight_licences import WeightLicence
from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN, SPACE
from s3n_gui.appearance.wording import count_text, left_text, tip_text
from s3n_gui.background.weight_catalogue import BackboneFacts, WeightCatalogue
from s3n_gui.frame.dialogs.backbones.backbone_table import BackboneTable
from s3n_gui.widgets.dialog_size import fit_in_window
from s3n_gui.widgets.download_question import DOWNLOAD, DownloadQuestion, WeightFile
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.widgets.progress_bar import ProgressBar
from s3n_gui.widgets.question import Answer

_LOADING = "Looking for backbones and weights…"
_NO_TIMM = 'More than a thousand others come with the package timm: pip install "s3n-studio[timm]"'


class _CopyButton(QToolButton):
    """A button that puts the words of a label on the clipboard."""

    def __init__(self, line: ElidedLabel) -> None:
        super().__init__()
        self._line = line
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._line.text())


class BackbonesDialog(QDialog):
    """All backbones, and for the selected one where its weights are, how to get them, and what their licence allows.

    Signals:
        chosen: A backbone and its initial weights ("imagenet", "none" or a file) for the form of a new training.
    """

    chosen = Signal(str, str)

    def __init__(self, catalogue: WeightCatalogue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Backbones and weights")
        self._catalogue = catalogue
        self._size = 224
        self._wanted = ""
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search by words of the name")
        self.search.setAccessibleName("Search backbones")
        self.search.setClearButtonEnabled(True)
        self.here = QCheckBox("Weights on this machine")
        self.here.setToolTip("Only backbones whose pretrained weights are on this machine")
        self.table = BackboneTable()
        self.count = QLabel()
        self.count.setProperty("role", "caption")
        self.count.setTextFormat(Qt.TextFormat.PlainText)
        self.count.setWordWrap(True)
        self.count.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.name = ElidedLabel(name=True)
        self.name.setProperty("role", "headline")
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.bar = ProgressBar()
        self.progress = QLabel()
        self.progress.setProperty("role", "quiet")
        for part in (self.bar, self.progress):  # nothing jumps when a download begins
            policy = part.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            part.setSizePolicy(policy)
        self.lines = {key: ElidedLabel(name=True) for key in ("Address", "File", "SHA-256")}
        self.copies = {key: _CopyButton(line) for key, line in self.lines.items()}
        self.fetch, self.own = QPushButton("Download…"), QPushButton("Choose own file…")
        self.fetch.setToolTip("Download the pretrained weights; their licence is shown first")
        self.own.setToolTip("Check a weight file of your own and use it for this backbone")
        self.close_button, self.use = QPushButton("Close"), QPushButton("Use for training")
        self.use.setProperty("role", "primary")
        self.use.setToolTip("Take this backbone and its weights into the form of a new training")
        for button in (self.fetch, self.own, self.close_button, self.use):
            button.setAutoDefault(False)  # Enter in the search field must not press one
        self._build()
        self.search.textChanged.connect(self._find)
        self.here.toggled.connect(self._find)
        self.table.selectionModel().currentChanged.connect(self._show)
        self.table.doubleClicked.connect(self._on_use)
        self.fetch.clicked.connect(self._on_fetch)
        self.own.clicked.connect(self._on_own)
        self.use.clicked.connect(self._on_use)
        self.close_button.clicked.connect(self.reject)
        catalogue.listed.connect(self._on_listed)
        catalogue.changed.connect(self._on_changed)
        catalogue.progressed.connect(self._show)
        catalogue.checked.connect(self._show)
        theme().changed.connect(self._fit)
        self._fit()
        if catalogue.backbones:
            self._on_listed()
        else:
            self._find()
        self.search.setFocus()

    def show_backbone(self, name: str, size: int) -> None:
        """Select a backbone as soon as it is listed.

        Args:
            name: Its name; "" for none.
            size: Side of the network's input, in pixels, that own files are checked for.
        """
        self._wanted, self._size = name, size
        if name and self._catalogue.backbones:
            self.search.clear()
            self.here.setChecked(False)
            self.table.choose(name)
            self._wanted = ""  # the list is asked for again, and another one may be chosen meanwhile

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Down leads from the search field to the table."""
        if event.key() == Qt.Key.Key_Down and self.search.hasFocus():
            self.table.setFocus(Qt.FocusReason.TabFocusReason)
            if not self.table.currentIndex().isValid():
                self.table.selectRow(0)
        else:
            super().keyPressEvent(event)

    def _build(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(INSIDE_GROUP)
        top.addWidget(self.search, 1)
        top.addWidget(self.here)
        grid = QGridLayout()
        grid.setHorizontalSpacing(INSIDE_GROUP)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        for row, (key, line) in enumerate(self.lines.items()):
            caption = QLabel(key)
            caption.setProperty("role", "caption")
            line.setAccessibleName(key)
            copy = self.copies[key]
            copy.setAutoRaise(True)
            copy.setProperty("role", "small")
            copy.setToolTip(f"Copy {'' if key == 'SHA-256' else 'the '}{key if key == 'SHA-256' else key.lower()}")
            copy.setAccessibleName(f"Copy {key}")
            set_icon(copy, "copy")
            grid.addWidget(caption, row, 0)
            grid.addWidget(line, row, 1)
            grid.addWidget(copy, row, 2)
        running = QHBoxLayout()
        running.setSpacing(INSIDE_GROUP)
        running.addWidget(self.bar, 1)
        running.addWidget(self.progress)
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(12, 8, 12, 8)
        inside.setSpacing(SPACE)
        inside.addWidget(self.name)
        inside.addWidget(self.words)
        inside.addLayout(grid)
        inside.addLayout(running)
        buttons = QHBoxLayout()
        buttons.setSpacing(INSIDE_GROUP)
        buttons.addWidget(self.fetch)
        buttons.addWidget(self.own)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.use)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        column.setSpacing(INSIDE_GROUP)
        column.addLayout(top)
        column.addWidget(self.table, 1)
        column.addWidget(self.count)
        column.addWidget(card)
        column.addLayout(buttons)

    def _fit(self) -> None:
        self.words.setMinimumHeight(4 * self.words.fontMetrics().lineSpacing())  # nothing jumps between the rows
        for copy in self.copies.values():
            copy.setFixedSize(px(24), px(22))
        self.progress.setMinimumWidth(px(150))
        fit_in_window(self, QSize(px(820), px(640)))

    def _on_listed(self) -> None:
        chosen = self.table.chosen
        self.table.backbones.show(list(self._catalogue.backbones.values()))
        self._find()
        self.table.choose(self._wanted or (chosen.name if chosen is not None else ""))
        if self._catalogue.backbones:
            self._wanted = ""

    def _on_changed(self, name: str) -> None:
        self.table.backbones.renew(self._catalogue.backbones[name])
        self._find()

    def _find(self, *_: object) -> None:
        self.table.found.find(self.search.text(), here=self.here.isChecked())
        rows, catalogue = self.table.backbones.rows, self._catalogue
        if not rows:
            self.count.setText(catalogue.problem or _LOADING)
        else:
            shown, here = self.table.found.rowCount(), sum(row.size is not None for row in rows)
            found = f"{shown:,} of {len(rows):,} backbones" if shown < len(rows) else count_text(shown, "backbone")
            text = f"{found}, {here} with weights on this machine."
            self.count.setText(text if catalogue.has_timm else f"{text} {_NO_TIMM}")
        self._show()

    def _show(self, *_: object) -> None:
        facts, catalogue = self.table.chosen, self._catalogue
        own = None if facts is None else catalogue.own.get(facts.name)
        self.name.setText("" if facts is None else facts.name)
        words, state = self._words_of(facts)
        self.words.setText(words)
        self.words.setProperty("state", state)
        self.words.style().unpolish(self.words)
        self.words.style().polish(self.words)
        file = "" if facts is None else own.file if own is not None else facts.file
        values = {
            "Address": "" if facts is None or own is not None else facts.place,
            "File": file,
            "SHA-256": "" if facts is None or own is not None else facts.sha256,
        }
        for key, line in self.lines.items():
            line.setText(values[key] or ("not known before the download" if key == "SHA-256" and file else ""))
            line.setToolTip(tip_text(values[key]))
            self.copies[key].setEnabled(bool(values[key]))
        fetching = facts is not None and facts.name == catalogue.fetched
        self._show_progress(fetching)
        self.own.setText("Use published weights" if own is not None else "Choose own file…")
        self.own.setEnabled(facts is not None and not catalogue.is_checking and (own is None or bool(facts.place)))
        can_fetch = facts is not None and bool(facts.place) and facts.size is None
        self.fetch.setText(
            "Stop" if fetching else "Continue download…" if facts is not None and facts.is_begun else "Download…"
        )
        self.fetch.setEnabled(fetching or (can_fetch and not catalogue.fetched))
        self.use.setEnabled(facts is not None)

    def _show_progress(self, fetching: bool) -> None:
        job = self._catalogue.download if fetching else None
        self.bar.show_share(0.0 if job is None else job.fraction)
        self.bar.setVisible(job is not None)
        self.progress.setVisible(job is not None)
        words = "" if job is None else "stopping" if job.status == "stopping" else left_text(job.seconds_left)
        self.progress.setText(f"{job.text} MB" if job is not None and job.text and not words else words)

    def _words_of(self, facts: BackboneFacts | None) -> tuple[str, str]:
        """Return what to say of the selected backbone, and the state that it is shown in."""
        catalogue = self._catalogue
        if facts is None:
            return ("Select a backbone to see its weights." if catalogue.backbones else "", "")
        if facts.name in catalogue.problems:
            return catalogue.problems[facts.name], "bad"
        own = catalogue.own.get(facts.name)
        if catalogue.is_checking:
            return "Checking the file…", ""
        if own is not None:
            return own.sentences, "" if own.fits else "caution"
        cells = f" {tokens_sentence(facts.name)}" if facts.tokens else ""
        if not facts.place:
            none = "There are no published weights: training starts from random ones, or from a file of your own."
            return f"{none}{cells}", ""
        there = (
            "The weights are on this machine."
            if facts.size is not None
            else "The weights are not on this machine. Download them here, or get the file at its address and put it in its "
            "place. A training that starts with them asks before it downloads them."
        )
        warn = WeightLicence(facts.name, facts.licence).restricts
        return f"{facts.sentence} {there}{cells}", "caution" if warn else ""

    def _on_fetch(self) -> None:
        facts = self.table.chosen
        if facts is None:
            return
        if facts.name == self._catalogue.fetched:
            self._catalogue.stop()
            return
        weights = WeightFile(
            backbone=facts.name,
            place=facts.place,
            file=facts.file,
            size=facts.download_size,
            licence=facts.licence,
            sentence=facts.sentence,
        )
        question = DownloadQuestion(weights, "", (Answer(DOWNLOAD, "Download"),), self)
        answer = question.ask()
        question.deleteLater()
        if answer == DOWNLOAD:
            self._catalogue.fetch(facts.name)
            self._show()

    def _on_own(self) -> None:
        facts = self.table.chosen
        if facts is None:
            return
        if facts.name in self._catalogue.own:
            self._catalogue.forget_own(facts.name)
        else:
            name, _ = QFileDialog.getOpenFileName(
                self, f"Weights for {facts.name}", "", "Weight files (*.safetensors *.pth *.pt *.bin)"
            )
            if name:
                self._catalogue.check(facts.name, Path(name), self._size)
        self._show()

    def _on_use(self) -> None:
        facts = self.table.chosen
        if facts is not None:
            own = self._catalogue.own.get(facts.name)
            self.chosen.emit(facts.name, own.file if own is not None else "imagenet" if facts.place else "none")
            self.accept()
