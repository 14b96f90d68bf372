"""The tests' fake engine client has the methods and signals of the real one."""

from __future__ import annotations

import inspect

import pytest
from made_inspection import FakeClient
from PySide6.QtCore import QMetaMethod, QObject

from s3n_gui.background.engine_client import EngineClient
from s3n_gui.background.inspection_client import InspectionClient

MEMBERS = {name: member for name, member in vars(EngineClient).items() if not name.startswith("_")}
METHODS = sorted(name for name, member in MEMBERS.items() if inspect.isfunction(member) and name != "setParent")
SIGNALS = sorted(
    name
    for name, member in MEMBERS.items()
    if isinstance(member, property) and member.fget is not None and "Signal" in str(member.fget.__annotations__)
)


def signals_of(kind: type[QObject]) -> dict[str, str]:
    """Return the arguments of a class's signals, by name."""
    meta = kind.staticMetaObject  # type: ignore[attr-defined]
    methods = (meta.method(index) for index in range(meta.methodOffset(), meta.methodCount()))
    signatures = [
        bytes(method.methodSignature().data()).decode()
        for method in methods
        if method.methodType() == QMetaMethod.MethodType.Signal
    ]
    return {signature.split("(")[0]: signature for signature in signatures}


def parameters(function: object) -> list[tuple[str, object, object, object]]:
    found = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return [(one.name, one.kind, one.default, one.annotation) for one in found]


def test_the_contract_is_read_whole() -> None:
    assert METHODS == [
        "close", "close_model", "hide_places", "inspect", "open_model", "request_class_map",
        "request_contributions", "request_descriptors", "set_idle_seconds", "stop_hiding",
    ]  # fmt: skip
    assert len(SIGNALS) == 14
    assert set(MEMBERS) == {*METHODS, *SIGNALS, "model", "state", "setParent"}


@pytest.mark.parametrize("client", [InspectionClient, FakeClient])
@pytest.mark.parametrize("name", METHODS)
def test_methods_take_the_same(client: type[QObject], name: str) -> None:
    assert parameters(getattr(client, name)) == parameters(MEMBERS[name])


@pytest.mark.parametrize("name", SIGNALS)
def test_signals_carry_the_same(name: str) -> None:
    assert signals_of(FakeClient)[name] == signals_of(InspectionClient)[name]


def test_what_is_known_is_there() -> None:
    client = FakeClient()
    assert client.model is None
    assert isinstance(client.state, str)
    assert isinstance(client, QObject)
