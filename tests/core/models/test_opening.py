import pickle
from pathlib import Path

import pytest
import torch
from tiny_models import CLASSES, run_with_checkpoint, tiny_header, tiny_network
from torch import nn

from s3n_core.errors import DeviceError, ModelFileError, RunError
from s3n_core.models.model_files import save_model
from s3n_core.models.opening import Model, open_model
from s3n_core.runs.run_directory import RunDirectory


def test_model_says_what_it_is(model: Model):
    assert model.classes == CLASSES
    assert model.preprocess.source_size == 64
    assert model.sampling == "expected"
    assert (model.device, model.precision) == ("cpu", "float32")
    assert len(model.digest) == 16
    assert not model.network.training


def test_sampling_mode_can_be_chosen(model: Model):
    assert open_model(model.path, device="cpu", sampling="extremes").sampling == "extremes"
    with pytest.raises(ValueError, match="sampling must be one of"):
        open_model(model.path, device="cpu", sampling="sometimes")  # type: ignore[arg-type]


def test_run_gives_its_best_checkpoint_else_its_last(tmp_path: Path):
    run = RunDirectory.create(tmp_path / "run", {"recipe": "quick"})
    with pytest.raises(RunError, match="no checkpoint yet"):
        open_model(run.path, device="cpu")
    header = tiny_header()
    run.write_pointer("last", "step-2")
    with pytest.raises(RunError, match=r"step-2\.safetensors is missing"):
        open_model(run.path, device="cpu")
    last = run_with_checkpoint(run.path, header, "step-2")
    assert open_model(run.path, device="cpu").path == last
    best = run_with_checkpoint(run.path, header, "step-1")
    run.write_pointer("best", "step-1")
    assert open_model(run.path, device="cpu").path == best


def test_folder_that_is_no_run_is_refused(tmp_path: Path):
    with pytest.raises(RunError, match="is not a training run"):
        open_model(tmp_path, device="cpu")


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("code inside a model file was run",))


def test_junk_and_pickles_are_refused_and_nothing_in_them_runs(tmp_path: Path):
    files = {"empty": b"", "junk": bytes(range(256)) * 9, "pickle": pickle.dumps(Bomb(), protocol=4)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    torch.save({"weight": torch.zeros(2)}, tmp_path / "zip.pt")
    for name in (*files, "zip.pt", "absent"):
        with pytest.raises(ModelFileError) as caught:
            open_model(tmp_path / name, device="cpu")
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("preprocess", "sentence"),
    [
        ({"resize": "stretch"}, "its field 'resize' has the value 'stretch'"),
        ({"input_size": "64"}, "its field 'input_size' has the value '64'"),
        ({"colour": 1}, "its field 'colour' is unknown"),
        ({"source_size": 96}, "its network needs 64 and 64 px"),
    ],
)
def test_damaged_preprocessing_is_refused(tmp_path: Path, preprocess: dict[str, object], sentence: str):
    header = tiny_header(preprocess)
    path = tmp_path / "model.safetensors"
    save_model(path, tiny_network(header.network), header)
    with pytest.raises(ModelFileError, match=sentence):
        open_model(path, device="cpu")


@pytest.mark.parametrize("damage", [-1.0, 1e-40])
def test_statistics_that_cannot_be_computed_with_are_refused(tmp_path: Path, damage: float):
    header = tiny_header()
    network = tiny_network(header.network)
    norm = next(layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d))
    norm.running_var.fill_(damage)  # negative, or so small that the folded weights overflow
    norm.weight.data.fill_(1e38)
    path = tmp_path / "model.safetensors"
    save_model(path, network, header)
    with pytest.raises(ModelFileError, match="too large to compute with"):
        open_model(path, device="cpu")


def test_damaged_class_names_are_refused(tmp_path: Path):
    header = tiny_header()
    network = tiny_network(header.network)
    path = tmp_path / "model.safetensors"
    save_model(path, network, header.model_copy(update={"classes": (*CLASSES[:-1], " ")}))
    with pytest.raises(ModelFileError, match="class 11 has no name"):
        open_model(path, device="cpu")
    save_model(path, network, header.model_copy(update={"classes": CLASSES[:-1]}))
    with pytest.raises(ModelFileError, match="11 class names for a network of 12"):
        open_model(path, device="cpu")


def test_device_that_is_not_there_is_named(model: Model):
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA card")
    with pytest.raises(DeviceError, match="cuda cannot be used"):
        open_model(model.path, device="cuda")
