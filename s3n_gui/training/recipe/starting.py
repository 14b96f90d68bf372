"""Starting a training run: builds the request from the form, and checks whether it can start."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from s3n_core.datasets.imbalance import unequal_classes
from s3n_core.datasets.left_out import left_out_version, without_left_out
from s3n_core.datasets.skipped_files import needs_attention, skipped_sentence
from s3n_core.errors import S3NError
from s3n_core.runs.locations import checked_run_name, new_run_name
from s3n_core.training.duration import UNKNOWN_TIME, estimate_time
from s3n_core.training.image_counts import ImageCounts, image_counts
from s3n_core.training.single_images import require_batches, single_image_notes
from s3n_gui.background.device_probe import DeviceProbe
from s3n_gui.background.jobs import Job, JobList
from s3n_gui.background.tasks import Tasks
from s3n_gui.background.training_job import TrainingJob
from s3n_gui.background.training_request import TrainingRequest
from s3n_gui.state.live_runs import LiveRuns
from s3n_gui.state.opening import data_set_title
from s3n_gui.state.session import Session, ValidationShare
from s3n_gui.state.settings import Settings
from s3n_gui.training.controller import TrainingController, in_the_way
from s3n_gui.training.recipe.recipe_choice import data_problem
from s3n_gui.training.recipe.recipe_form import RecipeForm
from s3n_gui.training.weight_download import WeightDownload


class Starting(QObject):
    """Connects the form, the session and the controller.

    Signals:
        checked: ``possible`` may have changed.
    """

    checked = Signal()

    def __init__(
        self,
        form: RecipeForm,
        controller: TrainingController,
        session: Session,
        settings: Settings,
        trainings: LiveRuns,
        jobs: JobList,
        download: WeightDownload,
        parent: QObject,
        probe: DeviceProbe | None = None,
    ) -> None:
        super().__init__(parent)
        self._form, self._controller = form, controller
        self._session, self._settings = session, settings
        self._trainings, self._probe, self._download = trainings, probe, download
        self._wanted: ValidationShare | None = None
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_counted)
        self._tasks.failed.connect(self._on_not_counted)
        self._counted: tuple[object, ...] = ()
        self._counts: ImageCounts | None = None
        self._not_counted = ""
        """Why the images cannot be counted, as a sentence; empty if they can."""
        for signal in (
            session.data_set_changed,
            session.left_out_changed,
            settings.changed,
            trainings.watch.changed,
            controller.status_changed,
            form.changed,
            form.name.textChanged,
            download.changed,
        ):
            signal.connect(self.check)
        if probe is not None:
            probe.answered.connect(self.check)
        jobs.changed.connect(self._on_job)
        form.start_asked.connect(self.start)
        form.live_asked.connect(self._show_live)
        form.data_asked.connect(self._on_data_asked)
        form.validation_edited.connect(self._on_validation_edited)
        form.recipe_changed.connect(self._take_validation)
        session.validation_changed.connect(self._on_validation)
        if session.validation != ValidationShare():
            self._on_validation(session.validation)
        self.check()

    @property
    def possible(self) -> bool:
        """Whether a run can be started."""
        return self._form.start.isEnabled()

    def start(self) -> None:
        """Start a run with the form's settings."""
        self._form.commit()
        self.check()
        data_set = self._session.data_set
        if not self.possible or data_set is None:
            return
        choice = self._form.choice
        request = TrainingRequest(
            data=data_set.root,
            recipe=choice.recipe.name,
            name=self._form.name.text().strip(),
            root=self._settings.runs_root,
            settings=choice.settings,
            format=data_set.format,
            device=self._settings.device,
        )
        backbone, weights = str(choice.value("network.backbone")), str(choice.value("weights"))
        self._download.before(backbone, weights, partial(self._begin, request))

    def _begin(self, request: TrainingRequest) -> None:
        self._controller.start_when_free(request)
        self._form.name.setModified(False)
        self.check()

    def check(self, *_: object) -> None:
        """Show in the form whether a run can be started, and if not, why."""
        form, data_set, root = self._form, self._session.data_set, self._settings.runs_root
        recipe = form.choice.recipe.name
        stem = f"{data_set_title(data_set.root)}-{recipe}" if data_set is not None else recipe
        form.propose_name(new_run_name(root, stem))
        skipped = () if data_set is None else data_set.skipped
        form.show_skipped(skipped_sentence(skipped, companions=False) if needs_attention(skipped) else "")
        name = form.name.text().strip()
        problem = data_problem(data_set) or form.choice.problem or self._batch_problem()
        if not problem:
            try:
                name = checked_run_name(name)
                if (root / name).exists():
                    problem = f"There is already a run called {name}; choose another name."
            except S3NError as error:
                problem = str(error)
        if not problem and self._download.backbone:
            problem = (
                f"The weights of {self._download.backbone} are being downloaded; training begins when they are here."
            )
        live = None if problem else self._controller.live_run()
        if live is not None:
            problem = in_the_way(live)
        form.show_problem(
            problem, data_missing=bool(data_problem(data_set)), live=live not in (None, self._controller.path)
        )
        form.show_time("" if problem else self._time())
        self.checked.emit()

    def _time(self) -> str:
        """Say how long the training will take; empty until it is known which device it would use, and how many images."""
        settings, devices = self._settings, None if self._probe is None else self._probe.devices
        device, counts, choice = settings.device, self._counts, self._form.choice
        if device == "auto":
            if devices is None or not devices.name:
                return ""
            device = devices.chosen
        if counts is None:
            return ""
        recipe, runs = choice.recipe.changed(choice.settings), self._trainings.watch.seen.runs
        found = estimate_time(recipe, sum(counts.training), counts.validation, runs, device)
        return f"Time: {UNKNOWN_TIME if found is None else found.text}."

    def close(self) -> None:
        """Wait for what is being counted."""
        self._tasks.close()

    def _batch_problem(self) -> str:
        """Say why there is nothing to learn from in the batches of the form, and show what else is to be known of them."""
        self._count()
        form, data_set, counts = self._form, self._session.data_set, self._counts
        if data_set is None or counts is None or form.choice.problem or data_problem(data_set):
            form.show_notes(())
            return self._not_counted
        recipe = form.choice.recipe.changed(form.choice.settings)
        try:
            require_batches(recipe, sum(counts.training))
        except S3NError as error:
            form.show_notes(())
            return str(error)
        notes = list(single_image_notes(recipe, sum(counts.training)))
        unequal = unequal_classes(counts.training, data_set.classes) if recipe.balance == "none" else None
        if unequal is not None:
            notes.append(f"{unequal.sentence} See Class balance under Advanced.")
        form.show_notes(notes)
        return ""

    def _count(self) -> None:
        """Count the training images in the background where data set, share, seed or the images left out are others."""
        data_set, choice = self._session.data_set, self._form.choice
        if data_set is None or choice.problem or data_problem(data_set):
            return
        share, seed = float(choice.value("validation")), int(choice.value("split_seed"))
        wanted = (data_set, share, seed, left_out_version(data_set.root))
        if self._counted and self._counted[0] is data_set and self._counted[1:] == wanted[1:]:
            return
        self._counted, self._counts, self._not_counted = wanted, None, ""
        self._tasks.run("counts", lambda: image_counts(without_left_out(data_set), share, seed))

    def _on_counted(self, name: str, counts: ImageCounts) -> None:
        self._counts = counts
        self.check()

    def _on_not_counted(self, name: str, error: Exception) -> None:
        if isinstance(error, S3NError):  # the training would end with it; a bug of counting is in the log
            self._not_counted = str(error)
            self.check()

    def _on_job(self, job: Job) -> None:
        if isinstance(job, TrainingJob) and not job.is_active:
            self.check()

    def _show_live(self) -> None:
        self._controller.show_run(self._controller.live_run() or self._controller.path)

    def _on_data_asked(self) -> None:
        self._session.ask_to_open("data")

    def _on_validation(self, validation: ValidationShare) -> None:
        self._wanted = validation
        self._take_validation()

    def _take_validation(self) -> None:
        # The validation share of the Data page takes precedence over the recipe's.
        if self._wanted is not None:
            self._form.take({"validation": self._wanted.fraction, "split_seed": self._wanted.seed})

    def _on_validation_edited(self, fraction: float, seed: int) -> None:
        if 0.0 <= fraction <= 0.5:
            self._wanted = ValidationShare(fraction, seed)
            self._session.validation = self._wanted
