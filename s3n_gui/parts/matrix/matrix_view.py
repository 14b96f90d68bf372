"""The tab "Classes × parts": what each part contributes in each class, how often it is found, or what hiding it costs."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.class_effects import IMAGES_OF_A_SIDE
from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.appearance.wording import count_text, left_text
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.parts.matrix.effects_job import EffectsJob
from s3n_gui.parts.matrix.matrix_cells import Kind, MatrixCells
from s3n_gui.parts.view import PartsView
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.widgets.progress_bar import ProgressBar

_WORDS: dict[Kind, str] = {
    "contribution": "What the peaks of a part contribute to the margin of a class over its strongest rival, in logits, as the "
    "mean over its images. A row sums to its margin. This is where the margin is read, not what is relied on.",
    "found": "In how many images of a class a part has a peak.",
    "effect": "What hiding a part costs a class of its margin over all other classes, in logits, beyond random patches of the "
    "same size. Grey: not shown to cost more than those (95 % interval). Empty: not measured.",
}


class MatrixView(PartsView):
    """The tab.

    Signals:
        cell_opened: A class and a part whose row and images to show; the part is -1 for the rest.
        answer_asked: A class whose comparison with all others to show, and a part.

    Args:
        thumbnails: The crops' images.
        effects: Reads and measures what hiding costs.
    """

    cell_opened = Signal(str, int)
    answer_asked = Signal(str, int)

    def __init__(self, thumbnails: ThumbnailLoader, effects: EffectsJob, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._effects = effects
        self._content: AtlasContent | None = None
        self.cells = MatrixCells(thumbnails)
        self.words, self.state = QLabel(), ElidedLabel()
        self.state.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for label in (self.words, self.state):
            label.setProperty("role", "quiet")
        self.words.setWordWrap(True)
        self.contribution, self.found = QPushButton("Contribution"), QPushButton("Found in")
        self.effect = QPushButton("Effect when hidden")
        group = QButtonGroup(self)
        for button, tip in (
            (self.contribution, "What each part contributes in each class"),
            (self.found, "In how many images of each class each part is found"),
            (self.effect, "What hiding each part costs each class, beside random patches"),
        ):
            button.setCheckable(True)
            button.setToolTip(tip)
            group.addButton(button)
        self.contribution.setChecked(True)
        group.buttonClicked.connect(self._on_kind)
        self.measure, self.stop = QPushButton("Measure"), QPushButton("Stop")
        self.measure.setProperty("role", "primary")
        self.measure.setToolTip(
            f"Hide each part in up to {IMAGES_OF_A_SIDE} images of each class and as many of all others; each class is kept when "
            "it is done"
        )
        set_icon(self.stop, "stop")
        self.stop.setToolTip("Stop measuring; the classes that are done are kept")
        self.progress = ProgressBar("Progress of measuring")
        self._lay_out()
        self.measure.clicked.connect(effects.start)
        self.stop.clicked.connect(effects.cancel)
        effects.read.connect(self._show_effects)
        effects.changed.connect(self._show_job)
        self.cells.opened.connect(self._on_opened)
        self.cells.pointed_part.connect(self.part_selected)
        theme().changed.connect(self._fit)
        self._fit()
        self._on_kind()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(INSIDE_GROUP)
        for button in (self.contribution, self.found, self.effect):
            top.addWidget(button)
        top.addWidget(self.state, 1)
        for widget in (self.progress, self.stop, self.measure):
            top.addWidget(widget)
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.cells)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(INSIDE_GROUP)
        column.addLayout(top)
        column.addWidget(self.words)
        column.addWidget(card, 1)

    @property
    def kind(self) -> Kind:
        """What is shown."""
        return "found" if self.found.isChecked() else "effect" if self.effect.isChecked() else "contribution"

    def show_content(self, content: AtlasContent | None) -> None:
        """Show the classes and parts of an atlas."""
        self._content = content
        self.cells.show_content(content)
        self._effects.show_content(content)

    def set_atlas(self, atlas: Atlas | None) -> None:
        """Do nothing: `show_content` shows more."""

    def select_part(self, part: int) -> None:
        """Mark the column of a part."""
        self.cells.select_part(part)

    def is_ready(self) -> bool:
        """Return whether all content is drawn."""
        return self._effects.is_ready()

    def shut_down(self) -> None:
        """Stop the threads."""
        self._effects.shut_down()

    def _on_kind(self) -> None:
        self.words.setText(_WORDS[self.kind])
        self.cells.show_kind(self.kind)
        self._show_job()

    def _on_opened(self, name: str, part: int) -> None:
        if self.kind == "effect":
            self.answer_asked.emit(name, part)
        else:
            self.cell_opened.emit(name, part)

    def _show_effects(self) -> None:
        self.cells.show_effects(self._effects.effects)
        self._show_job()

    def _show_job(self) -> None:
        """Show how much is measured, and what can be done about it."""
        shown, job = self.kind == "effect", self._effects.job
        running = shown and job is not None and self._effects.is_measuring
        found = self._effects.effects
        left = 0 if found is None else int((~found.measured).sum())
        focused = self.measure.hasFocus() or self.stop.hasFocus()
        self.measure.setVisible(shown and not running and left > 0)
        self.measure.setEnabled(job is None)
        self.stop.setVisible(running)
        self.progress.setVisible(running)
        if running and job is not None:
            seconds = left_text(job.seconds_left)
            text = "Stopping…" if job.status == "stopping" else "Opening the model…"
            if job.status == "running" and job.text:
                text = f"{job.text} steps" + (f" · {seconds}" if seconds else "")
            self.progress.show_share(job.fraction)
        elif found is None or not left or not shown:
            text = ""
        else:
            whole = len(found.measured)
            outdated = " since the parts were edited" if found.outdated.any() else ""
            text = f"{left} of {count_text(whole, 'class', 'classes')} not measured{outdated}"
            self.measure.setText("Measure" if left == whole else "Measure the rest")
        self.state.setText(text)
        if focused and shown:
            (self.stop if running else self.measure).setFocus()

    def _fit(self) -> None:
        self.progress.setFixedWidth(px(120))
