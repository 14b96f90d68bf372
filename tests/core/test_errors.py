"""Error codes and fields: a closed, documented list that survives every process boundary."""

import ast
import json
import pickle
from pathlib import Path

import pytest

from s3n_core.errors import CODES, DataChanged, Diverged, OutOfMemory, S3NError, UnfinishedOutput, UnreadableImage
from s3n_core.runs.run_state import RunState
from s3n_core.system.json_values import from_json, to_json

CHECKOUT = Path(__file__).parents[2]
DOCUMENT = CHECKOUT / "docs" / "reference" / "command-line.md"
EXAMPLES = [
    S3NError("The model is open elsewhere; close it."),
    UnreadableImage(Path("Vögel/a b.jpg"), "the file is empty"),
    DataChanged("It has changed.", root=Path("birds"), changes=("1 image removed (a.jpg)", "2 images added (b, c)")),
    Diverged("It diverged.", epoch=3),
    UnfinishedOutput("In the way.", path=Path("t.csv.part"), content="unfinished predictions of another model"),
    OutOfMemory("Memory ran out."),
]


def fields_of(kind: type[S3NError]) -> tuple[str, ...]:
    return tuple(name for name in kind.__dataclass_fields__ if name not in ("code", "message"))


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: error.code)
@pytest.mark.parametrize("border", ["pickle", "JSON"])
def test_an_error_survives_a_border(error: S3NError, border: str) -> None:
    if border == "pickle":
        again = pickle.loads(pickle.dumps(error))
    else:
        again = S3NError.from_dict(json.loads(json.dumps(error.to_dict())))
    assert type(again) is type(error)
    assert (again.code, again.fields, str(again), again.args) == (error.code, error.fields, str(error), error.args)
    assert set(error.to_dict()) == {"code", "message", *fields_of(type(error))}


@pytest.mark.parametrize(
    "value",
    [
        {"code": "run.of_a_newer_version", "message": "It says so."},
        {"code": "run.data_changed", "message": "It says so."},
        {"code": "run.data_changed", "message": "It says so.", "root": 3, "changes": ["a"]},
        {"code": "training.diverged", "message": "It says so.", "epoch": "third"},
        {"code": ["run.busy"], "message": "It says so."},
        {"message": "It says so."},
    ],
)
def test_what_is_not_understood_keeps_its_sentence(value: dict[str, object]) -> None:
    error = S3NError.from_dict(value)
    assert (type(error), str(error)) == (S3NError, "It says so.")


def test_the_list_is_closed() -> None:
    """Every error class of the two programs is in `errors.py` and has its own code."""
    kinds = [S3NError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert sorted(kind.code for kind in kinds) == sorted(CODES)
    assert len(CODES) <= 36
    names, elsewhere = {kind.__name__ for kind in kinds}, set[str]()
    for file in (file for package in ("s3n_core", "s3n_gui") for file in (CHECKOUT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id in names for b in node.bases):
                elsewhere.add(file.relative_to(CHECKOUT).as_posix())
    assert elsewhere == {"s3n_core/errors.py"}


def test_the_document_lists_them() -> None:
    """The document has a table of every code, its meaning and its fields."""
    expected = []
    for code, kind in CODES.items():
        assert kind.__doc__ is not None
        meaning = kind.__doc__.splitlines()[0].replace("``", "`")
        expected.append(f"| `{code}` | {meaning} | {', '.join(f'`{name}`' for name in fields_of(kind))} |")
    rows = [
        line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith(tuple(f"| `{c}`" for c in CODES))
    ]
    assert rows == expected, "\n".join(expected)


def test_a_state_keeps_why_a_run_failed() -> None:
    error = Diverged("It diverged.", epoch=3)
    state = RunState(status="failed", message=str(error), failure=error.to_dict())
    again = from_json(RunState, json.loads(json.dumps(to_json(state)))).error
    assert isinstance(again, Diverged)
    assert again.epoch == 3


def test_a_state_of_an_earlier_version_has_a_sentence_only() -> None:
    state = from_json(RunState, {"status": "failed", "message": "The disk is full."})
    assert state.failure is None
    assert type(state.error) is S3NError
    assert str(state.error) == "The disk is full."
    assert from_json(RunState, {"status": "stopped", "message": "Stopped."}).error is None
