"""The window's program with remote control for tests: it follows commands on its input and reports what it shows.

Lines: ``start REQUEST`` (JSON of a `TrainingRequest`), ``resume RUN``, ``pause``, ``go on``, ``next image``,
``predict ARGUMENTS`` (JSON list). After each change it writes one JSON line: the statuses of the training runs it
knows, the number of inspected images, the banner's messages, and the progress of a prediction.
"""

from __future__ import annotations

import json
import os
import select
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer

from s3n_gui import app
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.training_job import TrainingJob
from s3n_gui.background.training_request import TrainingRequest
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.frame.window_dialogs import ClosingDialog


class Hand(QObject):
    """Executes the commands."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._said: list[str] = []
        self._answered = 0
        self._printed = ""
        self._unread = b""
        self._command: CommandJob | None = None
        self._predicted: dict[str, Any] = {}
        window.session.error_reported.connect(self._said.append)
        if window.pages.current_name == "inspect":
            window.pages.page("inspect")._client.answered.connect(self._on_answered)  # type: ignore[attr-defined]
        timer = QTimer(self)
        timer.timeout.connect(self._look)
        timer.start(50)

    def _look(self) -> None:
        while select.select([0], [], [], 0)[0]:
            read = os.read(0, 65536)
            if not read:
                break
            self._unread += read
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            self._do(line.decode())
        jobs = [job for job in self._window.jobs.jobs() if isinstance(job, TrainingJob)]
        line = json.dumps(
            {
                "trainings": {job.run_path.name: job.run_status for job in jobs},
                "jobs": {job.run_path.name: job.status for job in jobs},
                "answered": self._answered,
                "said": self._said,
                **self._prediction(),
            }
        )
        if line != self._printed:
            self._printed = line
            print(line, flush=True)

    def _do(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "start":
            fields = json.loads(rest)
            request = TrainingRequest(**fields | {"data": Path(fields["data"]), "root": Path(fields["root"])})
            self._add(TrainingJob.start(request))
        elif word == "resume":
            self._add(TrainingJob.resume(Path(rest), device="cpu"))
        elif word == "predict":
            self._command = CommandJob("Predicting", ["predict", *json.loads(rest)])
            self._command.printed.connect(self._on_printed)
            self._window.jobs.add(self._command)
            self._command.start()
        elif word == "next":
            self._window.actions_by_id["inspect-next"].trigger()
        else:
            (job,) = self._window.trainings.active()
            {"pause": job.pause, "go": job.go_on, "stop": job.stop_and_keep}[word]()

    def _prediction(self) -> dict[str, Any]:
        if self._command is None:
            return {}
        return {"pid": self._command.pid, "command": self._command.status, "predicted": self._predicted}

    def _on_printed(self, line: dict[str, Any]) -> None:
        self._predicted = line

    def _add(self, job: TrainingJob) -> None:
        job.failed.connect(self._on_failed)
        self._window.jobs.add(job)

    def _on_failed(self, sentence: str) -> None:
        self._said.append(sentence)

    def _on_answered(self, *_: Any) -> None:
        self._answered += 1


def main() -> int:
    """Run the program."""
    begin = MainWindow.begin

    def begin_with_a_hand(window: MainWindow) -> None:
        begin(window)
        Hand(window)

    MainWindow.begin = begin_with_a_hand  # type: ignore[method-assign]
    ClosingDialog.ask = lambda self: "leave"  # type: ignore[method-assign]  # the person's choice
    return app.main()


if __name__ == "__main__":
    raise SystemExit(main())
