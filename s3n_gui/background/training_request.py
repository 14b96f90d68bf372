"""The settings of a new training, and the equivalent command."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPORTING = ("--json", "--quiet")
"""Options that make a training log only its result, as JSON; its progress is in the run folder."""


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """The settings of a new training.

    Attributes:
        data: The data set folder.
        recipe: The recipe's name.
        name: The run's name, not yet used in ``root``.
        root: The runs folder, which contains all run folders.
        settings: Changed fields of the recipe, by dotted name: ``{"epochs": 20, "network.backbone": "resnet18"}``.
        format: The data set's format; "auto" detects it.
        device: "auto", "cpu", "cuda" or "mps".
        prefix: A prefix that runs the command elsewhere (`engine_command`), where all paths must be the same.
    """

    data: Path
    recipe: str
    name: str
    root: Path
    settings: Mapping[str, object] = field(default_factory=dict)
    format: str = "auto"
    device: str = "auto"
    prefix: Sequence[str] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of ``s3n``."""
        settings = [f"{name}={json.dumps(value)}" for name, value in self.settings.items()]
        return (
            "train",
            str(self.data),
            f"--recipe={self.recipe}",
            f"--name={self.name}",
            f"--runs={self.root}",
            f"--format={self.format}",
            f"--device={self.device}",
            *(f"--set={setting}" for setting in settings),
            *REPORTING,
        )
