"""What can be done with the run that the page shows, and what is under way: one table of edges, no widgets."""

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
"""A process trains the shown run, or is about to."""

Phase = Literal["none", "resting"] | Busy
"""``none``: no run is shown. ``resting``: nobody trains the shown run."""

Order = Literal["start", "resume", "pause", "go-on", "stop", "stop-now", "discard"]
"""What a person asks for."""

News = Literal["shown", "cleared", "starting", "running", "pausing", "paused", "stopping", "over", "refused"]
"""What the run tells: it is shown or no longer shown, what its training process says of itself, that nobody trains it any
more, or that the last order was refused."""

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
    # What the process says. It goes on saying "running" until it has seen an order, so an order's own phase stays until
    # the process has got there; what somebody else ordered is shown as it comes.
    add("starting", "starting", "resting")
    add("running", "running", "resting", "starting", "running", "paused", "going-on")
    add("pausing", "pausing", "resting", "starting", "running")
    add("paused", "paused", "resting", "starting", "running", "pausing")
    add("stopping", "stopping", "resting", "starting", "running", "pausing", "paused", "going-on")
    return edges


EDGES: Mapping[tuple[Phase, Order | News], Phase] = _edges()
"""Every change of phase. An order that is not here for a phase cannot be given in it; news that is not here changes nothing."""

ORDERS: tuple[Order, ...] = get_args(Order)


class RunMachine:
    """The phase of the shown run.

    Attributes:
        phase: What holds now.
    """

    def __init__(self) -> None:
        self.phase: Phase = "none"
        self._said: Phase = "resting"

    def can(self, order: Order) -> bool:
        """Return whether a person may ask for this now."""
        return (self.phase, order) in EDGES

    def order(self, order: Order) -> Phase:
        """Take an order.

        Raises:
            ValueError: It cannot be given in this phase.
        """
        if not self.can(order):
            raise ValueError(f"{order!r} cannot be ordered while the run is {self.phase!r}")
        if order in ("start", "resume"):
            self._said = "starting"
        self.phase = EDGES[self.phase, order]
        return self.phase

    def hear(self, news: News) -> Phase:
        """Take news of the run; what makes no sense in this phase is stale and changes nothing."""
        if news == "refused":
            # Back to what the process said last: the order has had no effect.
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
        """Whether a process trains the run or is about to."""
        return self.phase in _BUSY
