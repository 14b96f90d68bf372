"""Packing a run into one file for another machine, and taking it back: asks what must be known, and runs the commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from s3n_core.errors import DataChanged, DataSetNotFound, RunHasMore, S3NError
from s3n_core.runs.locations import new_run_name
from s3n_gui.appearance.wording import error_text
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import JobList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.question import Answer, Question
from s3n_gui.widgets.saving_place import ask_where_to_save

_CONTENT = (
    "The file holds the recipe, the list of images, the initial weights and everything trained so far. With its images, the "
    "other machine needs nothing else; without them, it needs the same data set."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unpacking:
    """What is to be unpacked, and how."""

    file: Path
    data: Path | None = None
    name: str = ""
    replace: bool = False

    def arguments(self, root: Path) -> list[str]:
        """Return the arguments of ``s3n``; ``root`` is the runs folder."""
        found = ["unpack", str(self.file), "--runs", str(root)]
        found += ["--data", str(self.data)] if self.data is not None else []
        found += ["--name", self.name] if self.name else []
        return [*found, "--replace"] if self.replace else found


class RunPacking(QObject):
    """Packs and unpacks, one run at a time.

    Signals:
        unpacked: A run was unpacked; its folder.

    Attributes:
        job: The last job; None before the first.
    """

    unpacked = Signal(object)

    def __init__(self, session: Session, settings: Settings, jobs: JobList, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._settings, self._jobs, self._window = session, settings, jobs, window
        self._file = Path()
        self._unpacking = _Unpacking(file=Path())
        self.job: CommandJob | None = None

    def pack(self, run: Path) -> None:
        """Ask whether the images go along and where the file is to be, and write it."""
        if self._is_busy():
            return
        answers = (Answer("images", "With images"), Answer("plain", "Without images"))
        answer = self._asked(Question("Pack for another machine", run.name, _CONTENT, answers, self._window.window()))
        if answer not in ("images", "plain"):
            return
        proposed = str(Path.home() / f"{run.name}.zip")
        file, _ = ask_where_to_save(self._window, f"Pack {run.name}", proposed, {"Packed runs (*.zip)": ".zip"})
        if file is not None:
            self._file = file
            arguments = ["pack", str(run), "--out", str(self._file)]
            arguments += ["--images"] if answer == "images" else []
            self._start(CommandJob(f"Packing {run.name}", arguments), self._on_packed, self._on_failed)

    def unpack(self) -> None:
        """Ask for a file and take its run back."""
        if self._is_busy():
            return
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, "Take a packed run back", str(Path.home()), "Packed runs (*.zip)"
        )
        if chosen:
            self._begin(_Unpacking(file=Path(chosen)))

    def _begin(self, unpacking: _Unpacking) -> None:
        self._unpacking = unpacking
        job = CommandJob(f"Unpacking {unpacking.file.name}", unpacking.arguments(self._settings.runs_root))
        self._start(job, self._on_unpacked, self._on_not_unpacked)

    def _start(self, job: CommandJob, succeeded: Any, failed: Any) -> None:
        self.job = job
        self._session.end_cause("saving")
        job.succeeded.connect(succeeded)
        job.failed.connect(failed)
        self._jobs.add(job)
        job.start()

    def _is_busy(self) -> bool:
        if self.job is None or not self.job.is_active:
            return False
        self._session.report_notice("A run is being packed or unpacked; wait until it is done.")
        return True

    def _asked(self, question: Question) -> str:
        answer = question.ask()
        question.deleteLater()
        return answer

    @Slot(object, object)
    def _on_packed(self, answer: Mapping[str, Any] | None, job: CommandJob) -> None:
        size = "" if answer is None else f" ({int(answer['bytes']) / 1e6:,.1f} MB)"
        self._session.report_notice(
            f"Packed into {self._file}{size}. Take it back on the other machine with s3n unpack or in this menu."
            f"{_licence_of(answer)}"
        )

    @Slot(object, object)
    def _on_failed(self, error: S3NError, job: CommandJob) -> None:
        self._session.report_error(error, cause="saving")

    @Slot(object, object)
    def _on_unpacked(self, answer: Mapping[str, Any] | None, job: CommandJob) -> None:
        if answer is None:
            return
        path = Path(str(answer["path"]))
        self.unpacked.emit(path)
        words = [f"{path.name} is here."]
        if answer.get("replaced"):
            words.append("The run as it was before is in the trash.")
        if answer.get("images"):
            words.append(f"Its images are in {answer['images']}.")
        self._session.report_notice(" ".join(words) + _licence_of(answer))

    @Slot(object, object)
    def _on_not_unpacked(self, error: S3NError, job: CommandJob) -> None:
        wanted = self._unpacking
        if isinstance(error, DataSetNotFound | DataChanged):
            question = Question(
                "Where are its images?",
                wanted.file.name,
                error_text(error),
                (Answer("choose", "Choose folder…", "folder"),),
                self._window.window(),
            )
            if self._asked(question) == "choose":
                folder = QFileDialog.getExistingDirectory(self._window, "Folder of the run's images")
                if folder:
                    self._begin(replace(wanted, data=Path(folder)))
        elif isinstance(error, RunHasMore):
            question = Question(
                "Replace the run on this machine?",
                error.path.name,
                f"It has been trained or changed since it was packed, and {wanted.file.name} does not have that. Replaced, it "
                "goes to the trash.",
                (Answer("replace", "Replace", "trash"), Answer("both", "Keep both…")),
                self._window.window(),
            )
            answer = self._asked(question)
            if answer == "replace":
                self._begin(replace(wanted, replace=True))
            elif answer == "both":
                proposed = new_run_name(self._settings.runs_root, error.path.name)
                name, good = QInputDialog.getText(self._window, "Keep both", "Name of the unpacked run:", text=proposed)
                if good and name.strip():
                    self._begin(replace(wanted, name=name.strip()))
        else:
            self._session.report_error(error, cause="saving")


def _licence_of(answer: Mapping[str, Any] | None) -> str:
    """Return what is to be said of the licence of the run's weights, as a further sentence; "" if nothing."""
    notice = "" if answer is None else str(answer.get("licence") or "")
    return f" {notice}" if notice else ""
