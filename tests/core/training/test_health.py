import copy
import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from tiny_models import drawn_picture

from s3n_core.datasets.transforms import test_view
from s3n_core.inspection.geometry import magnification
from s3n_core.method.configuration import NetworkChoices, NetworkConfig, least_radius
from s3n_core.method.network import S3NOutput
from s3n_core.method.objective import objective
from s3n_core.method.resampling import sampling_grid
from s3n_core.method.sparse_attention import beta_from_radius
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import to_input
from s3n_core.training.health_warnings import health_warnings
from s3n_core.training.measurements import clamped_share, health_sums, loss_sums, radius_values
from s3n_core.training.running_mean import RunningMean


@pytest.fixture(scope="module")
def outputs(model: Model) -> list[tuple[S3NOutput, torch.Tensor]]:
    answers = []
    for start in (0, 3):
        pictures = [test_view(drawn_picture(seed), model.preprocess) for seed in range(start, start + 3)]
        with torch.inference_mode():
            answers.append((model.network(to_input(np.stack(pictures), "cpu"), trace=True), torch.tensor([0, 1, 2])))
    return answers


def sums_of(output: S3NOutput, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    return loss_sums(output, objective(output, labels), labels) | health_sums(output)


def mean_of(outputs: list[tuple[S3NOutput, torch.Tensor]]) -> RunningMean:
    mean = RunningMean()
    for output, labels in outputs:
        mean.add(sums_of(output, labels), len(labels))
    return mean


def test_figures_are_means_over_images(outputs: list[tuple[S3NOutput, torch.Tensor]]):
    mean = mean_of(outputs)
    values = mean.values()
    traces = [output.trace for output, _ in outputs if output.trace is not None]
    sure = torch.cat([trace.response.sure for trace in traces]).float()
    peaks = torch.cat([trace.response.peaks.sum(dim=(1, 2)) for trace in traces]).float()
    empty = torch.cat([(trace.samples.weight_c > 0).sum(dim=(1, 2)) == 0 for trace in traces]).float()
    joint = torch.cat([output.prediction.argmax(1) for output, _ in outputs])
    discriminative = torch.cat([output.branches()["D"].argmax(1) for output, _ in outputs])
    labels = torch.cat([labels for _, labels in outputs])
    assert mean.count == 6
    assert values["sure_share"] == pytest.approx(sure.mean().item())
    assert values["peaks"] == pytest.approx(peaks.mean().item())
    assert values["empty_c_share"] == pytest.approx(empty.mean().item())
    assert values["agreement_D"] == pytest.approx((joint == discriminative).float().mean().item())
    assert values["accuracy_joint"] == pytest.approx((joint == labels).float().mean().item())
    assert values["magnification_d"] >= values["magnification_d_mean"] > 0
    assert json.loads(json.dumps(values)) == values


def test_interrupted_mean_ends_exactly_as_one_that_was_not(outputs: list[tuple[S3NOutput, torch.Tensor]]):
    whole = mean_of(outputs)
    first = mean_of(outputs[:1])
    resumed = RunningMean()
    resumed.restore(json.loads(json.dumps(first.state())))
    output, labels = outputs[1]
    resumed.add(sums_of(output, labels), len(labels))
    assert resumed.values() == whole.values()
    assert resumed.state() == whole.state()


def test_a_copy_keeps_the_mean_as_it_was(outputs: list[tuple[S3NOutput, torch.Tensor]]):
    mean = mean_of(outputs[:1])
    kept, values = copy.copy(mean), mean.values()
    output, labels = outputs[1]
    mean.add(sums_of(output, labels), len(labels))
    assert (kept.count, kept.values()) == (3, values)
    assert mean.values() != values


def test_empty_mean_has_no_figures():
    assert RunningMean().values() == {}
    restored = RunningMean()
    restored.restore(RunningMean().state())
    assert restored.values() == {}


def test_a_mean_takes_the_same_figures_every_time():
    mean = RunningMean()
    mean.add({"a": torch.tensor(1.0), "b": torch.tensor(4)}, 2)
    mean.add({"b": torch.tensor(5), "a": torch.tensor(2.0)}, 1)
    assert mean.values() == {"a": 1.0, "b": 3.0}
    with pytest.raises(ValueError, match="a running mean of a, b cannot take a"):
        mean.add({"a": torch.tensor(1.0)}, 1)


@pytest.mark.parametrize("state", [{"trace": 3}, {"count": 1.0, "peaks": {}}, {"count": "many"}])
def test_state_of_something_else_is_refused(state: dict[str, object]):
    with pytest.raises(ValueError, match="not the state of a running mean"):
        RunningMean().restore(state)


def test_baseline_without_trace_reports_losses_and_hits_alone(model_of: Callable[..., Model]):
    network = model_of(branches="O").network
    with torch.inference_mode():
        output = network(torch.randn(2, 3, 64, 64))
        sums = sums_of(output, torch.tensor([0, 1]))
    assert health_sums(output) == {}
    assert set(sums) == {"loss", "loss_O", "accuracy_O"}


def test_identity_warps_magnify_nothing(model: Model):
    mean = RunningMean()
    with torch.inference_mode():
        mean.add(health_sums(model.network(torch.randn(2, 3, 64, 64), sampling="identity", trace=True)), 2)
    values = mean.values()
    assert values["magnification_d"] == pytest.approx(1, abs=1e-4)
    assert values["magnification_c_mean"] == pytest.approx(1, abs=1e-4)
    assert values["clamped_d_share"] == 0
    assert not [w for w in health_warnings(values, 12) if w.name.startswith("magnification")]


def test_sums_cost_no_gradient(model: Model):
    output = model.network(torch.randn(2, 3, 64, 64), sampling="all", trace=True)
    assert output.original.requires_grad
    assert all(not value.requires_grad for value in sums_of(output, torch.tensor([0, 1])).values())


def test_radius_values_are_relative_to_the_start(model_of: Callable[..., Model]):
    network = model_of(radius_d=0.1).network
    values = radius_values(network)
    assert values["radius_d_drift"] == pytest.approx(0, abs=1e-6)
    assert values["beta_d"] == pytest.approx(2**0.5 * 3.1)


HEALTHY = {
    "sure_share": 0.5,
    "peaks": 6.0,
    "without_peaks_share": 0.0,
    "empty_d_share": 0.0,
    "empty_c_share": 0.1,
    "clamped_d_share": 0.02,
    "clamped_c_share": 0.02,
    "magnification_d": 3.0,
    "magnification_c": 2.0,
    "beta_d": 4.0,
    "radius_d_drift": 0.1,
    "agreement_D": 0.9,
    "agreement": 0.8,
}


def test_healthy_figures_give_no_warning():
    assert health_warnings(HEALTHY, 200) == ()
    assert health_warnings({}, 200) == ()


@pytest.mark.parametrize("map_size", [7, 9, 14, 18, 28, 31, 36, 57, 72, 114])
def test_a_radius_at_its_minimum_is_told_whatever_the_rounding(map_size: int):
    radius = torch.tensor(0.0).clamp(min=least_radius(map_size))
    beta = float(beta_from_radius(radius, map_size))
    assert beta == pytest.approx(0.5)
    assert [warning.name for warning in health_warnings(HEALTHY | {"beta_d": beta}, 200)] == ["beta_d"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("sure_share", 0.002, "certain (H at most delta = 0.2) for only 0.2 % of the images"),
        ("sure_share", 0.0, "certain (H at most delta = 0.2) for none of the images"),
        ("sure_share", 1.0, "the map of a single class"),
        ("peaks", 1.2, "1.2 peaks on average"),
        ("without_peaks_share", 0.3, "30 % of the images had no peak"),
        ("empty_c_share", 0.62, "62 % of the images had no peak for C"),
        ("empty_d_share", 0.4, "had no peak for D"),
        ("clamped_d_share", 0.2, "20 % of D's image only repeats the border of the original"),
        ("magnification_d", 9.0, "9.0 times"),
        ("magnification_c", 1.02, "C hardly differs from the original"),
        ("beta_d", 0.5, "beta_1 has reached its minimum"),
        ("radius_d_drift", -0.6, "shrunk by 60 %"),
        ("agreement_D", 0.3, "only 30 % of the images"),
        ("agreement", 1.0, "add nothing"),
    ],
)
def test_each_figure_has_its_warning_with_a_remedy(name: str, value: float, words: str):
    warnings = health_warnings(HEALTHY | {name: value}, 200)
    assert [warning.name for warning in warnings] == [name]
    assert warnings[0].value == value
    assert words in warnings[0].sentence
    assert warnings[0].remedy.endswith(".")


def test_rule_of_eq_3_is_judged_by_the_number_of_classes():
    unsure, sure = HEALTHY | {"sure_share": 0.0}, HEALTHY | {"sure_share": 1.0}
    assert "label smoothing" in health_warnings(unsure, 12)[0].remedy
    assert "label smoothing" not in health_warnings(unsure, 200)[0].remedy
    assert "its H is 0.13" in health_warnings(sure, 200)[0].sentence
    assert "untrained" not in health_warnings(sure, 12)[0].sentence
    assert health_warnings(unsure, 3) == ()  # one class is merged either way
    assert "the 5 most probable classes" in health_warnings(unsure, 200)[0].sentence
    assert "the 3 most probable classes" in health_warnings(unsure, 200, choices=NetworkChoices(top_k=3))[0].sentence
    assert health_warnings(unsure, 200, choices=NetworkChoices(top_k=1)) == ()
    as_released = NetworkConfig(num_classes=8, at_most_half=False)
    assert "the 5 most probable classes" in health_warnings(unsure, 8, choices=as_released)[0].sentence


def test_ablations_are_not_blamed_for_what_they_are():
    figures = HEALTHY | {"empty_c_share": 1.0, "magnification_d": 9.0}
    dense = NetworkConfig(num_classes=12, attention="response")
    control = NetworkConfig(num_classes=12, control="hard_crop")
    assert [w.name for w in health_warnings(figures, 12, choices=dense)] == ["magnification_d"]
    assert [w.name for w in health_warnings(figures, 12, choices=control)] == ["empty_c_share"]


def test_clamped_cells_are_counted() -> None:
    quality = torch.full((2, 31, 31), 0.09)
    quality[1, 0, 0] = 1e3
    share = clamped_share(sampling_grid(quality))
    assert float(share[0]) == 0
    assert float(share[1]) > 0.05
    assert bool(magnification(sampling_grid(quality)).ge(0).all())
