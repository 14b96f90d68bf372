"""Every transition of the state machine, and every pair without a transition."""

import itertools
from typing import get_args

import pytest

from s3n_gui.training.runs.run_machine import EDGES, ORDERS, News, Phase, RunMachine

PHASES: tuple[Phase, ...] = get_args(Phase)
NEWS: tuple[News, ...] = get_args(News)


def in_phase(phase: Phase) -> RunMachine:
    machine = RunMachine()
    machine.phase = phase
    return machine


@pytest.mark.parametrize(("phase", "order"), [*itertools.product(PHASES, ORDERS)])
def test_orders(phase, order):
    machine = in_phase(phase)
    if (phase, order) in EDGES:
        assert machine.can(order)
        assert machine.order(order) == EDGES[phase, order] == machine.phase
    else:
        assert not machine.can(order)
        with pytest.raises(ValueError, match="cannot be ordered"):
            machine.order(order)
        assert machine.phase == phase


@pytest.mark.parametrize(("phase", "news"), [*itertools.product(PHASES, [news for news in NEWS if news != "refused"])])
def test_news(phase, news):
    machine = in_phase(phase)
    assert machine.hear(news) == EDGES.get((phase, news), phase)


def machine_after(*events: str) -> RunMachine:
    machine = RunMachine()
    for event in events:
        if event in ORDERS:
            machine.order(event)
        else:
            machine.hear(event)
    return machine


@pytest.mark.parametrize(
    ("events", "phase"),
    [
        (("shown",), "resting"),
        (("shown", "running"), "running"),
        (("start", "starting", "running", "over"), "resting"),
        (("shown", "running", "pause", "running"), "pausing"),
        (("shown", "running", "pause", "running", "paused"), "paused"),
        (("shown", "running", "pause", "paused", "go-on", "paused"), "going-on"),
        (("shown", "running", "pause", "paused", "go-on", "running"), "running"),
        (("shown", "running", "stop", "running", "stopping", "over"), "resting"),
        (("shown", "running", "stop", "stop-now", "discard", "over"), "resting"),
        (("shown", "running", "paused"), "paused"),
        (("shown", "paused", "running"), "running"),
        (("shown", "running", "stop", "refused"), "running"),
        (("shown", "paused", "discard", "refused"), "paused"),
        (("start", "stop", "refused"), "starting"),
        (("shown", "refused"), "resting"),
        (("shown", "running", "over", "running"), "running"),
        (("shown", "running", "cleared"), "none"),
    ],
)
def test_stories(events, phase):
    assert machine_after(*events).phase == phase


def test_only_final_orders_are_possible_while_it_stops():
    machine = machine_after("shown", "running", "stop")
    assert [order for order in ORDERS if machine.can(order)] == ["stop-now", "discard"]
    assert machine.busy
    assert not machine_after("shown").busy
