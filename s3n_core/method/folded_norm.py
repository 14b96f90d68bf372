"""Folding BatchNorm into the preceding convolution, for faster inference.

With fixed statistics BatchNorm is an affine map per channel, so the convolution's weights can absorb it: the result is
the same up to rounding, and a CPU makes a third fewer passes over memory. That holds only where BatchNorm reads what the
convolution makes, and nothing else does. The order in which layers are registered does not say so (RepViT's blocks add two
convolutions before the norm that is registered after one of them), so the network is run once and watched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from s3n_core.method.branch_norm import BRANCHES, BranchBatchNorm2d, BranchLayer


class NormAct(nn.Sequential):
    """A BatchNorm2d and what follows it in the place of one layer: dropout, an activation."""


class Probed(nn.Module):
    """A part of a network that can be run by itself, to see which of its layers follow which."""

    def example(self) -> Tensor:
        """Return a batch that it can read."""
        raise NotImplementedError


def fold_batch_norm(module: nn.Module) -> None:
    """Fold every BatchNorm2d that alone reads a convolution into it, in place; the network can no longer be trained.

    With statistics per branch (`branch_norm`) each branch gets its own convolutions: three times the weights. Layers of an
    ``nn.Sequential`` follow one another; of others that are registered one after the other, those are folded that are seen to
    do so when the `Probed` part around them runs. Elsewhere nothing is folded.

    Args:
        module: A network in evaluation mode.

    Raises:
        ValueError: If the network is in training mode.
    """
    if module.training:
        raise ValueError("only a network in evaluation mode can be folded")
    followers: dict[nn.Module, nn.Module] = {}
    for part in module.modules():
        if isinstance(part, Probed):
            followers |= _followers(part)
    _fold(module, followers)


def _fold(module: nn.Module, followers: Mapping[nn.Module, nn.Module]) -> None:
    in_order = type(module).forward is nn.Sequential.forward
    before: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        norm = child[0] if isinstance(child, NormAct) else child
        folded = None
        if before is not None and (in_order or followers.get(before[1]) is norm):
            folded = _folded(before[1], norm)
        if before is not None and folded is not None:
            setattr(module, before[0], folded)
            if isinstance(child, NormAct):
                child[0] = nn.Identity()
            else:
                setattr(module, name, nn.Identity())
        else:
            _fold(child, followers)
        before = (name, child)


def _folded(layer: nn.Module, norm: nn.Module) -> nn.Module | None:
    """Return one layer equivalent to a convolution and the BatchNorm after it; None if they are anything else."""
    if type(layer) is not nn.Conv2d:
        return None
    if isinstance(norm, BranchBatchNorm2d):
        return BranchLayer({branch: fuse_conv_bn_eval(layer, norm.of_branch(branch)) for branch in BRANCHES})
    return fuse_conv_bn_eval(layer, norm) if type(norm) is nn.BatchNorm2d else None


@dataclass(eq=False, slots=True)
class _Output:
    """What a convolution has made in one call: how many functions made tensors of it, and which norms were given it."""

    uses: int = 0
    norms: list[nn.Module] = field(default_factory=list)


class _Watch(TorchFunctionMode):
    """Follows what the convolutions of a network make while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[nn.Module, list[_Output]] = {}
        self.calls: dict[nn.Module, int] = {}
        self._alive: Any = WeakTensorKeyDictionary()  # outputs, by the tensors themselves; torch gives it no types

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if any(True for _ in _tensors(result)):  # else it was only asked for its shape or the like
            for value in _tensors((args, kwargs)):
                if (output := self._alive.get(value)) is not None:
                    output.uses += 1
        return result

    def after_convolution(self, layer: nn.Module, inputs: object, result: Tensor) -> None:
        output = _Output()
        self.made.setdefault(layer, []).append(output)
        self._alive[result] = output

    def before_norm(self, layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        self.calls[layer] = self.calls.get(layer, 0) + 1
        if (output := self._alive.get(inputs[0])) is not None:
            output.norms.append(layer)


def _followers(part: Probed) -> dict[nn.Module, nn.Module]:
    """Run a part once; return the BatchNorm that reads all that a convolution makes, and alone does, by convolution."""
    watch = _Watch()
    hooks = []
    for layer in part.modules():
        if type(layer) is nn.Conv2d:
            hooks.append(layer.register_forward_hook(watch.after_convolution))
        elif isinstance(layer, nn.BatchNorm2d):
            hooks.append(layer.register_forward_pre_hook(watch.before_norm))
    weight = next(part.parameters(), None)
    try:
        with torch.no_grad():
            images = part.example()
            images = images if weight is None else images.to(weight)
            with watch:
                part(images)
    finally:
        for hook in hooks:
            hook.remove()
    found = {}
    for layer, outputs in watch.made.items():
        norms = [norm for output in outputs for norm in output.norms]
        alone = all(output.uses == 1 and len(output.norms) == 1 for output in outputs)
        # The norm must be given nothing else either, should it be called more than once.
        if alone and all(first is second for first, second in pairwise(norms)) and watch.calls[norms[0]] == len(norms):
            found[layer] = norms[0]
    return found


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _tensors(each)
