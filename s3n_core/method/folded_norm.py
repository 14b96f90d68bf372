"""Folding BatchNorm into the convolution before it: what a trained network need not compute again for every image.

With fixed statistics a BatchNorm is an affine map a channel, so it can be part of the convolution's weights: the same numbers up
to rounding, with a third of a processor's passes over memory saved.
"""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from s3n_core.method.branch_norm import BRANCHES, BranchBatchNorm2d, BranchLayer


def fold_batch_norm(module: nn.Module) -> None:
    """Fold every BatchNorm2d that follows a convolution into it, in place; the network can no longer be trained.

    Where a branch has statistics of its own (`branch_norm`), it gets convolutions of its own: three times the weights.

    Args:
        module: A network in evaluation mode whose layers are registered in the order in which they are run, as those of all
            our backbones are.

    Raises:
        ValueError: If the network is in training mode.
    """
    if module.training:
        raise ValueError("only a network in evaluation mode can be folded")
    before: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if type(child) is nn.BatchNorm2d and before is not None and type(before[1]) is nn.Conv2d:
            setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
            setattr(module, name, nn.Identity())
        elif isinstance(child, BranchBatchNorm2d) and before is not None and type(before[1]) is nn.Conv2d:
            convolution = before[1]
            folded: dict[str, nn.Module] = {b: fuse_conv_bn_eval(convolution, child.of_branch(b)) for b in BRANCHES}
            setattr(module, before[0], BranchLayer(folded))
            setattr(module, name, nn.Identity())
        else:
            fold_batch_norm(child)
        before = (name, child)
