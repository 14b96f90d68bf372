from collections.abc import Callable
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from s3n_core.method.configuration import SAMPLING_MODES, BranchSet, NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.method.objective import objective

Build = Callable[..., S3N]
IMAGES = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(9)) * 2 - 1


@pytest.mark.parametrize("form", ["paper", "release"])
@pytest.mark.parametrize("branches", get_args(BranchSet))
def test_every_branch_set_answers_learns_and_traces(small_network: Build, branches: str, form: str) -> None:
    network = small_network(branches=branches, form=form)
    output = network(IMAGES, draws=torch.rand(3, 15, 15))
    expected = {"O"} | set(branches.split("+"))
    assert set(output.branches()) == expected
    assert (output.joint is None) == (branches == "O")
    assert output.prediction.shape == (3, 6)
    assert output.prediction is (output.original if branches == "O" else output.joint)
    objective(output, torch.tensor([0, 1, 2])).total.backward()
    unused = {"radius_d", "radius_c"} - {f"radius_{branch.lower()}" for branch in expected}
    for role, parameters in network.parameters_by_role().items():
        for parameter in parameters:
            assert parameter.grad is not None, role
            if role.startswith("radius"):
                assert bool(parameter.grad.any()) == (role not in unused), role

    trace = network.eval()(IMAGES, trace=True).trace
    assert trace.images_d.shape == trace.images_c.shape == (3, 3, 64, 64)
    assert trace.samples.grid_d.shape == (3, 15, 15, 2)
    assert trace.response.maps.shape == (3, 6, 8, 8)


@pytest.mark.parametrize("attention", ["sparse", "saliency", "response"])
@pytest.mark.parametrize("control", ["none", "identity", "random_places", "centre", "hard_crop"])
def test_attentions_and_controls_are_options_of_one_network(small_network: Build, attention: str, control: str) -> None:
    network = small_network(attention=attention, control=control)
    assert bool(network(IMAGES).joint.isfinite().all())
    network.eval()
    first, second = network(IMAGES), network(IMAGES)
    assert torch.equal(first.joint, second.joint)
    assert torch.allclose(network(IMAGES[1:2]).joint, first.joint[1:2], atol=1e-5)  # independent of the batch


@pytest.mark.parametrize("sampling", SAMPLING_MODES)
def test_every_sampling_mode_runs_in_training_and_evaluation(small_network: Build, sampling: str) -> None:
    network = small_network()
    for training in (True, False):
        network.train(training)
        assert bool(network(IMAGES, sampling=sampling).joint.isfinite().all())


def test_the_mode_follows_training_and_evaluation(small_network: Build) -> None:
    network = small_network(train_sampling="all", eval_sampling="extremes", batch_norm="frozen")
    assert torch.equal(network(IMAGES).joint, network(IMAGES, sampling="all").joint)
    network.eval()
    assert torch.equal(network(IMAGES).joint, network(IMAGES, sampling="extremes").joint)
    assert not torch.equal(network(IMAGES).joint, network(IMAGES, sampling="all").joint)


def test_draws_decide_and_repeat(small_network: Build) -> None:
    network = small_network().eval()
    draws = torch.rand(3, 15, 15)
    one, two = (network(IMAGES, sampling="random", draws=draws).joint for _ in range(2))
    assert torch.equal(one, two)


def test_identity_sampling_shows_the_image_itself(small_network: Build) -> None:
    trace = small_network().eval()(IMAGES, sampling="identity", trace=True).trace
    assert torch.allclose(trace.images_d, IMAGES, atol=1e-4)
    assert torch.allclose(trace.images_c, IMAGES, atol=1e-4)


@pytest.mark.parametrize("batch_norm", ["shared", "frozen", "separate"])
def test_d_and_c_are_what_their_heads_say_of_their_images(small_network: Build, batch_norm: str) -> None:
    network = small_network(batch_norm=batch_norm)
    network(IMAGES)
    network.eval()
    output = network(IMAGES, trace=True)
    for branch, images in (("D", output.trace.images_d), ("C", output.trace.images_c)):
        logits = network.head(branch)(network.features(images, branch))[1]
        assert torch.allclose(output.branches()[branch], logits, atol=1e-5)
    again = network.classify(network.look(IMAGES), {"D": output.trace.images_d, "C": output.trace.images_c})
    assert torch.allclose(again.joint, output.joint, atol=1e-5)


@pytest.mark.parametrize("sampling", ["expected", "random"])
@pytest.mark.parametrize("branches", ["O", "O+D", "D+C", "O+D+C"])
def test_the_two_halves_are_the_whole(small_network: Build, branches: str, sampling: str) -> None:
    network, draws = small_network(branches=branches).eval(), torch.rand(3, 15, 15)
    whole = network(IMAGES, sampling=sampling, draws=draws)
    look = network.look(IMAGES)
    halves = network.finish(look, sampling=sampling, draws=draws)
    assert halves.original_reported == whole.original_reported == ("O" in branches)
    assert torch.equal(halves.prediction, whole.prediction)
    assert all(torch.equal(logits, whole.branches()[branch]) for branch, logits in halves.branches().items())
    some = torch.tensor([2, 0])
    picked = network.finish(look.select(some), sampling=sampling, draws=draws[some])
    assert torch.allclose(picked.prediction, whole.prediction[some], atol=1e-5)


def test_peaks_can_be_left_out_of_the_second_half(small_network: Build) -> None:
    network = small_network().eval()
    look = network.look(IMAGES)
    peaks = look.response.peaks
    strongest = look.response.response * peaks == (look.response.response * peaks).amax(dim=(1, 2), keepdim=True)
    whole, fewer, none = (
        network.finish(look, without=without, trace=True) for without in (None, strongest & peaks, peaks)
    )
    assert bool((peaks.sum(dim=(1, 2)) > 1).all())
    assert torch.equal(fewer.trace.response.peaks, peaks & ~strongest)
    assert float(fewer.trace.samples.weight_d[strongest].abs().max()) == 0
    assert not torch.allclose(fewer.joint, whole.joint, atol=1e-6)
    assert torch.equal(fewer.original, whole.original)
    # Without peaks the maps are constant.
    assert torch.equal(none.trace.samples.map_d, torch.full_like(none.trace.samples.map_d, network.config.base))
    assert torch.equal(look.response.peaks, peaks), "the look itself stays as it was"


def test_training_passes_update_shared_statistics_three_times(small_network: Build) -> None:
    network = small_network()
    network(IMAGES)
    layer = next(m for m in network.backbone.modules() if isinstance(m, nn.BatchNorm2d))
    assert int(layer.num_batches_tracked) == 3


def test_frozen_statistics_do_not_move(small_network: Build) -> None:
    network = small_network(batch_norm="frozen").train()
    before = {key: value.clone() for key, value in network.backbone.named_buffers()}
    network(IMAGES)
    assert all(torch.equal(value, before[key]) for key, value in network.backbone.named_buffers())
    assert network.training


def test_gradients_reach_the_radii_and_stop_at_the_maps(small_network: Build) -> None:
    network = small_network(batch_norm="frozen")
    output = network(IMAGES, sampling="all", trace=True)
    assert not output.trace.response.response.requires_grad
    weight = network.head("O").classifier.weight
    (grad,) = torch.autograd.grad(output.discriminative.square().sum(), weight, retain_graph=True, allow_unused=True)
    assert grad is None  # D's loss must not reach, through the warps, the classifier behind the maps
    radii = [network.sampler.radius_d, network.sampler.radius_c]
    for radius, logits in zip(radii, (output.discriminative, output.complementary), strict=True):
        (grad,) = torch.autograd.grad(logits.square().sum(), radius, retain_graph=True)
        assert float(grad.abs()) > 0


def test_the_releases_kernel_learns(small_network: Build) -> None:
    network = small_network(form="release")
    network(IMAGES, sampling="all").joint.square().sum().backward()
    assert network.sampler.kernel.shape == (61, 61)
    assert float(network.sampler.kernel.grad.abs().max()) > 0
    assert small_network().sampler.kernel is None


@pytest.mark.parametrize("form", ["paper", "release"])
@pytest.mark.parametrize("branches", get_args(BranchSet))
def test_roles_cover_every_parameter_once(small_network: Build, branches: str, form: str) -> None:
    network = small_network(branches=branches, form=form)
    listed = [id(parameter) for group in network.parameters_by_role().values() for parameter in group]
    # With O alone the sampler only provides maps and gets no gradient.
    expected = {id(p) for name, p in network.named_parameters() if branches != "O" or not name.startswith("sampler.")}
    assert len(listed) == len(set(listed))
    assert set(listed) == expected


def test_the_release_learns_the_convolutions_of_its_heads_at_the_rate_of_the_backbone(small_network: Build) -> None:
    network = small_network(form="release")
    convolutions = {id(p) for branch in "DC" for p in network.head(branch).buffer.parameters()}
    assert len(convolutions) == 2 * 3
    roles = network.parameters_by_role()
    assert convolutions <= {id(parameter) for parameter in roles["backbone"]}
    assert len(roles["heads"]) == 2 * 4  # weight and bias of O, D, C and the joint head


def test_a_larger_source_is_read_by_the_warps_and_scaled_for_the_view(small_network: Build) -> None:
    network = small_network(source_size=160).eval()
    images = torch.rand(2, 3, 160, 160)
    output = network(images, trace=True)
    assert network.network_view(images).shape == (2, 3, 64, 64)
    assert output.trace.images_c.shape == (2, 3, 64, 64)
    finer = small_network(source_size=160, look_size=128).eval()
    assert finer.network_view(images).shape == (2, 3, 128, 128)
    assert finer.look(images).features.shape[2:] == (16, 16), "twice as many as those of D and C"
    assert finer(images, trace=True).trace.images_d.shape == (2, 3, 64, 64)
    flat = network(torch.full((2, 3, 160, 160), 0.4), trace=True)
    assert torch.allclose(flat.trace.images_d, torch.full((2, 3, 64, 64), 0.4), atol=1e-5)


def _mobile_network(**choices: object) -> S3N:
    sizes = {"backbone": "mobilenet_v2", "input_size": 64, "source_size": 64, "map_size": 15, "num_classes": 6}
    return S3N(NetworkConfig.model_validate(sizes | choices))


def test_a_side_head_makes_the_maps_of_an_earlier_stage_and_leaves_the_rest() -> None:
    torch.manual_seed(0)
    plain = _mobile_network().eval()
    torch.manual_seed(0)
    network = _mobile_network(side_head=True).eval()
    shared = {key: value for key, value in network.state_dict().items() if not key.startswith("side.")}
    assert all(torch.equal(value, shared[key]) for key, value in plain.state_dict().items()), "the same first weights"
    look, before = network.look(IMAGES), plain.look(IMAGES)
    assert torch.equal(look.original, before.original)
    assert look.response.maps.shape[2:] == tuple(2 * cells for cells in before.response.maps.shape[2:])
    assert network.config.response_cells == look.response.maps.shape[2] == 2 * network.config.feature_cells
    # Eq. 1: the maps' mean and the bias are the side head's logits.
    means = look.response.maps.mean(dim=(2, 3)) + network.side.classifier.bias
    assert torch.allclose(means, look.side, atol=1e-4)
    assert torch.equal(look.response.logits, look.original), "O ranks the classes"
    again = network.respond(network.sampler, look.mapped, look.original)
    assert torch.equal(again.response, look.response.response)
    assert torch.equal(look.select(torch.tensor([1])).side, look.side[1:2])
    assert network(IMAGES, trace=True).side is not None
    assert plain(IMAGES).side is None


def test_a_side_head_learns_by_its_own_loss() -> None:
    network = _mobile_network(side_head=True)
    output = network(IMAGES)
    labels = torch.tensor([0, 1, 2])
    losses = objective(output, labels)
    assert set(losses.parts) == {"joint", "O", "D", "C", "side"}
    assert torch.allclose(losses.parts["side"], F.cross_entropy(output.side, labels))
    weight = network.side.classifier.weight
    (whole,) = torch.autograd.grad(losses.total, weight, retain_graph=True)
    (own,) = torch.autograd.grad(losses.parts["side"], weight)
    assert torch.allclose(whole, own)
    assert float(own.abs().max()) > 0
    listed = {id(p) for p in network.parameters_by_role()["heads"]}
    assert id(weight) in listed


@pytest.mark.parametrize("other", [{"last_stride": 1}, {"form": "release"}, {"backbone": "timm:resnet18"}])
def test_a_side_head_is_refused_where_it_has_no_stage_of_its_own(other: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="side_head"):
        _mobile_network(side_head=True, **other)


@pytest.mark.parametrize("branches", ["O+D", "D+C", "O+D+C"])
def test_the_joint_head_can_begin_as_the_mean_of_the_heads(small_network: Build, branches: str) -> None:
    output = small_network(branches=branches, joint_init="mean").eval()(IMAGES)
    joined = [output.branches()[branch] for branch in branches.split("+")]
    assert torch.allclose(output.joint, torch.stack(joined).mean(dim=0), atol=1e-5)


@pytest.mark.parametrize("form", ["paper", "release"])
def test_bfloat16_leaves_logits_and_sampler_in_float32(small_network: Build, form: str) -> None:
    network = small_network(form=form).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(IMAGES, trace=True)
    assert output.joint.dtype == output.original.dtype == torch.float32
    assert output.trace.samples.grid_d.dtype == output.trace.samples.map_d.dtype == torch.float32
    assert bool(output.joint.isfinite().all())
    expected = network(IMAGES).original
    assert torch.allclose(output.original, expected, atol=0.05 * float(expected.detach().abs().max()) + 0.02)


@pytest.mark.parametrize("images", [torch.zeros(2, 3, 64, 64), torch.full((2, 3, 64, 64), 1e4), IMAGES[:1] * 1e6])
def test_strange_images_get_a_finite_answer(small_network: Build, images: torch.Tensor) -> None:
    assert bool(small_network().eval()(images).joint.isfinite().all())
