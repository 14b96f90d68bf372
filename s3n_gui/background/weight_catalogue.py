"""What the engine knows of backbones and their weights, asked in a process of its own: its libraries take seconds to load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.errors import S3NError
from s3n_core.method.backbone_entry import BackboneEntry
from s3n_gui.appearance.wording import error_text
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import Job, JobList


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneFacts(BackboneEntry):
    """One backbone, as ``s3n weights list --json`` describes it.

    Attributes:
        sentence: What must be known of the licence.
        sha256: SHA-256 of the file of its weights; "" if it is not there.
    """

    sentence: str
    sha256: str

    @property
    def is_begun(self) -> bool:
        """Whether an unfinished download is there, which goes on where it stopped."""
        return bool(self.file) and self.size is None and Path(f"{self.file}.part").is_file()


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A weight file of the user, checked for a backbone.

    Attributes:
        file: The file.
        fits: Whether every tensor of the backbone is in it.
        sentences: What fits and what does not.
    """

    file: str
    fits: bool
    sentences: str


class WeightCatalogue(QObject):
    """The list of backbones, downloads of their weights, and checks of the user's own files; one of each at a time.

    Signals:
        listed: The list is there, or could not be made (``problem``).
        changed: The facts of a backbone have changed; its name.
        progressed: The download has progressed, or ended.
        checked: A file was checked, or refused (``problems``); the backbone's name.
        looked: What `facts` returns of a backbone has been found out; its name.
        arrived: The weights of a backbone were downloaded; its name.
        not_arrived: They were not; the backbone's name and why, as a sentence ("": the user has stopped the download).

    Attributes:
        backbones: The facts by name, in the engine's order; empty until ``listed``.
        has_timm: Whether timm is installed where the engine runs.
        input_size: Side of the network's input in the form of a training, in pixels; weight files are checked for it.
        own: The user's checked files, by the backbone's name.
        problem: Why there is no list, as a sentence; "" if there is one.
        problems: Why the last request about a backbone failed, as a sentence, by its name.
    """

    listed = Signal()
    changed = Signal(str)
    progressed = Signal()
    checked = Signal(str)
    looked = Signal(str)
    arrived = Signal(str)
    not_arrived = Signal(str, str)

    def __init__(self, jobs: JobList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.backbones: dict[str, BackboneFacts] = {}
        self.has_timm = True
        self.input_size = 224
        self.own: dict[str, OwnFile] = {}
        self.problem = ""
        self.problems: dict[str, str] = {}
        self._jobs = jobs
        self._fetching: tuple[str, CommandJob] | None = None
        self._last_fetched = ""
        self._listing: CommandJob | None = None
        self._checking: tuple[str, CommandJob] | None = None
        self._looking: tuple[str, CommandJob] | None = None
        self._looked: dict[str, BackboneFacts | None] = {}

    # -- the list --------------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Ask the engine for the list, unless it is on its way; weights may have been put in their place by hand."""
        if self._listing is not None:
            return
        self._listing = job = CommandJob("Listing backbones", ["weights", "list", "--all"], self, long_job=False)
        job.succeeded.connect(self._on_listed)
        job.failed.connect(self._on_list_failed)
        job.start()

    def take(self, answer: Mapping[str, Any]) -> None:
        """Take the engine's list."""
        self.has_timm = bool(answer.get("timm"))
        self.backbones = _facts_in(answer)
        self._looked.clear()
        self.problem = ""
        self.listed.emit()

    # -- one backbone ----------------------------------------------------------------------------------------------------

    def facts(self, name: str) -> BackboneFacts | None:
        """Return what is known of a backbone by now; None if nothing is."""
        return self.backbones.get(name) or self._looked.get(name)

    def look(self, name: str) -> None:
        """Ask the engine about one backbone that nothing is known of, unless it has been asked; one at a time."""
        if self._looking is not None or name in self._looked or name in self.backbones:
            return
        job = CommandJob(f"Looking for weights of {name}", ["weights", "list", name], self)
        self._looking = name, job
        job.succeeded.connect(self._on_looked)
        job.failed.connect(self._on_not_looked)
        job.start()

    # -- downloads -------------------------------------------------------------------------------------------------------

    @property
    def fetched(self) -> str:
        """Name of the backbone whose weights are being downloaded; "" if none are."""
        return "" if self._fetching is None else self._fetching[0]

    @property
    def download(self) -> Job | None:
        """The running download."""
        return None if self._fetching is None else self._fetching[1]

    def fetch(self, name: str) -> None:
        """Download a backbone's weights, or go on with an earlier download; nothing happens during another one."""
        if self._fetching is not None:
            return
        self.problems.pop(name, None)
        job = CommandJob(f"Downloading weights of {name}", ["weights", "fetch", name])
        self._fetching = name, job
        self._jobs.add(job)
        job.changed.connect(self.progressed)
        job.succeeded.connect(self._on_fetched)
        job.failed.connect(self._on_fetch_failed)
        job.ended.connect(self._on_fetch_ended)
        job.start()
        self.progressed.emit()

    def stop(self) -> None:
        """Stop the download; what is there is kept."""
        if self._fetching is not None:
            self._fetching[1].cancel()

    # -- files of one's own ----------------------------------------------------------------------------------------------

    @property
    def is_checking(self) -> bool:
        """Whether a file is being checked."""
        return self._checking is not None

    def check(self, name: str, file: Path, size: int) -> None:
        """Have a file checked for a backbone.

        Args:
            name: The backbone.
            file: The weight file.
            size: Side of the network's input, in pixels.
        """
        if self._checking is not None:
            return
        self.problems.pop(name, None)
        arguments = ["weights", "check", name, str(file), "--size", str(size)]
        job = CommandJob(f"Checking {file.name}", arguments, self, long_job=False)
        self._checking = name, job
        job.succeeded.connect(self._on_checked)
        job.failed.connect(self._on_check_failed)
        job.start()

    def forget_own(self, name: str) -> None:
        """Take the pretrained weights again instead of the user's file."""
        self.own.pop(name, None)

    def close(self) -> None:
        """End what is being asked; a download is a job of the window."""
        asked = (self._listing, *(pair[1] for pair in (self._checking, self._looking) if pair is not None))
        for job in asked:
            if job is not None:
                job.close()

    # -- inside ----------------------------------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_listed(self, answer: Mapping[str, Any] | None, job: CommandJob) -> None:
        self._drop(job)
        self.take(answer or {})

    @Slot(object, object)
    def _on_list_failed(self, error: S3NError, job: CommandJob) -> None:
        self._drop(job)
        self.problem = error_text(error)
        self.listed.emit()

    @Slot(object, object)
    def _on_fetched(self, answer: Mapping[str, Any] | None, job: CommandJob) -> None:
        if answer is None:
            return
        name = str(answer["name"])
        for known in (self.backbones, self._looked):
            facts = known.get(name)
            if facts is not None:
                size = int(answer["size"])
                known[name] = replace(facts, file=str(answer["file"]), size=size, sha256=str(answer["sha256"]))
        if name in self.backbones:
            self.changed.emit(name)
        self.arrived.emit(name)

    @Slot(object, object)
    def _on_fetch_failed(self, error: S3NError, job: CommandJob) -> None:
        self.problems[self._last_fetched] = error_text(error)
        self.progressed.emit()
        self.not_arrived.emit(self._last_fetched, error_text(error))

    @Slot(str, object)
    def _on_fetch_ended(self, status: str, job: CommandJob) -> None:
        self._last_fetched, self._fetching = self.fetched, None
        self.progressed.emit()
        if status == "cancelled":
            self.not_arrived.emit(self._last_fetched, "")

    @Slot(object, object)
    def _on_looked(self, answer: Mapping[str, Any] | None, job: CommandJob) -> None:
        name = self._drop(job)
        self._looked[name] = _facts_in(answer or {}).get(name)
        self.looked.emit(name)

    @Slot(object, object)
    def _on_not_looked(self, error: S3NError, job: CommandJob) -> None:
        name = self._drop(job)
        self._looked[name] = None  # such as a name that timm does not know: asked once
        self.looked.emit(name)

    @Slot(object, object)
    def _on_checked(self, answer: Mapping[str, Any] | None, job: CommandJob) -> None:
        name = self._drop(job)
        if answer is not None:
            self.own[name] = OwnFile(str(answer["file"]), bool(answer["fits"]), " ".join(answer["sentences"]))
        self.checked.emit(name)

    @Slot(object, object)
    def _on_check_failed(self, error: S3NError, job: CommandJob) -> None:
        name = self._drop(job)
        self.problems[name] = error_text(error)
        self.checked.emit(name)

    def _drop(self, job: CommandJob) -> str:
        """Forget a job that has ended; return the name of the backbone that it was about."""
        name = ""
        if job is self._listing:
            self._listing = None
        elif self._checking is not None and job is self._checking[1]:
            name, self._checking = self._checking[0], None
        elif self._looking is not None and job is self._looking[1]:
            name, self._looking = self._looking[0], None
        job.close()
        job.deleteLater()
        return name


def _facts_in(answer: Mapping[str, Any]) -> dict[str, BackboneFacts]:
    """Return the backbones in the engine's answer, by name."""
    names = [field.name for field in fields(BackboneFacts)]
    return {
        entry["name"]: BackboneFacts(**{name: entry[name] for name in names}) for entry in answer.get("weights", ())
    }
