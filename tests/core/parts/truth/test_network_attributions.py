"""The attributions of a network as pictures, and networks with random weights."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image

from s3n_core.datasets.transforms import test_view
from s3n_core.inspection.inspector import Inspector
from s3n_core.models.opening import Model
from s3n_core.parts.truth.intervention_result import GRAD_CAM, PLACED, Q_D, RESPONSE, SIGNED, UNPLACED
from s3n_core.parts.truth.network_attributions import NetworkAttributions
from s3n_core.parts.truth.random_networks import randomised


def test_contributions_sum_to_the_centred_logit_wherever_they_are_placed(
    model_of: Callable[..., Model], picture: Image.Image
) -> None:
    model = model_of(backbone="resnet18")
    inspector = Inspector(model)
    prepared = inspector.prepare_views(test_view(picture, model.preprocess)[None], ["bird"], [picture.size])
    resampled = inspector.resample(prepared)
    output = inspector.classify(resampled)
    found = NetworkAttributions(inspector, resampled, output)
    assert found.names == (GRAD_CAM, SIGNED, PLACED, UNPLACED, RESPONSE, Q_D)
    logits, bias = output.joint[0].numpy(), model.network.joint.bias.detach().numpy()  # type: ignore[index, union-attr]
    for target in (0, 7):
        expected = (logits - bias)[target] - (logits - bias).mean()
        pictures = {name: found.picture(name, target) for name in found.names}
        assert {of.shape for of in pictures.values()} == {(80, 120)}
        for name in (PLACED, UNPLACED):
            assert pictures[name].sum() == pytest.approx(expected, abs=1e-4)
        assert not np.allclose(pictures[PLACED], pictures[UNPLACED])
        assert np.array_equal(pictures[GRAD_CAM], np.maximum(pictures[SIGNED], 0))
    response = found.picture(RESPONSE, 0)
    assert response.min() >= 0
    assert response.max() == pytest.approx(float(resampled.response.response.max()), abs=0.05)


def test_a_network_without_o_in_its_joint_head_has_no_contributions_of_o(
    model_of: Callable[..., Model], picture: Image.Image
) -> None:
    inspector = Inspector(model_of(backbone="resnet18", branches="D+C"))
    resampled = inspector.resample(inspector.prepare(picture, "bird"))
    found = NetworkAttributions(inspector, resampled, inspector.classify(resampled))
    assert found.names == (PLACED, UNPLACED, RESPONSE, Q_D)
    pixels, cells = found.cells
    assert sorted(pixels.tolist()) == list(range(120 * 80))  # every pixel lies in one cell
    assert set(cells.tolist()) == set(range(4))  # 64 pixels, stride 32


def test_cells_without_a_warp_lie_where_those_of_o_lie(model: Model, picture: Image.Image) -> None:
    inspector = Inspector(model)
    resampled = inspector.resample(inspector.prepare(picture, "bird"))
    output = inspector.classify(resampled)
    (warped,) = inspector.contributions(resampled, output, 3)
    (unwarped,) = inspector.contributions(resampled, output, 3, warped=False)
    for branch in "ODC":
        assert np.array_equal(unwarped.values[branch], warped.values[branch])
        assert unwarped.places[branch] == pytest.approx(warped.places["O"], abs=1e-3)
        assert unwarped.corners[branch] == pytest.approx(warped.corners["O"], abs=1e-3)
    assert np.abs(warped.places["D"] - warped.places["O"]).max() > 1


def test_random_heads_are_random_where_r_has_a_head_of_its_own(model_of: Callable[..., Model]) -> None:
    model = model_of(backbone="resnet18", side_head=True)
    assert model.network.side is not None
    own = model.network.side.classifier.weight
    random = randomised(model).network.side
    assert random is not None
    assert not torch.equal(random.classifier.weight, own)


def test_random_networks_differ_in_what_is_random_and_stay_finite(model: Model) -> None:
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    heads, everything = randomised(model), randomised(model, backbone=True)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for random in (heads, everything):
            assert random.network.joint is not None
            assert torch.isfinite(random.network(images).joint).all()
            assert not torch.equal(random.network.joint.weight, before["joint.weight"])
            assert not torch.equal(random.network.head("D").classifier.weight, before["heads.D.classifier.weight"])
    own = dict(model.network.backbone.named_parameters())
    for name, value in heads.network.backbone.named_parameters():
        assert torch.equal(value, own[name])
    changed = [
        not torch.equal(value, own[name])
        for name, value in everything.network.backbone.named_parameters()
        if value.ndim > 1
    ]
    assert changed
    assert all(changed)
    after = model.network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    again = randomised(model, backbone=True).network.state_dict()
    assert all(torch.equal(value, again[name]) for name, value in everything.network.state_dict().items())
