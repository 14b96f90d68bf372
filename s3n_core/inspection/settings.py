"""The settings of an inspection: the method's parameters and edits of single peaks. Does not import torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError, with_config

from s3n_core.inspection.peak import PeakEdit
from s3n_core.method.configuration import SAMPLING_MODES, Sampling

Floor = Literal["mean", "none"] | float
_Settings = TypeVar("_Settings")


@with_config({"extra": "forbid"})
@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionSettings:
    """How an image is inspected; None keeps the model's value.

    Attributes:
        sampling: How the peaks are assigned to D and C.
        seed: Seed of zeta in modes with draws, and of the control with random places.
        delta: Entropy threshold of Eq. 3, in nats: up to it the network is certain.
        top_k: Number of classes merged above the threshold; at most half of all classes.
        window: Side of a peak's window in cells, odd.
        floor: Minimum response of a peak.
        base: Constant added to Q.
        beta_1: Radius of Eq. 5 in D, in cells, at least 0.5.
        beta_2: Radius of Eq. 5 in C, in cells, at least 0.5.
        edits: Edits of single peaks, in the order in which they are applied.
    """

    sampling: Sampling | None = None
    seed: int = 0
    delta: float | None = None
    top_k: int | None = None
    window: int | None = None
    floor: Floor | None = None
    base: float | None = None
    beta_1: float | None = None
    beta_2: float | None = None
    edits: tuple[PeakEdit, ...] = ()

    def __post_init__(self) -> None:
        if self.sampling is not None and self.sampling not in SAMPLING_MODES:
            raise ValueError(f"sampling must be one of {', '.join(SAMPLING_MODES)}, not {self.sampling!r}")
        check_range("delta", self.delta, 0.0, math.inf)
        check_range("top_k", self.top_k, 1, math.inf)
        check_range("base", self.base, 0.0, 10.0)
        check_range("beta_1", self.beta_1, 0.5, 1000.0)
        check_range("beta_2", self.beta_2, 0.5, 1000.0)
        check_range("window", self.window, 3, 15)
        if self.window is not None and self.window % 2 == 0:
            raise ValueError(f"window must be odd, not {self.window}")
        if isinstance(self.floor, str):
            if self.floor not in ("mean", "none"):
                raise ValueError(f"floor must be mean, none or a number from 0 to 1, not {self.floor!r}")
        else:
            check_range("floor", self.floor, 0.0, 1.0)
        if len({edit.cell for edit in self.edits}) < len(self.edits):
            raise ValueError("edits must name each peak once")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values, without loss."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> InspectionSettings:
        """Read the result of `to_dict`, also after a JSON round trip.

        Raises:
            ValueError: A field is unknown or out of range.
        """
        return read_settings(_ADAPTER, fields, "an inspection")


def read_settings(adapter: TypeAdapter[_Settings], fields: Mapping[str, Any], of: str) -> _Settings:
    """Read settings from JSON values; ``of`` names what they belong to.

    Raises:
        ValueError: A field is unknown or out of range; the message says which.
    """
    try:
        return adapter.validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        reason = first.get("ctx", {}).get("error") or f"{where}: {first['msg']}" if where else first["msg"]
        raise ValueError(f"not settings of {of}: {reason}") from error


def check_range(name: str, value: float | None, low: float, high: float) -> None:
    """Check that a number is None, or finite and from ``low`` to ``high``.

    Raises:
        ValueError: It is not; the message names it and its range.
    """
    # Excludes infinity, and NaN, for which comparisons are false.
    if value is not None and not (low <= value <= high and math.isfinite(value)):
        limits = f"at least {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
        raise ValueError(f"{name} must be {limits}, not {value}")


_ADAPTER = TypeAdapter(InspectionSettings)
