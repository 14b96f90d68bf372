import math

import pytest
import torch
import torch.nn.functional as F

from s3n_core.method.network import S3NOutput
from s3n_core.method.objective import objective

LABELS = torch.tensor([0, 3, 2])


def _output(*names: str, classes: int = 5) -> S3NOutput:
    logits = {name: torch.randn(3, classes) for name in ("joint", "original", "discriminative", "complementary")}
    return S3NOutput(**{name: value if name in names else None for name, value in logits.items()})


def test_four_losses_by_name_and_their_sum() -> None:
    output = _output("joint", "original", "discriminative", "complementary")
    losses = objective(output, LABELS)
    assert set(losses.parts) == {"joint", "O", "D", "C"}
    assert torch.allclose(losses.total, torch.stack(list(losses.parts.values())).sum())
    assert torch.allclose(losses.parts["D"], F.cross_entropy(output.discriminative, LABELS))
    assert torch.allclose(losses.parts["joint"], F.cross_entropy(output.joint, LABELS))


def test_a_missing_branch_has_no_loss() -> None:
    assert set(objective(_output("original"), LABELS).parts) == {"O"}
    assert set(objective(_output("original", "joint", "complementary"), LABELS).parts) == {"joint", "O", "C"}


def test_smoothing_is_spread_over_the_other_classes_in_o_and_c_only() -> None:
    output = _output("joint", "original", "discriminative", "complementary")
    losses = objective(output, LABELS, smoothing=0.15)
    target = torch.full((3, 5), 0.15 / 4)
    target[torch.arange(3), LABELS] = 0.85
    for name, logits in (("O", output.original), ("C", output.complementary)):
        expected = -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()
        assert torch.allclose(losses.parts[name], expected)
    plain = objective(output, LABELS)
    for name in ("joint", "D"):
        assert torch.equal(losses.parts[name], plain.parts[name])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_losses_of_half_precision_logits_are_float32(dtype: torch.dtype) -> None:
    losses = objective(S3NOutput(None, torch.zeros(3, 5, dtype=dtype), None, None), LABELS)
    assert losses.total.dtype == torch.float32
    assert float(losses.total) == pytest.approx(math.log(5))


def test_one_class_has_nothing_to_smooth() -> None:
    losses = objective(S3NOutput(None, torch.zeros(3, 1), None, None), torch.zeros(3, dtype=torch.long), smoothing=0.15)
    assert float(losses.total) == 0
