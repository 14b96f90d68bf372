"""Where the cells of a network lie on its input, found by watching the layers that reduce its map while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from types import TracebackType
from typing import Any, Literal, Self

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from s3n_core.errors import ModelFileError

Layout = Literal["NCHW", "NHWC", "tokens"]
"""Order of a map's axes; tokens are (B, prefix + h * w, D), row by row."""


@dataclass(frozen=True, slots=True)
class CellGeometry:
    """Where the cells of a network lie on its input: cell i is centred on pixel ``i * stride + offset``.

    Attributes:
        stride: Pixels from one cell to the next.
        offset: Pixel on which the first cell is centred.
    """

    stride: int
    offset: float

    def agrees(self, other: CellGeometry) -> bool:
        """Return whether the cells of both lie in the same places, to the pixel."""
        return self.stride == other.stride and abs(self.offset - other.offset) < 1


@dataclass(frozen=True, slots=True)
class MiddleStage:
    """The layer whose features tell what lies where.

    Attributes:
        layer: Its name inside `Backbone.layers`; "" for the whole network.
        geometry: Where its cells lie on the network's input.
        layout: Order of its output's axes.
        prefix: Tokens that are no places.
    """

    layer: str
    geometry: CellGeometry
    layout: Layout = "NCHW"
    prefix: int = 0

    def map_of(self, output: Tensor) -> Tensor:
        """Return what the layer gives as a map, shape (B, D, h, w)."""
        return as_map(output, self.layout, self.prefix)


def as_map(output: Tensor, layout: Layout, prefix: int = 0) -> Tensor:
    """Return the output of a layer as a map, shape (B, D, h, w); its tokens must form a square."""
    if layout == "NHWC":
        return output.permute(0, 3, 1, 2)
    if layout == "tokens":
        places = output[:, prefix:]
        side = isqrt(places.shape[1])
        return places.transpose(1, 2).reshape(len(places), places.shape[2], side, side)
    return output


class Reductions:
    """The layers of a network that make its map smaller; noted while it runs on one image inside the ``with`` block.

    Args:
        layers: The network, in evaluation mode.
    """

    def __init__(self, layers: nn.Module) -> None:
        self._layers = layers
        # Side before and after, shift in pixels of the side before, kernel, stride.
        self._found: list[tuple[int, int, float, int, int]] = []
        self._padded: dict[int, tuple[int, int]] = {}  # side after padding: side before, and pixels before the first
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> Self:
        self._hooks = [
            layer.register_forward_hook(self._note)
            for layer in self._layers.modules()
            if _reduces(layer) or _thins_tokens(layer)
        ]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hook in self._hooks:
            hook.remove()

    def geometry(self, size: int, cells: int) -> CellGeometry:
        """Follow the strides from the input to a map, at the size that was used ("SAME" padding varies with it).

        Of several layers that reduce the same map, as in the two paths of a residual block, the one with the largest kernel
        counts. Reductions that are no layers, such as merged patches, are centred.

        Args:
            size: Side of the input, in pixels.
            cells: Cells along a side of the map.

        Raises:
            ModelFileError: The cells do not cover the image.
        """
        side, stride, offset = size, 1, 0.0
        while side > cells:
            here = [entry for entry in self._found if entry[0] == side]
            if here:
                _, after, shift, _, step = max(here, key=lambda entry: entry[3])
            else:
                after = max([entry[0] for entry in self._found if cells <= entry[0] < side], default=cells)
                step = round(side / after)
                shift = (side / after - 1) / 2
            offset += stride * shift
            stride *= step
            side = after
        if abs(cells * stride - size) >= stride:
            raise ModelFileError(
                f"The {cells} x {cells} cells of this backbone do not cover an image of {size} pixels; choose another backbone "
                "or size."
            )
        return CellGeometry(stride, offset)

    def _note(self, layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        before = inputs[0] if inputs else None
        if not isinstance(before, Tensor) or not isinstance(output, Tensor):
            return
        if len(before) != 1:  # patches of the image (TNT) or heads of an attention, whose sides are no map's
            return
        if _thins_tokens(layer):
            self._found.append((isqrt(before.shape[1]), isqrt(output.shape[1]), 0.0, 1, _side(layer.stride)))
            return
        if before.ndim != 4 or output.ndim != 4:
            return
        side, after = before.shape[2], output.shape[2]
        if isinstance(layer, nn.ConstantPad2d):
            self._padded[after] = (side, int(layer.padding[2]))
        elif after < side:
            shift, kernel = _shift(layer, side)
            side, pixels = self._padded.get(side, (side, 0))
            self._found.append((side, after, shift - pixels, kernel, _side(layer.stride)))


def _reduces(layer: nn.Module) -> bool:
    """Whether a layer may halve a map by itself, or pads it for one that does."""
    return (
        isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d | nn.ConstantPad2d)
        or type(layer).__name__ == "BlurPool2d"
    )


def _thins_tokens(layer: nn.Module) -> bool:
    """Whether a layer keeps every second token along both sides, from the first on: LeViT's."""
    return type(layer).__name__ == "Downsample" and type(layer).__module__ == "timm.models.levit"


def _shift(layer: Any, side: int) -> tuple[float, int]:
    """Return how far the first output of a layer is centred from its first input, in inputs, and its kernel's side."""
    if type(layer).__name__ == "BlurPool2d":
        return (layer.filt_size - 1) / 2 - layer.padding[0], layer.filt_size
    kernel, stride, dilation = (_side(getattr(layer, name, 1)) for name in ("kernel_size", "stride", "dilation"))
    reach = dilation * (kernel - 1)
    if type(layer).__name__.endswith("Same") or layer.padding == "same":
        padding = max((-(-side // stride) - 1) * stride + reach + 1 - side, 0) // 2
    else:
        padding = _side(layer.padding)
    return reach / 2 - padding, kernel


def _side(value: Any) -> int:
    return int(value[0] if isinstance(value, tuple | list) else value)
