"""The models to choose from, for every menu of models: all runs with a model, and recent model files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from s3n_core.runs.run_state import STATUS_TEXTS
from s3n_core.runs.run_summary import RunSummary
from s3n_gui.state.demo import demo_is_installed, demo_model
from s3n_gui.state.opening import model_title
from s3n_gui.state.recent import RecentList
from s3n_gui.state.run_text import run_accuracy_text
from s3n_gui.state.runs_watch import RunsSeen, RunsWatch
from s3n_gui.state.session import Session
from s3n_gui.state.window_layout import WindowLayout

_LIVE = "live-runs"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model to choose.

    Attributes:
        path: A run folder, whose best checkpoint it stands for, or a model file.
        title: Its name.
        detail: "quick · 224 px · 53 % of 30 (36 to 70)"; of a model file what is known of it.
        is_run: Whether it is a run.
    """

    path: Path
    title: str
    detail: str
    is_run: bool


class ModelChoices(QObject):
    """Lists the models and makes one of them current.

    Args:
        session: Whose model is chosen.
        recent: Recently opened models and runs; None without any.
        watch: The watch over the runs folder; None without runs.
        layout: Remembers which runs were being trained, for the next start of the window; None forgets them.
        parent: The owner.

    Signals:
        changed: ``entries`` has changed.
    """

    changed = Signal()

    def __init__(
        self,
        session: Session,
        recent: RecentList | None = None,
        watch: RunsWatch | None = None,
        layout: WindowLayout | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._recent, self._watch = session, recent, watch
        self._layout = layout
        kept = None if layout is None else layout.get(_LIVE)
        # Those that were being trained when the window was closed: it offers their models when they have ended since.
        self._live = (
            frozenset(Path(path) for path in kept if isinstance(path, str)) if isinstance(kept, list) else frozenset()
        )
        if recent is not None:
            recent.changed.connect(self.changed)
        if watch is not None:
            watch.changed.connect(self._on_seen)

    @property
    def current(self) -> Path | None:
        """The current model."""
        return self._session.model

    def look(self) -> None:
        """Look for new runs; ``changed`` follows if there are any."""
        if self._watch is not None:
            self._watch.look()

    def entries(self, *, without: Path | None = None) -> tuple[ModelEntry, ...]:
        """Return the runs that have a model, the last trained one first, then recent runs and model files, and the demo's model.

        Args:
            without: A model that is not offered, because it is compared with.
        """
        seen = RunsSeen() if self._watch is None else self._watch.seen
        known = dict(seen.models)
        runs = [run for run in seen.runs if run.path in known]
        entries = [_run_entry(run, known[run.path]) for run in sorted(runs, key=_trained, reverse=True)]
        inside = {run.path for run in seen.runs}
        items = () if self._recent is None else (*self._recent.items("run"), *self._recent.items("model"))
        for item in sorted(items, key=lambda item: -item.opened):
            if item.path not in inside and item.exists:
                entries.append(ModelEntry(item.path, model_title(item.path), item.detail, item.kind == "run"))
        if demo_is_installed() and all(entry.path != demo_model() for entry in entries):
            entries.append(ModelEntry(demo_model(), model_title(demo_model()), "synthetic birds", is_run=False))
        return tuple(entry for entry in entries if entry.path != without)

    def use(self, path: Path) -> None:
        """Make a model current and remember it; the page stays, and all pages take it over."""
        if path == self._session.model:
            self._session.model = None  # its files may have changed: open them again
        self._session.model = path
        if self._recent is not None and path.is_file():
            self._recent.add("model", path)

    def _on_seen(self, seen: RunsSeen) -> None:
        known = dict(seen.models)
        for run in seen.runs:
            if run.path in self._live and not run.live and run.path in known and run.status in ("finished", "stopped"):
                accuracy = run_accuracy_text(run, known[run.path])
                said = f"{run.name} has {run.status}." + (f" Validation accuracy: {accuracy}." if accuracy else "")
                self._session.report_notice(
                    said, cause="model", action="Use this model", act=partial(self.use, run.path)
                )
        live = frozenset(run.path for run in seen.live())
        if live != self._live and not seen.problem:
            self._live = live
            if self._layout is not None:
                self._layout.keep(_LIVE, sorted(str(path) for path in live))
                self._layout.write()
        self.changed.emit()


def _trained(run: RunSummary) -> float:
    """Return when a run was last trained, in Unix seconds."""
    return run.state.updated if run.state is not None and run.state.updated else run.created


def _run_entry(run: RunSummary, images: int | None) -> ModelEntry:
    recipe = run.run.get("recipe")
    fields: Mapping[str, object] = recipe if isinstance(recipe, Mapping) else {}
    network = fields.get("network")
    facts = [str(fields.get("name", ""))]
    if isinstance(network, Mapping) and isinstance(network.get("input_size"), int):
        facts.append(f"{network['input_size']} px")
    facts.append(run_accuracy_text(run, images))
    if run.status != "finished":
        facts.append(STATUS_TEXTS[run.status].lower())
    return ModelEntry(run.path, run.name, " · ".join(fact for fact in facts if fact), is_run=True)
