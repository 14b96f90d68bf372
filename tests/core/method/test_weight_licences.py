"""What is said of the licences of pretrained weights, what a model file keeps of them, and that none are downloaded unasked."""

import urllib.request
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import mobilenet_v2

from s3n_core.datasets.transforms import Preprocess
from s3n_core.errors import ModelFileError, S3NError, WeightsMissing
from s3n_core.method.configuration import ModelHeader, NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.method.timm_backbones import build_timm, pretrained_facts
from s3n_core.method.weight_files import require_weights
from s3n_core.method.weight_licences import WeightLicence, licence_of, notice_of
from s3n_core.method.weight_origins import weights_origin
from s3n_core.models.model_files import load_model, save_model

TORCHVISION, HUB = "mobilenet_v2", "timm:test_vit.r160_in1k"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without weights on which every way to the network is an error; returns the folder of the weights."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("timm.models._hub.hf_hub_download", refuse)
    monkeypatch.setattr("timm.models._hub.download_cached_file", refuse)
    monkeypatch.setattr(urllib.request.OpenerDirector, "open", refuse)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    return tmp_path / "hub" / "checkpoints"


@pytest.mark.parametrize(
    ("licence", "forbids", "restricts"),
    [
        ("apache-2.0", False, False),
        ("mit", False, False),
        ("cc-by-4.0", False, False),
        ("cc-by-nc-4.0", True, True),
        ("cc-by-nc-sa-4.0", True, True),
        ("fair-noncommercial-research-license", True, True),
        ("apple-amlr", True, True),
        ("seer-license", True, True),
        ("unknown", False, True),
    ],
)
def test_what_licences_allow(licence: str, forbids: bool, restricts: bool) -> None:
    found = WeightLicence("net.tag", licence)
    assert (found.non_commercial, found.restricts) == (forbids, restricts)
    assert ("does not allow commercial use" in found.sentence) is forbids
    assert ("does not allow commercial use" in found.notice) is forbids
    assert ("(no commercial use)" in found.short) is forbids
    assert bool(found.notice) is restricts
    assert ("is not known" in found.sentence) is ("is not known" in found.notice) is (licence == "unknown")
    assert "net.tag" in found.sentence


def test_a_licence_that_timm_names_is_said_as_it_is() -> None:
    assert pretrained_facts("timm:convnext_tiny.fb_in22k").terms.sentence == (
        "The weights convnext_tiny.fb_in22k have the licence apache-2.0."
    )
    assert pretrained_facts("timm:convnextv2_atto.fcmae").terms.non_commercial


def test_origins_without_a_licence_say_nothing() -> None:
    assert licence_of({}) is licence_of({"architecture": "resnet50"}) is None
    assert notice_of({}) == NetworkConfig(num_classes=2).licence_notice == ""
    own = {"architecture": "resnet50", "file": "mine.pth", "licence": "unknown"}
    assert notice_of(own) == "The model began with the weights mine.pth, whose licence is not known."


@pytest.mark.parametrize("name", [TORCHVISION, HUB])
def test_weights_that_are_not_here_are_an_error_that_says_what_there_is_to_download(machine: Path, name: str) -> None:
    with pytest.raises(WeightsMissing) as caught:
        require_weights(name)
    error = caught.value
    assert f"`s3n weights fetch {name}`" in str(error)
    assert error.url in str(error)
    assert str(error.path) in str(error)
    assert error.sentence in str(error)
    assert f"about {error.size / 1e6:,.0f} MB" in str(error)
    assert error.path.is_relative_to(machine)
    assert error.size > 100_000
    again = S3NError.from_dict(error.to_dict())
    assert isinstance(again, WeightsMissing)
    assert again.fields == error.fields


@pytest.mark.parametrize("name", [TORCHVISION, HUB])
def test_a_network_that_needs_weights_does_not_download_them(machine: Path, name: str) -> None:
    config = NetworkConfig(num_classes=2, backbone=name, input_size=96, source_size=96)
    with pytest.raises(WeightsMissing):
        S3N(config, weights="imagenet")


def test_there_is_nothing_to_download_of_a_network_that_does_not_exist(machine: Path) -> None:
    with pytest.raises(ModelFileError, match="has no network resnet18d_nonsense"):
        require_weights("timm:resnet18d_nonsense")


def test_weights_in_the_hubs_cache_are_read_without_asking_the_hub(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = tmp_path / "cache" / "model.safetensors"
    cached.parent.mkdir()
    state = build_timm(HUB, 96).network.state_dict()
    save_file(state, cached)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: str(cached))
    config = NetworkConfig(num_classes=2, backbone=HUB, input_size=96, source_size=96)
    network = S3N(config, weights="imagenet")
    loaded = network.state_dict()["backbone.layers.network.patch_embed.proj.weight"]
    assert torch.equal(loaded, state["patch_embed.proj.weight"])
    assert network.config.origin["tag"] == "r160_in1k"


def test_a_model_file_says_which_weights_of_torchvision_it_began_with(machine: Path, tmp_path: Path) -> None:
    machine.mkdir(parents=True)
    file = machine / "mobilenet_v2-b0353104.pth"
    torch.save(mobilenet_v2(weights=None).state_dict(), file)
    config = NetworkConfig(num_classes=2, backbone=TORCHVISION, input_size=96, source_size=96)
    network = S3N(config, weights="imagenet")
    origin = network.config.origin
    assert (origin["architecture"], origin["tag"], origin["licence"]) == (TORCHVISION, "IMAGENET1K_V1", "unknown")
    assert len(origin["sha256"]) == 64
    assert "torchvision gives no licence" in " ".join(network.weight_report.sentences())
    model = tmp_path / "model.safetensors"
    sizes = Preprocess(input_size=96, source_size=96).to_dict()
    save_model(model, network, ModelHeader(network=network.config, classes=("a", "b"), preprocess=sizes))
    opened, header = load_model(model)
    assert opened.config.origin == header.network.origin == origin
    assert header.network.licence_notice == (
        "The model began with the weights mobilenet_v2.IMAGENET1K_V1, whose licence is not known."
    )
    assert weights_origin(TORCHVISION, str(model)) == origin, "passed on to what is trained from it"
    assert weights_origin(TORCHVISION, str(file)) == origin, "the published file, named as a file"
    other = tmp_path / "other.pth"
    torch.save({"features.0.0.weight": torch.zeros(32, 3, 3, 3)}, other)
    assert weights_origin(TORCHVISION, str(other))["file"] == "other.pth"
    assert not S3N(config).config.origin, "nothing is claimed of a network that is opened from a file"
    own = weights_origin(TORCHVISION, "none")
    random = S3N(config, origin=own).config
    save_model(model, network, ModelHeader(network=random, classes=("a", "b"), preprocess=sizes))
    assert weights_origin(TORCHVISION, str(model)) == own == {"architecture": TORCHVISION}
    assert notice_of(own) == "", "what began with random weights is one's own"
