"""The inverse of a sampling grid: where a point of the original lies in the warped image.

With a Gaussian kernel k the Jacobian of Eqs. 7 and 8 before the clamp is a covariance matrix divided by sigma^2, hence
symmetric and positive semidefinite, which suits a damped Newton iteration. For each pixel of the original it starts at
the nearest sample, or at an average of the neighbours' starts if no sample falls on the pixel. Where the clamp to
[-1, 1] has flattened the grid, or no sample comes near, there is no inverse, and the mask is false.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

ITERATIONS = 16
HALVINGS = 4
CLOSE_ENOUGH = 1e-2  # pixels of the original


def invert_grid(grid: Tensor) -> tuple[Tensor, Tensor]:
    """Invert a sampling grid.

    Args:
        grid: Where each pixel of the warped image is sampled, shape (B, h, w, 2), (x, y) in [-1, 1], aligned corners.

    Returns:
        The inverse grid, shape (B, h, w, 2): for each pixel of the original its position in the warped image, (x, y) in
        [-1, 1]; and a bool mask (B, h, w), true where mapping it back ends within half a pixel of the start.
    """
    batch, height, width = grid.shape[:3]
    scale = grid.new_tensor([(width - 1) / 2, (height - 1) / 2])
    places = ((grid.detach() + 1) * scale).reshape(-1, 2)  # F at the nodes of all images, in pixels of the original
    nodes = _pixels(height, width, like=grid).repeat(batch, 1)
    position = _first_guess(places.view(batch, height, width, 2))
    first_node = torch.arange(batch, device=grid.device).repeat_interleave(height * width) * (height * width)

    distance = torch.full_like(position[:, 0], torch.inf)
    active = torch.arange(len(position), device=grid.device)
    for _ in range(ITERATIONS):
        # Nearly all points converge within a few steps; iterate on only those that still improve.
        start, target, first = position[active], nodes[active], first_node[active]
        value, jacobian = _evaluate(places, start, first, height, width)
        best, nearest = start, (value - target).norm(dim=-1)
        before = distance[active]
        step = _newton_step(jacobian, value - target)
        for halving in range(HALVINGS):
            candidate = torch.minimum((start - step * 0.5**halving).clamp(min=0), nodes[-1])
            reached = (_evaluate(places, candidate, first, height, width)[0] - target).norm(dim=-1)
            better = reached < nearest
            best = torch.where(better[:, None], candidate, best)
            nearest = torch.where(better, reached, nearest)
        position[active], distance[active] = best, nearest
        active = active[(nearest > CLOSE_ENOUGH) & (nearest < 0.999 * before)]
        if len(active) == 0:
            break
    return (position / scale - 1).reshape(grid.shape), (distance < 0.5).reshape(grid.shape[:3])


def _pixels(height: int, width: int, *, like: Tensor) -> Tensor:
    """Return the (x, y) of all pixels in row-major order, shape (h * w, 2)."""
    number = torch.arange(height * width, device=like.device)
    return torch.stack([number % width, number // width], dim=-1).to(like.dtype)


def _first_guess(places: Tensor) -> Tensor:
    """Return, for each pixel of the original, the nearest sample's position in the warped image, shape (B * h * w, 2).

    The candidates are the nodes and the points halfway between them.
    """
    batch, height, width = places.shape[:3]
    fine_height, fine_width = 2 * height - 1, 2 * width - 1
    planes = places.permute(0, 3, 1, 2)
    fine = F.interpolate(planes, size=(fine_height, fine_width), mode="bilinear", align_corners=True)
    fine = fine.permute(0, 2, 3, 1).reshape(-1, 2)
    number = torch.arange(len(fine), device=fine.device)
    pixel = fine.round()
    image = number // (fine_height * fine_width)
    index = image * (height * width) + (pixel[:, 1] * width + pixel[:, 0]).long()
    away = (fine - pixel).square().sum(dim=-1)
    nearest = away.new_full((batch * height * width,), torch.inf).scatter_reduce(0, index, away, "amin")
    winner = torch.where(away == nearest[index], number, -1)
    best = number.new_full((batch * height * width,), -1).scatter_reduce(0, index, winner, "amax")
    known = (best >= 0)[:, None]
    shown = _pixels(fine_height, fine_width, like=fine)[best.clamp(min=0) % (fine_height * fine_width)] / 2
    guess = torch.cat([torch.where(known, shown, 0.0), known.to(fine.dtype)], dim=1)
    filled = _filled(guess.view(batch, height, width, 3).permute(0, 3, 1, 2))
    return filled.permute(0, 2, 3, 1).reshape(-1, 2)


def _filled(planes: Tensor) -> Tensor:
    """Fill unknown pixels of (x, y, known) from the smallest square around them with known ones, shape (B, 2, h, w)."""
    height, width = planes.shape[2:]
    values, known = planes[:, :2], planes[:, 2:]
    if min(height, width) == 1 and max(height, width) == 1:
        return values
    # With ceil_mode a square at the border is averaged over the pixels it has, for values and counts alike.
    pooled = F.avg_pool2d(planes, 2, ceil_mode=True)
    share = pooled[:, 2:]
    coarse = torch.cat([pooled[:, :2] / torch.where(share > 0, share, 1.0), (share > 0).to(planes.dtype)], dim=1)
    around = _filled(coarse).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)[:, :, :height, :width]
    return torch.where(known > 0, values, around)


def _evaluate(places: Tensor, position: Tensor, first: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return F (N, 2) and its Jacobian (N, 2, 2) at positions (N, 2) of bilinear grids starting at ``first`` (N,)."""
    column = position[:, 0].floor().clamp(0, width - 2)
    row = position[:, 1].floor().clamp(0, height - 2)
    u = (position[:, 0] - column)[:, None]
    v = (position[:, 1] - row)[:, None]
    node = first + (row * width + column).long()
    upper_left, upper_right = places[node], places[node + 1]
    lower_left, lower_right = places[node + width], places[node + width + 1]
    upper = upper_left + u * (upper_right - upper_left)
    lower = lower_left + u * (lower_right - lower_left)
    along_u = (upper_right - upper_left) * (1 - v) + (lower_right - lower_left) * v
    return upper + v * (lower - upper), torch.stack([along_u, lower - upper], dim=-1)


def _newton_step(jacobian: Tensor, residual: Tensor) -> Tensor:
    """Solve (J + small) step = residual in closed form; the small term limits the step where the grid is flat."""
    a, b = jacobian[..., 0, 0] + 1e-3, jacobian[..., 0, 1]
    c, d = jacobian[..., 1, 0], jacobian[..., 1, 1] + 1e-3
    determinant = a * d - b * c
    determinant = torch.where(determinant.abs() < 1e-6, 1e-6, determinant)
    x, y = residual.unbind(-1)
    return torch.stack([(d * x - b * y) / determinant, (a * y - c * x) / determinant], dim=-1).clamp(-64, 64)
