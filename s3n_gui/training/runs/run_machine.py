"""The state machine of the shown run: its phases, and the transitions as one table. No widgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Busy = Literal[
    "starting",
    "running",
    "pausing",
    "paused",
    "going-on",
    "stopping",
    "stopping-now",
    "discarding",
]
"""A process is training the shown run, or is about to."""

Phase = Literal["none", "resting"] | Busy
"""``none``: no run is shown. ``resting``: no process is training the shown run."""

Order = Literal["start", "resume", "pause", "go-on", "stop", "stop-now", "discard"]
"""The user's commands."""

News = Literal["shown", "cleared", "starting", "running", "pausing", "paused", "stopping", "over", "refused"]
"""Events of the run: it is shown or no longer shown, its process reports a status, its process has ended ("over"), or
the last order was refused."""

_BUSY: tuple[Busy, ...] = get_args(Busy)


def _edges() -> dict[tuple[Phase, Order | News], Phase]:
    edges: dict[tuple[Phase, Order | News], Phase] = {}

    def add(what: Order | News, following: Phase, *phases: Phase) -> None:
        edges.update({(phase, what): following for phase in phases})

    add("start", "starting", "none", "resting")
    add("resume", "starting", "resting")
    add("pause", "pausing", "running", "going-on")
    add("go-on", "going-on", "pausing", "paused")
    add("stop", "stopping", "starting", "running", "pausing", "paused", "going-on")
    add("stop-now", "stopping-now", "starting", "running", "pausing", "paused", "going-on", "stopping")
    add("discard", "discarding", "starting", "running", "pausing", "paused", "going-on", "stopping", "stopping-now")

    add("shown", "resting", "none", "resting", *_BUSY)
    add("cleared", "none", "none", "resting", *_BUSY)
    add("over", "resting", *_BUSY)
    # Statuses from the process. It reports "running" until it has seen an order, so the order's phase remains until the
    # process confirms it; orders from elsewhere appear as their statuses arrive.
    add("starting", "starting", "resting")
    add("running", "running", "resting", "starting", "running", "paused", "going-on")
    add("pausing", "pausing", "resting", "starting", "running")
    add("paused", "paused", "resting", "starting", "running", "pausing")
    add("stopping", "stopping", "resting", "starting", "running", "pausing", "paused", "going-on")
    return edges


EDGES: Mapping[tuple[Phase, Order | News], Phase] = _edges()
"""All transitions. An order without an entry for a phase is not allowed in it; news without an entry is ignored."""

ORDERS: tuple[Order, ...] = get_args(Order)


class RunMachine:
    """The phase of the shown run.

    Attributes:
        phase: The current phase.
    """

    def __init__(self) -> None:
        self.phase: Phase = "none"
        self._said: Phase = "resting"

    def can(self, order: Order) -> bool:
        """Return whether an order is allowed now."""
        return (self.phase, order) in EDGES

    def order(self, order: Order) -> Phase:
        """Apply an order and return the new phase.

        Raises:
            ValueError: The order is not allowed in this phase.
        """
        if not self.can(order):
            raise ValueError(f"{order!r} cannot be ordered while the run is {self.phase!r}")
        if order in ("start", "resume"):
            self._said = "starting"
        self.phase = EDGES[self.phase, order]
        return self.phase

    def hear(self, news: News) -> Phase:
        """Apply news of the run and return the phase; news without a transition is stale and ignored."""
        if news == "refused":
            # The order had no effect: return to the last reported status.
            if self.phase in _BUSY:
                self.phase = self._said
            return self.phase
        following = EDGES.get((self.phase, news))
        if news in ("starting", "running", "pausing", "paused", "stopping"):
            self._said = news
        elif news in ("shown", "cleared", "over"):
            self._said = "resting"
        if following is not None:
            self.phase = following
        return self.phase

    @property
    def busy(self) -> bool:
        """Whether a process is training the run, or is about to."""
        return self.phase in _BUSY
