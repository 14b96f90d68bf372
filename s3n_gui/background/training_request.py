"""A new training as the person asks for it, and the command line that it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPORTING = ("--json", "--quiet")
"""What makes a training write to its log how it ends, as JSON, and nothing of its progress, which its folder tells."""


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """A new training.

    Attributes:
        data: The data set's folder.
        recipe: The recipe's name.
        name: The run's name, free in ``root``.
        root: The runs folder.
        settings: Changed fields of the recipe, by dotted name: ``{"epochs": 20, "network.backbone": "resnet18"}``.
        format: The data set's format, "auto" to detect it.
        device: The device, "auto" to choose it.
        workers: Threads that read images; None chooses by the machine.
        prefix: What brings the command to another place (`engine_command`), where all paths must be the same.
    """

    data: Path
    recipe: str
    name: str
    root: Path
    settings: Mapping[str, object] = field(default_factory=dict)
    format: str = "auto"
    device: str = "auto"
    workers: int | None = None
    prefix: Sequence[str] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """What follows ``s3n`` on the command line."""
        settings = [f"{name}={json.dumps(value)}" for name, value in self.settings.items()]
        return (
            "train",
            str(self.data),
            f"--recipe={self.recipe}",
            f"--name={self.name}",
            f"--runs={self.root}",
            f"--format={self.format}",
            f"--device={self.device}",
            *([] if self.workers is None else [f"--workers={self.workers}"]),
            *(f"--set={setting}" for setting in settings),
            *REPORTING,
        )
