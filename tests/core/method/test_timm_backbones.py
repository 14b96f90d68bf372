"""Networks of timm as backbones: their activations survive, their cells are found, their weights and licences are known."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from timm_architectures import MAPS, TOKENS
from torch import nn

pytest.importorskip("timm")

from s3n_core.datasets.transforms import Preprocess
from s3n_core.errors import ModelFileError
from s3n_core.method.backbone_catalogue import describe
from s3n_core.method.backbone_sizes import size_of
from s3n_core.method.backbones import build_backbone, measured_stage
from s3n_core.method.branch_norm import BRANCHES, AnyBatchNorm, BranchBatchNorm, BranchBatchNorm2d
from s3n_core.method.cell_geometry import CellGeometry
from s3n_core.method.configuration import HEADER_KEY, ModelHeader, NetworkChoices, NetworkConfig
from s3n_core.method.folded_norm import fold_batch_norm
from s3n_core.method.network import S3N
from s3n_core.method.timm_backbones import pretrained_facts
from s3n_core.method.weight_origins import weights_origin
from s3n_core.models.model_files import load_model, save_model

SIDE = 96


@pytest.fixture(scope="module")
def built() -> Callable[[str], S3N]:
    kept: dict[str, S3N] = {}

    def build(name: str) -> S3N:
        if name not in kept:
            kept.clear()  # one at a time: together they take a gigabyte
            torch.manual_seed(0)
            config = NetworkConfig(
                num_classes=3, backbone=f"timm:{name}", input_size=SIDE, source_size=SIDE, batch_norm="separate"
            )
            kept[name] = S3N(config)
        return copy.deepcopy(kept[name])

    return build


@pytest.mark.parametrize("name", [*MAPS, *TOKENS])
def test_what_cells_are_is_measured_and_listed_alike(built: Callable[[str], S3N], name: str) -> None:
    listed = size_of(f"timm:{name}")
    assert listed is not None
    assert built(name).backbone.tokens is listed.tokens is (name in TOKENS)


def test_the_list_says_the_cells_that_the_network_has() -> None:
    """A size that is no multiple of the stride is rounded up by most networks: 300 / 32 to 10."""
    backbone, _ = build_backbone("timm:resnet26", size=300)
    with torch.no_grad():
        assert backbone.eval()(torch.zeros(1, 3, 300, 300)).shape[2:] == (10, 10)
    assert describe("timm:resnet26", 300).cells == 10


@pytest.mark.parametrize("name", [*MAPS, *TOKENS])
def test_statistics_are_separate_and_folding_changes_nothing(built: Callable[[str], S3N], name: str) -> None:
    network = built(name)
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert all(type(layer) is BranchBatchNorm2d for layer in norms), "none is missed"
    images = torch.rand(4, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 2
    network.train()
    with torch.no_grad():
        for number, branch in enumerate(BRANCHES, 1):
            network.features(images * number, branch)
    network.eval()
    assert norms == [] or any(
        not torch.allclose(layer.get_buffer("mean_D"), layer.get_buffer("mean_C")) for layer in norms
    )
    folded = copy.deepcopy(network)
    fold_batch_norm(folded)
    left = sum(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())
    assert left < len(norms) or not norms, "something was folded"
    with torch.no_grad():
        found = {}
        for branch in BRANCHES:
            whole, quick = network.features(images, branch), folded.features(images, branch)
            assert whole.shape[2:] == (network.config.feature_cells,) * 2
            scale = float(whole.abs().max())
            assert scale > 0
            assert float((whole - quick).abs().max()) < 2e-4 * scale
            found[branch] = whole
    if norms:
        assert not torch.allclose(found["O"], found["D"], rtol=1e-3)


def _averaging(module: nn.Module) -> None:
    """Make every layer an average over its window, so that a cell's gradient shows where it looks."""
    for name, child in module.named_children():
        kind = type(child).__name__
        if isinstance(child, nn.MaxPool2d):
            setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
        elif kind.startswith(("SE", "Squeeze")) or (
            any(word in kind for word in ("Norm", "LU", "Sigmoid", "Swish", "Drop"))
            and not any(isinstance(layer, nn.Conv2d) for layer in child.modules())
        ):
            setattr(module, name, nn.Identity())
        else:
            _averaging(child)
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        if module.bias is not None:
            nn.init.zeros_(module.bias)


@pytest.mark.parametrize(("name", "size"), [*((name, 224) for name in MAPS), *((name, 200) for name in MAPS[:4])])
def test_cells_are_measured_where_they_look(name: str, size: int) -> None:
    backbone, _ = build_backbone(f"timm:{name}", size=size)
    backbone.eval()
    _averaging(backbone)
    image = torch.zeros(1, 3, size, size, requires_grad=True)
    output = backbone(image)
    cell = output.shape[2] // 2
    output[0, :, cell, cell].sum().backward()
    assert image.grad is not None
    share = image.grad[0].sum(dim=0).double().abs()
    share /= share.sum()
    pixels = torch.arange(size, dtype=torch.float64)
    found = (float((share.sum(dim=1) * pixels).sum()), float((share.sum(dim=0) * pixels).sum()))
    assert backbone.geometry is not None
    expected = cell * backbone.geometry.stride + backbone.geometry.offset
    # Shortcuts that pool instead pull the centre of all that a cell sees by a few pixels.
    assert found == pytest.approx((expected, expected), abs=backbone.geometry.stride / 3)


def test_the_padding_of_tensorflow_moves_cells_with_the_size() -> None:
    shifts = []
    for size in (224, 225):
        config = NetworkConfig(num_classes=2, backbone="timm:tf_efficientnet_b0", input_size=size, source_size=size)
        shifts.append(S3N(config).config.cell_shift)
    assert shifts[0] == 1, "padded at the far side only"
    assert shifts[1] != shifts[0]


@pytest.mark.parametrize(
    ("name", "size", "stride"),
    [
        ("tnt_s_patch16_224", 96, 16),
        ("vit_tiny_patch16_224.augreg_in21k", 96, 16),
        ("swin_tiny_patch4_window7_224.ms_in1k", 224, 32),
    ],
)
def test_tokens_of_transformers_are_cells(name: str, size: int, stride: int) -> None:
    network = S3N(NetworkConfig(num_classes=2, backbone=f"timm:{name}", input_size=size, source_size=size)).eval()
    config = network.config
    assert (config.stride, config.cell_shift, config.feature_cells) == (stride, 0.5, size // stride)
    with torch.no_grad():
        output = network(torch.rand(1, 3, size, size), trace=True)
    assert output.joint is not None
    assert output.trace is not None
    assert output.trace.response.maps.shape == (1, 2, size // stride, size // stride)


def test_colours_are_those_that_the_weights_expect() -> None:
    import timm

    name = "resnetv2_50x1_bit.goog_in21k"
    facts = pretrained_facts(f"timm:{name}")
    assert facts.mean == (0.5, 0.5, 0.5)
    torch.manual_seed(0)
    backbone, _ = build_backbone(f"timm:{name}", size=SIDE)
    torch.manual_seed(0)
    plain = timm.create_model(name, num_classes=0, global_pool="").eval()
    pixels = torch.rand(1, 3, SIDE, SIDE)
    mean, std = (torch.tensor(of).reshape(1, 3, 1, 1) for of in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        ours, theirs = backbone.eval()((pixels - mean) / std), plain((pixels - 0.5) / 0.5)
    assert float((ours - theirs).abs().max()) < 1e-4 * float(theirs.abs().max())


def test_a_weight_file_of_timm_is_loaded_and_its_hash_kept(tmp_path: Path) -> None:
    import timm

    torch.manual_seed(3)
    plain = timm.create_model("mobilenetv3_small_100", pretrained=False).eval()
    file = tmp_path / "weights.safetensors"
    save_file(plain.state_dict(), file)
    choices = {"num_classes": 2, "backbone": "timm:mobilenetv3_small_100", "input_size": SIDE, "source_size": SIDE}
    network = S3N(NetworkConfig.model_validate(choices), weights=str(file)).eval()
    report = network.weight_report
    assert (report.missing, report.unused) == ((), ())
    images = torch.rand(2, 3, SIDE, SIDE)
    with torch.no_grad():
        expected = timm.create_model("mobilenetv3_small_100", num_classes=0, global_pool="")
        expected.load_state_dict(plain.state_dict(), strict=False)
        assert torch.allclose(network.features(images, "O"), expected.eval()(images), atol=1e-5)
    assert network.config.origin["licence"] == "unknown"
    assert len(network.config.origin["sha256"]) == 64
    assert network.config.origin["file"] == "weights.safetensors"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in the place of torch's downloads."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / "hub"


def _stored(file: Path, name: str, **options: int) -> Path:
    import timm

    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(timm.create_model(name, **options).state_dict(), file)
    return file


def test_position_embeddings_are_made_of_those_that_were_trained(hub: Path, tmp_path: Path) -> None:
    name = "timm:test_vit.r160_in1k"
    _stored(pretrained_facts(name).file, "test_vit")
    downloaded, report = build_backbone(name, "imagenet", size=SIDE)
    assert (report.missing, report.reshaped) == ((), ())
    named, report = build_backbone(name, str(pretrained_facts(name).file), size=SIDE)
    assert (report.missing, report.reshaped) == ((), ())
    places = named.state_dict()["layers.network.pos_embed"]
    assert places.shape[1] == 1 + (SIDE // 16) ** 2
    assert torch.equal(places, downloaded.state_dict()["layers.network.pos_embed"])


def test_the_licence_stays_with_the_weights(hub: Path, tmp_path: Path) -> None:
    name = "timm:test_vit.r160_in1k"
    licence = pretrained_facts(name).licence
    assert licence != "unknown"
    file = _stored(tmp_path / "mine.safetensors", "test_vit")
    assert weights_origin(name, str(file))["licence"] == "unknown"
    brought = weights_origin(name, str(file), pretrained=True)
    assert (brought["licence"], brought["tag"], len(brought["sha256"])) == (licence, "r160_in1k", 64)
    cached = pretrained_facts(name).file
    cached.parent.mkdir(parents=True)
    shutil.copyfile(file, cached)
    assert weights_origin(name, str(file)) == brought == weights_origin(name, "imagenet")
    config = NetworkConfig(num_classes=2, backbone=name, input_size=SIDE, source_size=SIDE)
    network = S3N(config, weights="imagenet")
    model = tmp_path / "model.safetensors"
    sizes = Preprocess(input_size=SIDE, source_size=SIDE)
    save_model(model, network, ModelHeader(network=network.config, classes=("a", "b"), preprocess=sizes.to_dict()))
    assert weights_origin(name, str(model)) == brought
    report = S3N(config, weights=str(model)).weight_report
    assert report.missing == report.unused == ()
    assert licence in report.remark


def test_cells_are_counted_where_the_size_is_no_multiple_of_the_stride() -> None:
    def network(size: int, **known: object) -> S3N:
        config = {"num_classes": 2, "backbone": "timm:test_resnet", "input_size": size, "source_size": size} | known
        return S3N(NetworkConfig.model_validate(config)).eval()

    odd = network(100)
    with torch.no_grad():
        side = odd.features(torch.zeros(1, 3, 100, 100), "O").shape[2]
    assert side == odd.config.feature_cells == odd.config.cells == 4
    stored = odd.config.model_dump(mode="json")
    assert stored.pop("cells") == 4
    assert network(100, **stored).config.feature_cells == 4, "an earlier file does not say it"
    assert "cells" not in network(SIDE).config.model_dump(mode="json"), "earlier versions read this file"


@pytest.mark.parametrize("size", [64, 96])
def test_a_head_that_is_a_convolution_over_the_map_is_left_out_at_any_size(size: int) -> None:
    with torch.device("meta"):
        backbone, _ = build_backbone("timm:vgg11", size=size)
    assert (backbone.channels, backbone.cells, backbone.geometry) == (512, size // 32, CellGeometry(32, 15.5))


def test_sizes_that_only_one_branch_can_read_are_refused() -> None:
    config = {"num_classes": 2, "backbone": "timm:vit_tiny_patch16_224", "input_size": 64}
    with pytest.raises(ModelFileError, match="vit_tiny_patch16_224 cannot read images of 64 pixels"):
        S3N(NetworkConfig.model_validate(config | {"look_size": 96, "source_size": 96}))


def test_sizes_in_which_cells_lie_in_different_places_are_refused() -> None:
    """One shift would place D's and C's cells up to a cell off."""
    config = {"num_classes": 2, "backbone": "timm:tf_mobilenetv3_small_minimal_100", "source_size": 128}
    with pytest.raises(ModelFileError, match=r"of 80 pixels .* than in those of 128 .* multiples of 32"):
        S3N(NetworkConfig.model_validate(config | {"input_size": 80, "look_size": 128}))
    assert S3N(NetworkConfig.model_validate(config | {"input_size": 64, "look_size": 128})).config.cell_shift == 1
    alike = config | {"backbone": "timm:test_resnet", "input_size": 80, "look_size": 128}
    assert S3N(NetworkConfig.model_validate(alike)).config.cell_shift == 0


def test_the_norms_of_tokens_are_separate_and_can_be_frozen() -> None:
    config = {"num_classes": 2, "backbone": "timm:levit_128s", "input_size": SIDE, "source_size": SIDE}
    separate = S3N(NetworkConfig.model_validate(config | {"batch_norm": "separate"}))
    frozen = S3N(NetworkConfig.model_validate(config | {"batch_norm": "frozen"})).train()
    norms = [layer for layer in separate.modules() if isinstance(layer, AnyBatchNorm)]
    assert all(isinstance(layer, BranchBatchNorm) for layer in norms)
    assert any(isinstance(layer, nn.BatchNorm1d) for layer in norms)
    assert not any(layer.training for layer in frozen.backbone.modules() if isinstance(layer, AnyBatchNorm))


def test_files_of_earlier_versions_have_common_statistics_of_tokens(tmp_path: Path) -> None:
    config = {"num_classes": 2, "backbone": "timm:levit_128s", "input_size": 64, "source_size": 64}
    network = S3N(NetworkConfig.model_validate(config | {"batch_norm": "separate"})).train()
    images = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        network.features(images, "O")
    separate = {
        f"{name}.{value}_{branch}"
        for name, layer in network.named_modules()
        if isinstance(layer, BranchBatchNorm) and isinstance(layer, nn.BatchNorm1d)
        for value in ("mean", "var", "batches")
        for branch in "DC"
    }
    sizes = Preprocess(input_size=64, source_size=64)
    header = ModelHeader(network=network.config, classes=("a", "b"), preprocess=sizes.to_dict())
    file = tmp_path / "earlier.safetensors"
    tensors = {key: value for key, value in network.state_dict().items() if key not in separate}
    save_file(tensors, file, metadata={HEADER_KEY: header.model_dump_json()})
    opened, _ = load_model(file)
    for name in separate:
        value, common = name.rpartition(".")[2].partition("_")[0], name.rpartition(".")[0]
        shared = {"mean": "running_mean", "var": "running_var", "batches": "num_batches_tracked"}[value]
        assert torch.equal(opened.get_buffer(name), network.get_buffer(f"{common}.{shared}"))
    opened.train().features(images, "O")
    assert not torch.equal(opened.get_buffer(f"{common}.running_mean"), opened.get_buffer(f"{common}.mean_D"))


@pytest.mark.parametrize("name", ["ghostnet_050", "rexnet_100", "repghostnet_050", "legacy_seresnet18"])
def test_no_dropout_makes_holes_in_the_map(name: str) -> None:
    backbone, _ = build_backbone(f"timm:{name}", size=64)
    for layer in backbone.train().modules():
        if isinstance(layer, AnyBatchNorm):
            layer.eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(backbone(images), backbone.eval()(images))


def test_what_cannot_be_used_is_said() -> None:
    with pytest.raises(ValueError, match=r"there is no backbone 'resnet5'; did you mean resnet50"):
        NetworkChoices(backbone="resnet5")
    for name, size, sentence in (
        ("timm:resnet_nonsense", SIDE, "has no network resnet_nonsense"),
        ("timm:resnet18.nonsense", SIDE, "has no weights nonsense of resnet18"),
        ("timm:inception_v3", 224, "do not cover an image of 224 pixels"),
        ("timm:dla46_c", 200, "cannot read images of 200 pixels"),
        ("timm:efficientvit_b0", SIDE, "timm does not build efficientvit_b0 without its classifier"),
        ("timm:crossvit_tiny_240", 240, "crossvit_tiny_240"),
        ("timm:pit_ti_224", 224, "do not form a square|one cell"),
    ):
        with pytest.raises(ModelFileError, match=sentence):
            build_backbone(name, size=size)
    with pytest.raises(ModelFileError, match="last stride"):
        build_backbone("timm:resnet18", last_stride=1)


@pytest.mark.parametrize(
    ("name", "size", "channels", "cells", "geometry"),
    [
        ("efficientnet_b0", SIDE, 672, 6, CellGeometry(16, 0.0)),
        ("resnet18d", SIDE, 256, 6, CellGeometry(16, 0.0)),
        ("convnext_atto", SIDE, 160, 6, CellGeometry(16, 7.5)),
        ("swin_tiny_patch4_window7_224", SIDE, 384, 6, CellGeometry(16, 7.5)),
        ("mambaout_femto", SIDE, 192, 6, CellGeometry(16, 0.0)),
        ("levit_128s", SIDE, 128, 6, CellGeometry(16, 0.0)),
        ("vit_tiny_patch16_224", SIDE, 192, 6, CellGeometry(16, 7.5)),
        ("vit_small_patch14_dinov2", 98, 384, 7, CellGeometry(14, 6.5)),
        ("hiera_tiny_224", 224, 768, 7, CellGeometry(32, 14.0)),
    ],
)
def test_the_middle_stage_is_a_map_whose_cells_are_known(
    name: str, size: int, channels: int, cells: int, geometry: CellGeometry
) -> None:
    backbone, _ = build_backbone(f"timm:{name}", size=size)
    stage = measured_stage(f"timm:{name}", backbone.eval().layers, size)
    seen: list[torch.Tensor] = []
    backbone.layers.get_submodule(stage.layer).register_forward_hook(lambda *found: seen.append(found[2]))
    with torch.no_grad():
        backbone(torch.zeros(1, 3, size, size))
    assert stage.map_of(seen[0]).shape == (1, channels, cells, cells)
    assert stage.geometry == geometry


def test_tokens_that_levit_thins_out_begin_at_the_first() -> None:
    backbone, _ = build_backbone("timm:levit_128s", size=224)
    assert backbone.geometry == CellGeometry(64, 0.0)


def test_a_patch_keeps_its_size_where_it_does_not_divide_the_images() -> None:
    backbone, _ = build_backbone("timm:vit_tiny_patch16_224", size=250)
    assert (backbone.geometry, backbone.cells) == (CellGeometry(16, 7.5), 15)


def test_a_network_is_measured_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    passes: list[object] = []
    network = timm.create_model("test_resnet", num_classes=0, global_pool="")
    network.register_forward_hook(lambda *_: passes.append(None))
    monkeypatch.setattr("s3n_core.method.timm_backbones._created", lambda *_, **__: network)
    build_backbone("timm:test_resnet", size=SIDE)
    assert len(passes) == 1
