"""The page Train: the form of a new training and the runs at the left, the shown run's curves, and what it looks at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QKeySequence, QShortcut, QUndoStack
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from s3n_core.errors import S3NError
from s3n_core.resources import resource
from s3n_core.runs.locations import checked_run_name, new_run_name
from s3n_gui.background.jobs import JobList
from s3n_gui.background.training_job import TrainingRequest
from s3n_gui.page import Page
from s3n_gui.session import Session
from s3n_gui.settings import Settings
from s3n_gui.start.runs_watch import RunsSeen
from s3n_gui.theme import px
from s3n_gui.tokens import INSIDE_GROUP, PAGE_MARGIN
from s3n_gui.training.chart_grid import ChartGrid
from s3n_gui.training.chart_toolbar import ChartToolbar
from s3n_gui.training.controller import MOST_OTHERS, TrainingController
from s3n_gui.training.curve_files import save_picture, save_table
from s3n_gui.training.empty_run import EmptyRun
from s3n_gui.training.probe_strip import ProbeStrip
from s3n_gui.training.recipe_choice import RecipeChoice, data_problem
from s3n_gui.training.recipe_form import RecipeForm
from s3n_gui.training.run_bar import RunBar
from s3n_gui.training.run_changes import RenameRun, TrashRun
from s3n_gui.training.runs_list import RunsList
from s3n_gui.training.runs_model import RunsModel
from s3n_gui.training.sentences import sayings
from s3n_gui.training.words_card import WordsCard
from s3n_gui.trainings import Trainings

OTHER_COLOURS = ("#8E5BB5", "#B58900", "#C2417C", "#4B8B9B")
"""Of runs laid over: told apart from the branches' colours and from one another."""


def page(session: Session, settings: Settings, jobs: JobList, trainings: Trainings) -> Page:
    """Make the page."""
    return TrainPage(session, settings, jobs, trainings)


class TrainPage(Page):
    """Puts the parts together; the controller decides."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        jobs: JobList,
        trainings: Trainings,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._settings, self._trainings = session, settings, trainings
        self.controller = TrainingController(session, jobs, trainings, self)
        self.form = RecipeForm(RecipeChoice())
        self.bar = RunBar()
        self.toolbar = ChartToolbar()
        self.charts = ChartGrid()
        self.words = WordsCard()
        self.strip = ProbeStrip()
        self.runs_model = RunsModel(self)
        self.runs = RunsList(self.runs_model)
        self._undo = QUndoStack(self)
        self._looked = False
        self._bands: tuple[tuple[float, float, str], ...] = ()
        self.side = QTabWidget()
        self.side.setDocumentMode(True)
        self.side.tabBar().setAccessibleName("New training or runs")
        self.side.addTab(self.form, "New training")
        self.side.addTab(self.runs, "Runs")
        self._build()
        self._connect()
        self._check_form()
        self._show_emptiness()
        self._on_told()
        self._on_seen(trainings.watch.seen)
        if session.run is not None:
            self.controller.show_run(session.run)

    # -- hooks of the frame ------------------------------------------------------------------------------------------------

    def show_demo(self) -> None:
        """Show the run that the demo model comes from."""
        self.controller.show_run(resource("demo/runs/demo"))

    def is_ready(self) -> bool:
        """Whether all curves are drawn."""
        return self.charts.is_settled and self.strip.store.is_settled

    def undo_stack(self) -> QUndoStack:
        """Names of runs and the trash can be undone."""
        return self._undo

    def shut_down(self) -> None:
        """Look at no run any more; trainings go on."""
        self.controller.close()
        self.strip.store.close()

    def save_state(self) -> dict[str, Any]:
        """Widths of the parts, smoothing, recipe."""
        return {
            "widths": self._splitter.sizes(),
            "smoothing": self.toolbar.smoothing.value(),
            "recipe": self.form.choice.recipe.name,
        }

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take what was kept."""
        widths, smoothing = state.get("widths"), state.get("smoothing")
        if (
            isinstance(widths, list)
            and len(widths) == self._splitter.count()
            and all(isinstance(w, int) for w in widths)
        ):
            self._splitter.setSizes(widths)
        if isinstance(smoothing, int):
            self.toolbar.smoothing.setValue(smoothing)
        if state.get("recipe") in self.form.choice.names:
            self.form.recipe_box.setCurrentText(state["recipe"])

    # -- making it -----------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        left = QFrame()
        left.setProperty("role", "card")
        column = QVBoxLayout(left)
        column.setContentsMargins(1, 1, 1, 1)
        column.addWidget(self.side)
        middle = QWidget()
        self._middle = QVBoxLayout(middle)
        self._middle.setContentsMargins(0, 0, 0, 0)
        self._middle.setSpacing(INSIDE_GROUP)
        self._shown = QWidget()
        shown = QVBoxLayout(self._shown)
        shown.setContentsMargins(0, 0, 0, 0)
        shown.setSpacing(INSIDE_GROUP)
        for part in (self.bar, self.toolbar):
            shown.addWidget(part)
        shown.addWidget(self.charts, 1)
        shown.addWidget(self.words)
        self.empty = EmptyRun()
        self.empty.data_asked.connect(self._on_data_asked)
        self._middle.addWidget(self._shown)
        self._middle.addWidget(self.empty)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setHandleWidth(INSIDE_GROUP)
        self._splitter.addWidget(left)
        self._splitter.addWidget(middle)
        self._splitter.addWidget(self.strip)
        self._splitter.setStretchFactor(1, 4)
        self._splitter.setStretchFactor(2, 1)
        self.strip.setMinimumWidth(px(240))
        self.strip.setMaximumWidth(px(520))
        left.setMinimumWidth(px(296))
        left.setMaximumWidth(px(420))
        self._splitter.setSizes([px(300), px(620), px(280)])
        whole = QHBoxLayout(self)
        whole.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        whole.addWidget(self._splitter)

    def _connect(self) -> None:
        controller = self.controller
        controller.run_shown.connect(self._on_run_shown)
        controller.measured.connect(self._on_measured)
        controller.told.connect(self._on_told)
        controller.others_changed.connect(self._on_others)
        controller.snapshots_found.connect(self.strip.add_names)
        self._trainings.watch.changed.connect(self._on_seen)
        self.runs_model.ticked.connect(self._on_ticked)
        self.runs.shown.connect(controller.show_run)
        self.runs.rename_asked.connect(self._on_rename_asked)
        self.runs.trash_asked.connect(self._on_trash_asked)
        self.toolbar.export_asked.connect(self._on_export)
        self._session.run_changed.connect(controller.show_run)
        self._session.data_set_changed.connect(self._check_form)
        self._settings.changed.connect(self._check_form)
        self.form.changed.connect(self._check_form)
        self.form.name.textChanged.connect(self._check_form)
        self.form.start_asked.connect(self.start)
        self.form.data_asked.connect(self._on_data_asked)
        self.bar.ordered.connect(self._on_ordered)
        self.bar.inspect_asked.connect(self._on_inspect)
        self.toolbar.smoothing_changed.connect(self.charts.set_smoothing)
        self.toolbar.logarithmic_changed.connect(self.charts.set_logarithmic)
        self.toolbar.reset_asked.connect(self.charts.reset_zoom)
        self.toolbar.other_removed.connect(self._on_other_removed)
        start = QShortcut(QKeySequence("Ctrl+Return"), self)
        start.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        start.activated.connect(self.start)

    # -- a new training ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start what the form says."""
        self._check_form()
        data_set = self._session.data_set
        if not self.form.start.isEnabled() or data_set is None:
            return
        choice = self.form.choice
        self.controller.start(
            TrainingRequest(
                data=data_set.root,
                recipe=choice.recipe.name,
                name=self.form.name.text().strip(),
                root=self._settings.runs_root,
                settings=choice.settings,
                format=data_set.format,
                device=self._settings.device,
            )
        )
        self.form.name.setModified(False)

    def _check_form(self, *_: object) -> None:
        data_set, root = self._session.data_set, self._settings.runs_root
        recipe = self.form.choice.recipe.name
        stem = f"{data_set.root.name}-{recipe}" if data_set is not None else recipe
        self.form.propose_name(new_run_name(root, stem))
        name = self.form.name.text().strip()
        problem = data_problem(data_set) or self.form.choice.problem
        if not problem:
            try:
                name = checked_run_name(name)
                if (root / name).exists():
                    problem = f"There is already a run called {name}; choose another name."
            except S3NError as error:
                problem = str(error)
        if not problem and self.controller.machine.busy:
            problem = "A training runs already; stop it, or wait for its end."
        self.empty.show_data(data_set is not None)
        self.form.show_problem(problem, data_missing=bool(data_problem(data_set)))

    def _on_data_asked(self) -> None:
        self._session.ask_to_open("data")

    # -- the shown run -------------------------------------------------------------------------------------------------------

    def _on_run_shown(self, path: Path | None) -> None:
        self.charts.show_bands(())
        self.charts.show_best(None)
        self.charts.show_series(self.controller.series, self._epochs())
        self._bands = ()
        self._show_emptiness()
        self.strip.show_run(path)
        self.runs_model.show_over([other for other, _ in self.controller.others()], path)
        self.runs.choose(path)

    def _show_emptiness(self) -> None:
        shown = self.controller.path is not None
        self._shown.setVisible(shown)
        self.strip.setVisible(shown)
        self.empty.setVisible(not shown)
        self.empty.show_data(self._session.data_set is not None)

    def _on_measured(self) -> None:
        self.charts.set_epochs(self._epochs())
        self.charts.refresh()
        lines = self.controller.series.epoch_lines
        best = [float(line["epoch"]) + 1 for line in lines if line.get("best") and "epoch" in line]
        self.charts.show_best(best[-1] if best else None)

    def _on_told(self) -> None:
        controller = self.controller
        name = controller.path.name if controller.path is not None else ""
        self.bar.show_run(name, controller.machine, controller.state, controller.status, controller.batch_seconds)
        self.words.show_sayings(sayings(controller.series, controller.state, controller.status))
        self.charts.set_epochs(self._epochs())
        bands = recipe_bands(controller.run)
        if bands != self._bands:
            self._bands = bands
            self.charts.show_bands(bands)
        self._check_form()

    def _on_ordered(self, order: str) -> None:
        if order == "resume":
            self.controller.resume(self._settings.device)
        else:
            self.controller.order(order)  # type: ignore[arg-type]  # the bar sends orders

    def _on_inspect(self) -> None:
        self._session.model = self.controller.path
        self._session.show_page("inspect")

    def _on_others(self) -> None:
        others = self.controller.others()
        colours = [QColor(OTHER_COLOURS[index % len(OTHER_COLOURS)]) for index in range(len(others))]
        self.toolbar.show_others([(path, colour) for (path, _), colour in zip(others, colours, strict=True)])
        self.charts.show_others(
            [(path.name, colour, series) for (path, series), colour in zip(others, colours, strict=True)]
        )

        self.runs_model.show_over([path for path, _ in others], self.controller.path)

    def _on_other_removed(self, path: Path) -> None:
        self.controller.lay_over(path, on=False)

    # -- all runs --------------------------------------------------------------------------------------------------------------

    def _on_seen(self, seen: RunsSeen) -> None:
        self.runs_model.show_runs(seen.runs)
        self.side.setTabText(1, f"Runs ({len(seen.runs)})" if seen.runs else "Runs")
        if self.controller.path is None and seen.runs and not self._looked:
            # Once, so that the page is not empty where there is something to see: what trains, else the newest.
            self.controller.show_run((seen.live() or seen.runs)[0].path)
        self._looked = self._looked or bool(seen.runs)
        self.runs.choose(self.runs.chosen() or self.controller.path)

    def _on_ticked(self, path: Path, on: bool) -> None:
        if on and len(self.controller.others()) >= MOST_OTHERS:
            self._session.report_notice(f"{MOST_OTHERS} runs can be laid over at once; take one away first.")
        self.controller.lay_over(path, on=on)

    def _on_trash_asked(self, path: Path) -> None:
        if path == self.controller.path:
            self.controller.show_run(None)
        self.controller.lay_over(path, on=False)
        self._undo.push(TrashRun(path, self._session.report_error))
        self._trainings.watch.look()

    def _on_rename_asked(self, path: Path) -> None:
        name, good = QInputDialog.getText(self, "Rename run", f"New name of {path.name}:", text=path.name)
        if good and name.strip() and name.strip() != path.name:
            self._undo.push(RenameRun(path, name.strip(), self._session.report_error, self._on_renamed))

    def _on_renamed(self, before: Path, after: Path) -> None:
        if before == self.controller.path:
            self.controller.show_run(after)
        self.controller.lay_over(before, on=False)
        self._trainings.watch.look()

    def _on_export(self, kind: str) -> None:
        if self.controller.path is None:
            self._session.report_notice("There are no curves to save yet; start a training or choose a run.")
            return
        word, pattern = ("picture", "PNG (*.png)") if kind == "png" else ("table", "CSV (*.csv)")
        proposed = str(Path.home() / f"{self.controller.path.name}-curves.{kind}")
        chosen, _ = QFileDialog.getSaveFileName(self, f"Save curves as {word}", proposed, pattern)
        if not chosen:
            return
        try:
            if kind == "png":
                save_picture(Path(chosen), self.charts.picture())
            else:
                save_table(Path(chosen), self.controller.series)
        except S3NError as error:
            self._session.report_error(str(error))

    def _epochs(self) -> int:
        state, recipe = self.controller.state, self.controller.run.get("recipe")
        if state is not None and state.epochs:
            return state.epochs
        epochs = recipe.get("epochs") if isinstance(recipe, Mapping) else None
        return epochs if isinstance(epochs, int) else max(1, len(self.controller.series.epoch_lines))


def recipe_bands(run: Mapping[str, Any]) -> tuple[tuple[float, float, str], ...]:
    """Return a run's warm-up phases as bands: from, to (in epochs), and how the peaks are divided."""
    recipe = run.get("recipe")
    phases = recipe.get("phases") if isinstance(recipe, Mapping) else None
    bands, start = [], 0.0
    for phase in phases if isinstance(phases, list) else []:
        if isinstance(phase, Mapping) and isinstance(phase.get("epochs"), int):
            bands.append((start, start + phase["epochs"], str(phase.get("sampling", ""))))
            start += phase["epochs"]
    return tuple(bands)
