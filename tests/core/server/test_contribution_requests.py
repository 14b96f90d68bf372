"""Requests for contributions: those of Python, from the pass of the inspection, which is not made again."""

from pathlib import Path

import pytest
from random_model import save_picture, save_random_model
from serving import served

import s3n_core
from s3n_core.datasets.records import Box
from s3n_core.inspection.contribution_view import ContributionView, contribution_view
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.method.network import S3N
from s3n_core.server.codec import contribution_request, decode_contributions
from s3n_core.server.requests import Subject

BOX = Box(x=10, y=10, width=100, height=60)
NUMBERS = InspectionSettings(sampling="random", seed=3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random_model(tmp_path_factory.mktemp("model") / "model.safetensors", side=32)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    picture = save_picture(tmp_path_factory.mktemp("pictures") / "bird 1.jpg", 1)
    return Subject(image=picture, name="birds/one.jpg", settings=NUMBERS)


def in_python(model: Path, subject: Subject, target: int, versus: int | None, box: Box | None) -> ContributionView:
    with s3n_core.load_model(model, device="cpu") as opened:
        found = opened.contributions(subject.image, target, versus=versus, name=subject.name, settings=subject.settings)
        return contribution_view(found, box)


def test_they_are_those_of_python_and_need_no_second_pass(
    model: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [in_python(model, subject, 3, 1, BOX), in_python(model, subject, 2, None, None)]
    passes: list[int] = []
    features = S3N.features

    def counted(self: S3N, *args: object, **named: object) -> object:
        passes.append(1)
        return features(self, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(S3N, "features", counted)
    inspect = ("inspect", {"subject": contribution_request(subject, 0, None, None)["subject"]})
    served(model, inspect)  # type: ignore[arg-type]
    alone = len(passes)
    passes.clear()
    messages = served(
        model,
        inspect,  # type: ignore[arg-type]
        ("contributions", contribution_request(subject, 3, 1, BOX)),
        ("contributions", contribution_request(subject, 2, None, None)),
    )
    assert len(passes) == alone > 0
    replies = [message for message in messages if message.kind == "contributions"]
    assert [decode_contributions(message) for message in replies] == wanted
    assert replies[0].fields["subject"]["name"] == "birds/one.jpg"


def test_without_an_inspection_the_pass_is_made(model: Path, subject: Subject) -> None:
    messages = served(model, ("contributions", contribution_request(subject, 3, 1, BOX)))
    (reply,) = [message for message in messages if message.kind == "contributions"]
    assert decode_contributions(reply) == in_python(model, subject, 3, 1, BOX)


def test_a_class_that_is_not_there_is_said(model: Path, subject: Subject) -> None:
    fields = contribution_request(subject, 99, None, None)
    messages = served(model, ("contributions", fields), ("contributions", {**fields, "target": "red"}))
    failures = [message.fields for message in messages if message.kind == "failed"]
    assert [failure["request"] for failure in failures] == ["contributions"] * 2
    assert "the model has no class 99: its classes are 0 to 11" in failures[0]["error"]["message"]
