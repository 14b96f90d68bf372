import pytest
from pydantic import ValidationError

from s3n_core.method.configuration import ModelHeader, NetworkConfig


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        ({"window": 4}, "odd"),
        ({"source_size": 224}, "source_size"),
        ({"floor": 1.5}, "floor"),
        ({"floor": float("nan")}, "floor"),
        ({"floor": "middle"}, "floor"),
        ({"radius_d": 0}, "radius_d"),
        ({"radius_c": float("nan")}, "radius_c"),
        ({"backbone": "alexnet"}, "backbone"),
        ({"unknown": 1}, "unknown"),
        ({"num_classes": 0}, "num_classes"),
        ({"eval_sampling": "random"}, "eval_sampling"),
    ],
)
def test_wrong_choices_are_refused_by_name(choice: dict[str, object], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        NetworkConfig.model_validate({"num_classes": 5} | choice)


def test_choices_survive_a_file() -> None:
    config = NetworkConfig(num_classes=5, floor=0.25, branches="D+C", form="release")
    assert NetworkConfig.model_validate_json(config.model_dump_json()) == config
    assert config.joined == ("D", "C")
    assert (config.alignment, NetworkConfig(num_classes=5).alignment) == ("corners", "origins")


def test_a_header_has_a_name_for_every_class() -> None:
    with pytest.raises(ValidationError, match="class names"):
        ModelHeader(network=NetworkConfig(num_classes=5), classes=("a", "b"), preprocess={})
