"""Import of a checkpoint of the released code, up to a prediction table."""

import csv
import json
from pathlib import Path

import pytest
import torch
from command_line import Command
from pictures import class_folders
from test_bad_models import PICKLES, Payload
from torch import Tensor, nn
from torchvision import models

from s3n_core.models.model_headers import read_header

SIDE = 64


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """A checkpoint with valid names and shapes only; tests/core/method compares its outputs."""
    torch.manual_seed(0)
    whole = models.resnet18(weights=None)
    features = nn.Sequential(*list(whole.children())[:-2]).state_dict()
    width, classes = 512, 3
    tensors = {f"features.{key}": value for key, value in features.items()}
    for name in ("", "1"):
        tensors[f"sampler_buffer{name}.0.weight"] = torch.randn(width, width, 3, 3) / width
        for key, value in nn.BatchNorm2d(width).state_dict().items():
            tensors[f"sampler_buffer{name}.1.{key}"] = value
    heads = {"raw_classifier": width, "sampler_classifier": width, "sampler_classifier1": width}
    for name, inputs in (heads | {"con_classifier": 3 * width}).items():
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = torch.randn(classes, inputs), torch.zeros(classes)
    tensors["map_origin.weight"] = tensors["raw_classifier.weight"][..., None, None]
    tensors["map_origin.bias"] = tensors["raw_classifier.bias"]
    tensors["filter.weight"] = torch.ones(1, 1, 61, 61)
    tensors["radius.scale"], tensors["radius_inv.scale"] = torch.tensor([0.09]), torch.tensor([0.3])
    return tensors


@pytest.fixture
def released(state: dict[str, Tensor], tmp_path: Path) -> Path:
    torch.save({"model": {f"module.{key}": value for key, value in state.items()}, "epoch_idx": 59}, tmp_path / "c.pth")
    return tmp_path / "c.pth"


def test_the_model_works_like_any_other(s3n: Command, released: Path, tmp_path: Path) -> None:
    data = class_folders(tmp_path / "photos", {"awl": 2, "bit": 1, "saw": 1})
    model = tmp_path / "imported.safetensors"
    done = s3n("import-checkpoint", released, "--classes", data, "--input-size", SIDE, "--out", model)
    assert (done.code, done.out) == (0, f"{model}\n")
    header = read_header(model)
    assert (header.classes, header.data_set, header.recipe) == (("awl", "bit", "saw"), "photos", "release")
    assert (header.network.form, header.network.eval_sampling) == ("release", "extremes")
    assert header.preprocess["resize"] == "squash_crop"

    assert s3n("predict", model, data, "--out", tmp_path / "table.csv").code == 0
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        assert {row["class"] for row in csv.DictReader(file)} <= set(header.classes)
    assert s3n("evaluate", model, data, "--out", tmp_path / "figures").code == 0
    assert s3n("export", model, data, "--most", 1, "--arrays", "--out", tmp_path / "out").code == 0


def test_what_was_read_is_told_to_a_program(
    s3n: Command, state: dict[str, Tensor], released: Path, tmp_path: Path
) -> None:
    (tmp_path / "names.txt").write_text("2 saw blade\n0 awl\n1 bit\n", encoding="utf-8")
    torch.save(state | {"backbone.fc.bias": torch.zeros(1000), "own.thing": torch.zeros(1)}, tmp_path / "hawkeye.pth")
    model = tmp_path / "imported.safetensors"
    done = s3n(
        "import-checkpoint", tmp_path / "hawkeye.pth", "--classes", tmp_path / "names.txt", "-o", model, "--json"
    )
    told = json.loads(done.out)
    assert (told["kind"], told["backbone"], told["classes"]) == ("hawkeye", "resnet18", 3)
    assert (told["preprocess"]["resize"], told["preprocess"]["input_size"]) == ("keep_crop", 448)
    assert told["unused"] == ["own.thing"]
    assert read_header(model).classes == ("awl", "bit", "saw blade")


def test_classes_without_names_and_half_size(s3n: Command, released: Path, tmp_path: Path) -> None:
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    assert "have no names" in s3n("import-checkpoint", released, "-o", whole).err
    s3n("import-checkpoint", released, "-o", half, "--half", "--resize", "squash")
    assert read_header(whole).classes == ("class 0", "class 1", "class 2")
    assert read_header(half).preprocess["resize"] == "squash"
    assert half.stat().st_size < 0.51 * whole.stat().st_size


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("a\nb\n", "names 2 classes"),
        ("", "no class names"),
        ("1 a\n1 b\n2 c\n", "two names"),
        (None, "There is no file"),
    ],
)
def test_class_names_that_do_not_fit(
    s3n: Command, released: Path, tmp_path: Path, names: str | None, said: str
) -> None:
    if names is not None:
        (tmp_path / "names.txt").write_text(names, encoding="utf-8")
    model = tmp_path / "m.safetensors"
    assert said in s3n("import-checkpoint", released, "--classes", tmp_path / "names.txt", "-o", model).sentence
    assert not model.exists()


def test_what_cannot_be_read_or_written(s3n: Command, released: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    assert "not a name for a model file" in s3n("import-checkpoint", released, "-o", tmp_path / "m.pth").sentence
    assert "resize" in s3n("import-checkpoint", released, "-o", model, "--resize", "bend").sentence
    assert "no weight file" in s3n("import-checkpoint", tmp_path / "lost.pth", "-o", model).sentence
    released.write_bytes(released.read_bytes()[:-9999])
    assert "not a readable weight file" in s3n("import-checkpoint", released, "-o", model).sentence
    s3n("import-checkpoint", released, "-o", model)
    assert not model.exists()


def test_the_checkpoint_is_not_written_over(s3n: Command, state: dict[str, Tensor], tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "c.safetensors"
    save_file({key: value.contiguous().clone() for key, value in state.items()}, path)
    before = path.read_bytes()
    assert "is the checkpoint itself" in s3n("import-checkpoint", path, "-o", path).sentence
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", PICKLES)
def test_a_checkpoint_with_code_in_it(s3n: Command, tmp_path: Path, kind: str) -> None:
    mark, path = tmp_path / "the code ran", tmp_path / "c.pth"
    path.write_bytes(PICKLES[kind](Payload(mark)))
    assert str(path) in s3n("import-checkpoint", path, "-o", tmp_path / "m.safetensors").sentence
    assert not mark.exists()
