"""An exported ONNX file predicts as the model does, for any batch size, and documents its inputs."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from s3n_core.cli import main
from s3n_core.datasets.transforms import Preprocess
from s3n_core.export import onnx_export
from s3n_core.method import network as network_module
from s3n_core.method.backbones import Backbone, WeightReport
from s3n_core.method.configuration import ModelHeader, NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.models.model_files import save_model
from s3n_core.models.opening import open_model
from s3n_core.models.preprocessing import MEAN, STD
from s3n_core.runs.model_paths import file_digest

CLASSES = tuple(f"species {number} é漢" for number in range(12))
BRANCHES = ("joint", "original", "discriminative", "complementary")

Build = Callable[..., Path]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Build:
    """Export a model with a backbone of two convolutions, as tracing a real one takes half a minute."""

    def build_backbone(name: str, weights: str, **_choices: object) -> tuple[Backbone, WeightReport]:
        layers = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=4, padding=2, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        return Backbone(layers), WeightReport(source=weights, loaded=0)

    monkeypatch.setattr(network_module, "build_backbone", build_backbone)

    def write(integer_range: tuple[float, float] | None = None, **choices: object) -> Path:
        torch.manual_seed(0)
        settings = {"num_classes": len(CLASSES), "input_size": 64, "source_size": 64} | choices
        network = S3N(NetworkConfig.model_validate(settings))
        with torch.no_grad():
            network.head("O").classifier.weight.mul_(480)  # certain about some images and uncertain about others
        config = network.config
        preprocess = Preprocess(
            input_size=config.input_size,
            source_size=config.source_size,
            resize="keep_crop",
            integer_range=integer_range,
        )
        header = ModelHeader(network=config, classes=CLASSES, preprocess=preprocess.to_dict(), data_set="birds")
        path = tmp_path / "model.safetensors"
        save_model(path, network, header)
        return path

    return write


def export(model: Path, *options: str) -> tuple[int, Path]:
    out = model.with_suffix(".onnx")
    return main(["export-onnx", str(model), "--out", str(out), *options]), out


def pictures(count: int, side: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(count)
    coarse = torch.randn(count, 3, 5, 5, generator=generator)
    return nn.functional.interpolate(coarse, size=(side, side), mode="bicubic") * 2


@pytest.mark.parametrize(
    ("mode", "choices"),
    [
        ("expected", {"source_size": 96}),
        ("extremes", {"form": "release", "eval_sampling": "extremes"}),
    ],
)
def test_the_file_answers_as_the_model_does(build: Build, mode: str, choices: dict[str, object]) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    path = build(**choices)
    code, out = export(path, "--evidence", "--sampling", mode)
    assert code == 0
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    model = open_model(path, "cpu", "float32")
    side = model.header.network.source_size
    assert [(entry.name, entry.shape[1:]) for entry in session.get_inputs()] == [("images", [3, side, side])]
    names = [entry.name for entry in session.get_outputs()]
    assert names == [*BRANCHES, "response", "map_d", "map_c", "grid_d", "grid_c"]
    for count in (1, 7):
        images = pictures(count, side)
        with torch.no_grad():
            output = model.network(images, sampling=mode, trace=True)
        wanted = {name: getattr(output, name) for name in BRANCHES}
        wanted |= {"response": output.trace.response.response} | vars(output.trace.samples)
        if count == 7:
            assert 0 < int(output.trace.response.sure.sum()) < 7
        for name, value in zip(names, session.run(None, {"images": images.numpy()}), strict=True):
            assert value.shape == tuple(wanted[name].shape)
            scale = float(wanted[name].abs().max())
            assert np.abs(value - wanted[name].numpy()).max() < 1e-4 * scale, name


def test_the_metadata_say_how_to_feed_it(build: Build, capsys: pytest.CaptureFixture[str]) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    path = build(branches="D+C", batch_norm="separate")
    code, out = export(path, "--json")
    assert code == 0
    outputs = ["joint", "discriminative", "complementary"]
    report = json.loads(capsys.readouterr().out)
    assert (report["path"], report["outputs"], report["sampling"]) == (str(out), outputs, "expected")
    assert report["bytes"] == out.stat().st_size
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    assert tuple(json.loads(told["s3n.classes"])) == CLASSES
    preprocess = json.loads(told["s3n.preprocess"])
    assert (preprocess["resize"], preprocess["source_size"], preprocess["input_size"]) == ("keep_crop", 64, 64)
    assert (tuple(preprocess["mean"]), tuple(preprocess["std"])) == (MEAN, STD)
    assert (told["s3n.answer"], told["s3n.sampling"], told["s3n.data_set"]) == ("joint", "expected", "birds")
    assert told["s3n.model"] == file_digest(path)
    assert NetworkConfig.model_validate_json(told["s3n.network"]).branches == "D+C"


def test_the_documented_script_answers_as_predict_does(
    build: Build, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = build(integer_range=(0.0, 4095.0))
    folder = model.parent
    assert main(["export-onnx", str(model), "--out", str(folder / "first.onnx")]) == 0
    document = (Path(__file__).parents[3] / "docs" / "reference" / "models.md").read_text(encoding="utf-8")
    script = document.split("### From an image to the input")[1].split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(folder)
    noise = np.random.default_rng(5).integers(0, 256, (9, 13, 3), dtype=np.uint8)
    bird = Image.fromarray(noise).resize((130, 90), Image.Resampling.BICUBIC)
    twelve_bits = Image.fromarray(np.asarray(bird.convert("L")).astype(np.uint16) * 16)
    for image, format in ((bird, "JPEG"), (twelve_bits, "TIFF")):  # a file is known by its content
        image.save(folder / "bird.jpg", format)
        assert main(["predict", str(model), str(folder / "bird.jpg"), "--out", str(folder / "said.json")]) == 0
        said = json.loads((folder / "said.json").read_text())["rows"][0]
        capsys.readouterr()
        exec(script, {})
        name, chance = capsys.readouterr().out.strip().rsplit(" ", 1)
        assert name == said["class"]
        assert float(chance) == pytest.approx(said["probability"], rel=1e-4)


@pytest.mark.parametrize(
    ("choices", "options", "said"),
    [
        ({}, ["--sampling", "random"], "uses random sampling (random)"),
        ({"control": "random_places"}, [], "uses random sampling"),
        ({"control": "other_image"}, [], "a control experiment (other_image)"),
        ({"control": "true_places"}, [], "a control experiment (true_places)"),
        ({}, ["--out", "model.pth"], "not a name for an ONNX file"),
        ({}, ["--out", "nowhere/model.onnx"], "does not exist; create it first"),
        ({}, ["--sampling", "sideways"], "There is no sampling"),
    ],
)
def test_what_cannot_be_written_is_said(
    build: Build, capsys: pytest.CaptureFixture[str], choices: dict[str, object], options: list[str], said: str
) -> None:
    code, out = export(build(**choices), *options)
    error = capsys.readouterr().err.splitlines()[-1]
    assert (code, out.exists()) == (1, False)
    assert error.startswith("Error: ")
    assert said in error


def test_without_the_extra_it_says_what_to_install(
    build: Build, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export.importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else name)
    code, _ = export(build())
    assert code == 1
    assert "needs onnxruntime: install the extra onnx" in capsys.readouterr().err


def test_a_file_that_answers_otherwise_is_not_written(
    build: Build, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    path = build(branches="O")
    traced = onnx_export._traced

    def of_other_weights(outputs: onnx_export._Outputs, model: object) -> bytes:
        data = traced(outputs, model)
        with torch.no_grad():
            outputs.network.head("O").classifier.bias.add_(1)
        return data

    monkeypatch.setattr(onnx_export, "_traced", of_other_weights)
    code, out = export(path)
    assert (code, out.exists()) == (1, False)
    assert "onnxruntime differs from" in capsys.readouterr().err
