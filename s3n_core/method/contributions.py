"""Contributions: every logit as an exact sum over the cells of the branches.

Every head is one linear layer on globally averaged features, the joint head one on the averages of all its branches:

    logit_c = b_c + sum over branches k and cells i of  w_{c,k} . S_k(i) / N_k

The margin of class A over class B is the same sum with w_A - w_B. Eq. 1 is this sum for O's head, times N_O. The field
calls such values attributions. They are computed in float32 from the very features that the logits came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from s3n_core.errors import NoSingleHead
from s3n_core.method.alignment import cell_to_grid, feature_to_pixel, grid_to_cell, reading_matrix, share_to_grid
from s3n_core.method.network import S3N, Look, S3NOutput
from s3n_core.method.response_maps import class_response_maps

OTHERS = -1
"""In place of a class whose logit is subtracted: the mean of the logits of all classes but the target."""


@dataclass(frozen=True)
class CellContributions:
    """The contributions to one logit, or to the difference of two, for a batch. Mappings are by branch, "O", "D", "C".

    Attributes:
        head: The head: "joint", "O", "D" or "C".
        values: Signed shares of the logit, float32 (B, h, w), in logits.
        places: Where the cells are centred on the square that the network sees, (B, h, w, 2), (x, y) in [-1, 1] with
            aligned corners; those of D and C through their grids.
        corners: The corners of the cells' quadrilaterals, (B, h + 1, w + 1, 2), in the same coordinates. Cells meet
            halfway between their places, and the outer ones extend to the border, at most half a pixel outside [-1, 1].
        bias: The bias, shape (B,), which belongs to no cell.
    """

    head: str
    values: Mapping[str, Tensor]
    places: Mapping[str, Tensor]
    corners: Mapping[str, Tensor]
    bias: Tensor

    @property
    def total(self) -> Tensor:
        """The logit, or the difference of two: the bias and the sum over all cells, shape (B,)."""
        return self.bias + torch.stack([values.sum(dim=(1, 2)) for values in self.values.values()]).sum(dim=0)


def contributions(
    network: S3N,
    look: Look,
    target: int | Tensor,
    versus: int | Tensor | None = None,
    *,
    output: S3NOutput | None = None,
    head: str | None = None,
    warped: bool = True,
) -> CellContributions:
    """Return what every cell contributes to a logit, or to the margin of one class over another.

    Args:
        network: The network.
        look: The output of branch O.
        target: The class, one for all images or int64 (B,).
        versus: The class whose logit is subtracted, alike; `OTHERS`: the mean of all other classes; None: the logit itself.
        output: What `S3N.finish` or `S3N.classify` made of ``look``, with its trace: the contributions are those of
            its pass, with its edits. None: the other branches run here, if the head needs them.
        head: "joint", "O", "D" or "C"; None: that of the network's prediction.
        warped: Whether the cells of D and C lie where their grids have sampled; False: where they would lie without a
            warp, which shows what their true places are worth.

    Returns:
        The contributions, which sum to the logit or to the difference of two.

    Raises:
        NoSingleHead: The head is a mean.
        ValueError: The network lacks the head, or ``output`` has no trace.
    """
    head = head_named(network, head)
    branches = network.config.joined if head == "joint" else (head,)
    trace = None
    if branches != ("O",):
        trace = (network.finish(look, trace=True) if output is None else output).trace
        if trace is None:
            raise ValueError("contributions of D and C need an output with its trace")
    maps = {"O": look.features} if trace is None else trace.pooled_maps
    grids = {} if trace is None or not warped else {"D": trace.samples.grid_d, "C": trace.samples.grid_c}

    layer = network.joint if head == "joint" else network.head(head).classifier
    assert isinstance(layer, nn.Linear)
    with torch.autocast(look.features.device.type, enabled=False):
        weights, bias = _difference(layer.weight, target, versus), _difference(layer.bias, target, versus)
        parts = dict(zip(branches, weights.chunk(len(branches), dim=1), strict=True))
        values = {branch: _values(maps[branch], weight) for branch, weight in parts.items()}
        placed = {branch: _places(network, branch, look, maps[branch], grids.get(branch)) for branch in branches}
    return CellContributions(
        head=head,
        values=values,
        places={branch: places for branch, (places, _) in placed.items()},
        corners={branch: corners for branch, (_, corners) in placed.items()},
        bias=bias[:, 0].expand(len(look.images)),
    )


def head_named(network: S3N, head: str | None) -> str:
    """Return a head's name, that of the network's prediction for None.

    Raises:
        NoSingleHead: It is a mean.
        ValueError: The network lacks it.
    """
    heads = ("joint", *network.heads) if network.joint is not None else tuple(network.heads)
    if head is None:
        return heads[0]
    if head.startswith("mean"):
        raise NoSingleHead(
            "Contributions belong to one head in one view. A mean over branches or views has one sum for each of them; "
            f"choose {' or '.join(heads)}."
        )
    if head not in heads:
        raise ValueError(f"this network has no head {head!r}; choose one of {', '.join(heads)}")
    return head


def _difference(rows: Tensor, target: int | Tensor, versus: int | Tensor | None) -> Tensor:
    """Return the rows of the target, less those of the other class, float32 (B or 1, ...)."""
    rows = rows.float().reshape(len(rows), -1)

    def of(index: int | Tensor) -> Tensor:
        return rows[index if isinstance(index, Tensor) else slice(index, index + 1)]

    if versus is None:
        return of(target)
    if isinstance(versus, int):
        return of(target) - (_others(rows, of(target)) if versus == OTHERS else of(versus))
    against_all = (versus == OTHERS)[:, None]
    return of(target) - torch.where(against_all, _others(rows, of(target)), of(versus.clamp(min=0)))


def _others(rows: Tensor, own: Tensor) -> Tensor:
    """Return the mean of all rows (C, D) but one's own (B or 1, D), alike; 0 if there is no other."""
    return (rows.sum(dim=0) - own) / max(len(rows) - 1, 1)


def _values(maps: Tensor, weight: Tensor) -> Tensor:
    """Return w . S(i) / N for maps (B, D, h, w) and weights (B or 1, D), shape (B, h, w)."""
    cells = maps.shape[2] * maps.shape[3]
    if len(weight) == 1:
        return class_response_maps(maps, weight)[:, 0] / cells
    return torch.einsum("bdhw,bd->bhw", maps.float(), weight) / cells


def _places(network: S3N, branch: str, look: Look, maps: Tensor, grid: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the places (B, h, w, 2) and corners (B, h + 1, w + 1, 2) of a branch's cells."""
    source = look.images.shape[-1]
    config = network.config
    side = min(
        config.original_size if branch == "O" else config.input_size, source
    )  # of what the backbone saw, in pixels
    lines = [_cell_lines(network, branch, cells, side, like=look.response.response) for cells in maps.shape[2:]]
    found = []
    for down, across in zip(*lines, strict=True):
        if grid is None:
            y, x = (share_to_grid((pixels + 0.5) / side, source) for pixels in (down, across))
            shape = (len(maps), len(y), len(x))
            found.append(torch.stack([x.expand(shape), y[:, None].expand(shape)], dim=-1))
        else:
            rows, columns = (
                reading_matrix(
                    grid_to_cell(cell_to_grid(pixels, side).clip(-1, 1), nodes), torch.arange(nodes).to(pixels)
                )
                for pixels, nodes in zip((down, across), grid.shape[1:3], strict=True)
            )
            found.append(torch.einsum("yr,brcn,xc->byxn", rows, grid.to(rows), columns))
    return found[0], found[1]


def _cell_lines(network: S3N, branch: str, cells: int, side: int, *, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the cells of a row are centred, (n,), and where they meet, (n + 1,), in pixels of the input."""
    # The release form's buffer is a convolution that is centred on every second feature, from the first on.
    features = torch.arange(cells).to(like) * network.head(branch).step
    centres = feature_to_pixel(features, network.backbone.stride, network.config.cell_alignment)
    ends = centres.new_tensor([-0.5, side - 0.5])
    return centres, torch.cat([ends[:1], (centres[1:] + centres[:-1]) / 2, ends[1:]])
