"""What a list of backbones says of each one. Does not import torch, so that the window can use it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneEntry:
    """A backbone in a list.

    Attributes:
        name: What a recipe calls it.
        tag: Name of its pretrained weights; "" if it has none.
        parameters: Number of its weights, without a classifier; None if it is not known without building it.
        stride: Input pixels per cell of its map, at the size that its weights were trained with; None if it is not known.
        tokens: Whether its map is made of patch tokens (`tokens_sentence`); None if it is not known.
        input_size: Side that its weights were trained with, in pixels.
        licence: Licence of its pretrained weights, as their source gives it; "unknown" if it gives none.
        non_commercial: Whether that licence forbids commercial use.
        place: The address that they are downloaded from; "" if there are none.
        file: The file that they are in, or belong in; "" if there are none.
        size: Its size in bytes; None if it is not there.
        download_size: About how many bytes a download of it has; 0 if that is not known.
    """

    name: str
    tag: str
    parameters: int | None
    stride: int | None
    tokens: bool | None
    input_size: int
    licence: str
    non_commercial: bool
    place: str
    file: str
    size: int | None
    download_size: int
