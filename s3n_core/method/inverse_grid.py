"""The inverse of a sampling grid: where a place of the original lies in the warped image.

With a Gaussian kernel k the unclamped grid of Eqs. 7 and 8 is a posterior mean, so its Jacobian is a covariance matrix
divided by sigma^2: symmetric and never negative. The grid therefore is a monotone map, it cannot fold, and a damped Newton
iteration finds its inverse from any start. Where the clamp to [-1, 1] has flattened it there is no inverse; the mask says so.
"""

from __future__ import annotations

import torch
from torch import Tensor

ITERATIONS = 24
HALVINGS = 4
COARSE = 24  # nodes a side of the search for the first guess


def invert_grid(grid: Tensor) -> tuple[Tensor, Tensor]:
    """Invert a sampling grid.

    Args:
        grid: Where each place of the warped image is taken from, shape (B, h, w, 2), (x, y) in [-1, 1], aligned corners.

    Returns:
        The inverse grid, shape (B, h, w, 2): for each place of the original its place in the warped image, (x, y) in
        [-1, 1]; and a bool mask (B, h, w), true where going there and back ends within half a pixel of the start.
    """
    height, width = grid.shape[1:3]
    scale = grid.new_tensor([(width - 1) / 2, (height - 1) / 2])
    places = ((grid.detach() + 1) * scale).flatten(1, 2)  # (B, h * w, 2): F at the nodes, in pixels of the original
    rows, columns = torch.meshgrid(
        torch.arange(height, device=grid.device), torch.arange(width, device=grid.device), indexing="ij"
    )
    target = torch.stack([columns, rows], dim=-1).reshape(1, -1, 2).to(grid.dtype).expand_as(places)
    position = _first_guess(places, target, height, width)
    limit = target.amax(dim=1, keepdim=True)

    value, jacobian = _evaluate(places, position, height, width)
    residual = value - target
    for _ in range(ITERATIONS):
        step = _newton_step(jacobian, residual)
        best_position, best_norm = position, residual.square().sum(-1)
        for halving in range(HALVINGS):
            candidate = torch.minimum((position - step * 0.5**halving).clamp(min=0), limit)
            candidate_value, _ = _evaluate(places, candidate, height, width)
            norm = (candidate_value - target).square().sum(-1)
            better = norm < best_norm
            best_position = torch.where(better[..., None], candidate, best_position)
            best_norm = torch.where(better, norm, best_norm)
        position = best_position
        value, jacobian = _evaluate(places, position, height, width)
        residual = value - target
        if float(residual.square().sum(-1).amax()) < 1e-6:
            break
    valid = residual.square().sum(-1) < 0.25
    inverse = position / scale - 1
    return inverse.reshape(grid.shape), valid.reshape(grid.shape[:3])


def _first_guess(places: Tensor, target: Tensor, height: int, width: int) -> Tensor:
    """For each target the nearest of a coarse set of nodes, in pixels of the warped image."""
    rows = torch.linspace(0, height - 1, min(COARSE, height), device=places.device).round().long()
    columns = torch.linspace(0, width - 1, min(COARSE, width), device=places.device).round().long()
    nodes = (rows[:, None] * width + columns[None, :]).flatten()
    cell = torch.stack([nodes % width, nodes // width], dim=-1).to(places.dtype)
    # Targets share their guess with the coarse node that they round to: a search over all pixels would be wasted.
    coarse_target = target[:, nodes]
    nearest = torch.cdist(coarse_target, places[:, nodes]).argmin(dim=2)  # (B, nodes)
    guess = cell[nearest].reshape(places.shape[0], len(rows), len(columns), 2).permute(0, 3, 1, 2)
    full = torch.nn.functional.interpolate(guess, size=(height, width), mode="bilinear", align_corners=True)
    return full.permute(0, 2, 3, 1).reshape(places.shape)


def _evaluate(places: Tensor, position: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return F (B, N, 2) and its Jacobian (B, N, 2, 2) at positions (B, N, 2) of the bilinearly continued grid."""
    column = position[..., 0].floor().clamp(0, width - 2)
    row = position[..., 1].floor().clamp(0, height - 2)
    u = (position[..., 0] - column)[..., None]
    v = (position[..., 1] - row)[..., None]
    index = (row * width + column).long()[..., None].expand(-1, -1, 2)
    upper_left, upper_right = places.gather(1, index), places.gather(1, index + 1)
    lower_left, lower_right = places.gather(1, index + width), places.gather(1, index + width + 1)
    upper = upper_left + u * (upper_right - upper_left)
    lower = lower_left + u * (lower_right - lower_left)
    along_u = (upper_right - upper_left) * (1 - v) + (lower_right - lower_left) * v
    return upper + v * (lower - upper), torch.stack([along_u, lower - upper], dim=-1)


def _newton_step(jacobian: Tensor, residual: Tensor) -> Tensor:
    """Solve (J + small) step = residual in closed form; the small term keeps a flattened place from sending it far away."""
    a, b = jacobian[..., 0, 0] + 1e-3, jacobian[..., 0, 1]
    c, d = jacobian[..., 1, 0], jacobian[..., 1, 1] + 1e-3
    determinant = a * d - b * c
    determinant = torch.where(determinant.abs() < 1e-6, 1e-6, determinant)
    x, y = residual.unbind(-1)
    return torch.stack([(d * x - b * y) / determinant, (a * y - c * x) / determinant], dim=-1).clamp(-64, 64)
