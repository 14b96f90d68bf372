"""The Train page: the form and the runs list at the left, the shown run's curves, and its probe images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent, QUndoStack
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QSplitter, QTabWidget, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN
from s3n_gui.background.device_probe import DeviceProbe
from s3n_gui.background.jobs import JobList
from s3n_gui.background.weight_catalogue import WeightCatalogue
from s3n_gui.state.demo import demo_run
from s3n_gui.state.live_runs import LiveRuns
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.training.animation_saving import AnimationSaver
from s3n_gui.training.controller import TrainingController
from s3n_gui.training.probe_strip import ProbeStrip
from s3n_gui.training.recipe.form_licence import FormLicence
from s3n_gui.training.recipe.form_memory import FormMemory
from s3n_gui.training.recipe.recipe_choice import RecipeChoice
from s3n_gui.training.recipe.recipe_form import RecipeForm
from s3n_gui.training.recipe.starting import Starting
from s3n_gui.training.runs.run_packing import RunPacking
from s3n_gui.training.runs_actions import RunsActions
from s3n_gui.training.sentences import sayings
from s3n_gui.training.shown_run import ShownRun
from s3n_gui.training.weight_download import WeightDownload
from s3n_gui.training.words_card import WordsCard
from s3n_gui.widgets.empty_page import EmptyPage
from s3n_gui.widgets.page import Page

_WIDE = 1000
"""From this width on, form, curves and examples are beside each other; below it, the examples or the form are hidden."""
_WIDTHS = {"side": (296, 420), "strip": (216, 1100)}
_LOW = 500
"""Below this height the sentences under the curves give way to the curves."""
_LEAST_SIDE, _SIDE_SHARE = 216, 0.46
_TRAINING, _RESTING = (52, 48), (64, 36)
"""Shares of curves and examples: the examples are large while a run is being trained."""


def page(
    session: Session,
    settings: Settings,
    jobs: JobList,
    trainings: LiveRuns,
    weights: WeightCatalogue,
    probe: DeviceProbe | None = None,
) -> Page:
    """Make the page."""
    return TrainPage(session, settings, jobs, trainings, weights, probe)


class TrainPage(Page):
    """Assembles the page's widgets; the controller decides what happens."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        jobs: JobList,
        trainings: LiveRuns,
        weights: WeightCatalogue,
        probe: DeviceProbe | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._trainings, self._weights = session, trainings, weights
        self.controller = TrainingController(session, jobs, trainings, self)
        self._build_frame()
        self.form = RecipeForm(RecipeChoice(), self.side)
        self.runs = RunsActions(self.controller, session, trainings, self.side)
        self.side.addTab(self.form, "New training")
        self.side.addTab(self.runs.list, "Runs")
        self.memory = FormMemory(self.form, session, self)
        self.licence = FormLicence(self.form, weights, self)
        self.download = WeightDownload(self.controller, session, weights, self)
        self.starting = Starting(
            self.form, self.controller, session, settings, trainings, jobs, self.download, self, probe
        )
        self.shown = ShownRun(self.controller, session, settings, self._upper)
        self.bar, self.toolbar, self.charts = self.shown.bar, self.shown.toolbar, self.shown.charts
        self.strip = ProbeStrip(self._upper)
        self.animations = AnimationSaver(session, jobs, self)
        self.packing = RunPacking(session, settings, jobs, self)
        self.words = WordsCard(self._right)
        self.empty = EmptyPage(self._right)
        self._parts: dict[str, QWidget] = {"side": self._left, "strip": self.strip}
        self._wanted: dict[str, bool] = {}
        self._room = 0
        self._busy = self._widths_chosen = False
        self._commands: frozenset[str] = frozenset()
        self._place_parts()
        self._connect()
        self.runs.show_seen(trainings.watch.seen)
        if session.run is not None:
            self.controller.show_run(session.run)
        self._show_emptiness()

    # -- interface for the frame ---------------------------------------------------------------------------------------

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """Return the commands that the run's state machine and the runs list allow now."""
        table: dict[str, Callable[[], object]] = {
            "train-side": partial(self.toggle_part, "side"),
            "train-runs": self._show_runs,
            "train-unpack": self.packing.unpack,
            **self.shown.commands(),
        }
        if self.starting.possible:
            table["train-start"] = self.starting.start
        if self.controller.path is not None:
            table["train-strip"] = partial(self.toggle_part, "strip")
        run = self._run_to_change()
        if run is not None:
            table |= {"train-rename": partial(self.runs.rename, run), "train-trash": partial(self.runs.trash, run)}
            table["train-pack"] = partial(self.packing.pack, run)
        return table

    def show_demo(self) -> None:
        """Show the demo model's training run."""
        self.controller.show_run(demo_run())

    def is_ready(self) -> bool:
        """Whether all widgets are built and all curves are drawn."""
        return self.form.is_whole and self.charts.is_settled and self.strip.store.is_settled

    def undo_stack(self) -> QUndoStack:
        """Return the undo stack of renaming and moving to the trash."""
        return self.runs.undo

    def shut_down(self) -> None:
        """Stop following runs; training continues."""
        self.controller.close()
        self.starting.close()
        self.strip.store.close()
        self.charts.close_maker()
        self.form.finish()

    def save_state(self) -> dict[str, Any]:
        """Return panel widths and visibility, smoothing, whether details are shown, and the values of the form."""
        return {
            "widths": [*self._outer.sizes(), *self._upper.sizes()],
            "widths_chosen": self._widths_chosen,
            "details": self.toolbar.details.isChecked(),
            "parts": dict(self._wanted),
            "smoothing": self.toolbar.smoothing.value(),
            "form": self.memory.to_dict(),
        }

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Restore the saved state."""
        widths, parts, smoothing = state.get("widths"), state.get("parts"), state.get("smoothing")
        if isinstance(widths, list) and len(widths) == 4 and all(isinstance(w, int) for w in widths):
            self._outer.setSizes(widths[:2])
            if state.get("widths_chosen") is True:  # else they follow the training
                self._widths_chosen = True
                self._upper.setSizes(widths[2:])
        if isinstance(parts, dict):
            self._wanted = {
                name: shown for name, shown in parts.items() if name in self._parts and isinstance(shown, bool)
            }
            self._show_parts()
        if state.get("details") is True:
            self.toolbar.details.setChecked(True)
        if isinstance(smoothing, int):
            self.toolbar.smoothing.setValue(smoothing)
        kept = state.get("form", {"last": {"recipe": state.get("recipe")}})  # earlier versions kept only the recipe
        if isinstance(kept, Mapping):
            self.memory.restore(kept)

    # -- panels --------------------------------------------------------------------------------------------------------

    def toggle_part(self, name: str) -> None:
        """Show or hide a panel: "side" or "strip"."""
        self._wanted[name] = self._parts[name].isHidden()
        self._show_parts()
        self.state_changed.emit()

    def show_for(self, room: QSize) -> None:
        """Show what there is room for, unless the user has asked for something else."""
        self._room = room.width()
        self.words.set_low(room.height() < px(_LOW))
        self._fit()
        self._show_parts()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Restore all charts on Escape."""
        if event.key() == Qt.Key.Key_Escape and self.charts.alone:
            self.charts.show_alone("")
            return
        super().keyPressEvent(event)

    # -- construction --------------------------------------------------------------------------------------------------

    def _build_frame(self) -> None:
        # From the outside in, because reparenting a widget later restyles its whole subtree.
        whole = QHBoxLayout(self)
        whole.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        self._outer = QSplitter(Qt.Orientation.Horizontal, self)
        whole.addWidget(self._outer)
        self._left = QFrame(self._outer)
        self._left.setProperty("role", "card")
        column = QVBoxLayout(self._left)
        column.setContentsMargins(1, 1, 1, 1)
        self.side = QTabWidget(self._left)
        self.side.setDocumentMode(True)
        self.side.tabBar().setAccessibleName("New training or runs")
        column.addWidget(self.side)
        self._right = QWidget(self._outer)
        right = QVBoxLayout(self._right)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(INSIDE_GROUP)
        self._upper = QSplitter(Qt.Orientation.Horizontal, self._right)
        right.addWidget(self._upper, 1)

    def _place_parts(self) -> None:
        right = self._right.layout()
        assert isinstance(right, QVBoxLayout)
        right.addWidget(self.words)
        right.addWidget(self.empty, 1)
        for splitter in (self._outer, self._upper):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(INSIDE_GROUP)
        self._outer.setStretchFactor(1, 1)
        self._fit()
        theme().changed.connect(self._fit)
        self._outer.setSizes([px(304), px(860)])
        self._share_room()

    def _fit(self) -> None:
        room = self._room or px(_WIDE)
        for name, (least, most) in _WIDTHS.items():
            few = min(px(least), max(_LEAST_SIDE, round(_SIDE_SHARE * room)))
            self._parts[name].setMinimumWidth(few)
            self._parts[name].setMaximumWidth(px(most))

    def _share_room(self) -> None:
        """Give the examples more room while a run is being trained, unless the user has chosen the widths."""
        if not self._widths_chosen:
            shares = _TRAINING if self._busy else _RESTING
            for index, share in enumerate(shares):
                self._upper.setStretchFactor(index, share)
            self._upper.setSizes([100 * share for share in shares])

    def _connect(self) -> None:
        controller = self.controller
        controller.run_shown.connect(self._on_run_shown)
        controller.status_changed.connect(self._on_status)
        controller.snapshots_found.connect(self.strip.add_names)
        self.strip.animation_asked.connect(self._on_animation)
        self.toolbar.part_asked.connect(self.toggle_part)
        self.charts.alone_changed.connect(self._on_alone)
        self.empty.asked.connect(self._on_data_asked)
        self._session.run_changed.connect(controller.show_run)
        self._session.backbone_chosen.connect(self._on_backbone)
        self.form.changed.connect(self._on_form)
        self._on_form()
        self.form.backbones_asked.connect(self._session.ask_for_backbone)
        self._session.data_set_changed.connect(self._show_emptiness)
        self.runs.counted.connect(self._on_counted)
        self.runs.longer_asked.connect(self._on_longer)
        self.runs.list.pack_asked.connect(self.packing.pack)
        self.runs.list.unpack_asked.connect(self.packing.unpack)
        self.packing.unpacked.connect(self._on_unpacked)
        self.bar.longer_asked.connect(self._ask_longer)
        self.shown.next_changed.connect(self._tell_commands)
        self.starting.checked.connect(self._tell_commands)
        self.runs.chosen_changed.connect(self._tell_commands)
        self.side.currentChanged.connect(self._tell_commands)
        self._upper.splitterMoved.connect(self._on_widths_chosen)
        self._outer.splitterMoved.connect(self._on_state)
        for changed in (
            self.form.changed,
            self.form.name.textEdited,
            self.toolbar.details_changed,
            self.toolbar.smoothing_changed,
        ):
            changed.connect(self._on_state)

    def _on_state(self, *_: object) -> None:
        self.state_changed.emit()

    def _on_widths_chosen(self) -> None:
        self._widths_chosen = True
        self.state_changed.emit()

    def _on_run_shown(self, path: Path | None) -> None:
        self.words.forget()
        self.strip.show_run(path)
        self.charts.show_alone("")
        self._show_emptiness()

    def _on_animation(self) -> None:
        if self.controller.path is not None:
            self.animations.ask(self.controller.path)

    def _on_status(self) -> None:
        controller = self.controller
        finding = controller.preparation is not None
        said = sayings(controller.series, controller.state, controller.status, finding_range=finding)
        self.words.show_sayings(said)
        if controller.machine.busy != self._busy:
            self._busy = controller.machine.busy
            self._share_room()
            self._show_parts()
        self._tell_commands()

    def _ask_longer(self) -> None:
        if self.controller.path is not None:
            self.runs.longer(self.controller.path)

    def _on_longer(self, path: Path, epochs: int) -> None:
        self.controller.show_run(path)
        self.shown.train_longer(epochs)

    def _on_unpacked(self, path: Path) -> None:
        if path == self.controller.path:  # its files are others now
            self.controller.show_run(None)
        self.controller.show_run(path)
        self._trainings.watch.look()

    def _on_alone(self, alone: bool) -> None:
        self.words.setHidden(alone or self.controller.path is None)

    def _on_form(self) -> None:
        self._weights.input_size = int(self.form.choice.value("network.input_size"))

    def _on_backbone(self, name: str, weights: str) -> None:
        self.side.setCurrentWidget(self.form)
        self.form.take({"network.backbone": name, "weights": weights})

    def _on_counted(self, number: int) -> None:
        self.side.setTabText(1, f"Runs ({number})" if number else "Runs")

    def _on_data_asked(self) -> None:
        self._session.ask_to_open("data")

    def _show_emptiness(self) -> None:
        shown = self.controller.path is not None
        self._upper.setVisible(shown)
        self.words.setVisible(shown)
        self.empty.setVisible(not shown)
        if self._session.data_set is None:
            words = "Open a folder with one subfolder per class, choose a recipe on the left, and click Start training."
            self.empty.show_case("train", "No training yet", words, "Open data set…")
        else:
            words = "Choose a recipe on the left and click Start training. Curves, comments and images appear here."
            self.empty.show_case("train", "No training yet", words)
        self._show_parts()

    def _show_parts(self) -> None:
        # On a narrow page the examples take the place of the form while a run is being trained. Without a run there are no
        # curves that could use the space of the form.
        shown, wide = self.controller.path is not None, self._room >= max(px(_WIDE), _WIDE)
        focused = self._left.isAncestorOf(QApplication.focusWidget() or self)
        self._left.setVisible(not shown or self._wanted.get("side", wide or not self._busy))
        self.strip.setVisible(self._wanted.get("strip", wide or self._busy))
        if focused and self._left.isHidden():
            self.bar.take_focus()

    # -- commands ------------------------------------------------------------------------------------------------------

    def _tell_commands(self) -> None:
        names = frozenset(self.commands()) | ({"go-on"} if self.controller.machine.can("go-on") else set())
        if names != self._commands:
            self._commands = names
            self.commands_changed.emit()

    def _show_runs(self) -> None:
        self._wanted["side"] = True
        self._show_parts()
        self.side.setCurrentWidget(self.runs.list)
        self.runs.list.view.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _run_to_change(self) -> Path | None:
        """Return the run to rename or trash: the one selected in the list, else the shown one; never a training one."""
        if self.side.currentWidget() is self.runs.list and not self._left.isHidden():
            return self.runs.list.chosen() if self.runs.list.can_change else None
        shown = self.controller.path
        known = shown is not None and self.runs.model.row_of(shown) >= 0
        return shown if known and not self.controller.machine.busy else None
