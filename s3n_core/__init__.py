"""The engine of S3N Studio: Selective Sparse Sampling Networks without a window.

The names below are the public API. They are loaded lazily, so importing this package is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from s3n_core.version import __version__

if TYPE_CHECKING:
    from s3n_core.api import (
        Atlas,
        Comparison,
        Contributions,
        DataSet,
        Evaluation,
        HiddenPlace,
        HidingSettings,
        ImageLike,
        Inspection,
        InspectionSettings,
        Model,
        ModelAtlas,
        Prediction,
        Predictions,
        Run,
        S3NError,
        Source,
        figure,
        find_parts,
        load_model,
        open_data,
        open_run,
        start_training,
        train,
    )

__all__ = [
    "Atlas",
    "Comparison",
    "Contributions",
    "DataSet",
    "Evaluation",
    "HiddenPlace",
    "HidingSettings",
    "ImageLike",
    "Inspection",
    "InspectionSettings",
    "Model",
    "ModelAtlas",
    "Prediction",
    "Predictions",
    "Run",
    "S3NError",
    "Source",
    "__version__",
    "figure",
    "find_parts",
    "load_model",
    "open_data",
    "open_run",
    "start_training",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("s3n_core.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
