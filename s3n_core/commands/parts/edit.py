"""`s3n parts edit`: merge, split, rename and hide parts, and move peaks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from s3n_core.commands.failures import say
from s3n_core.commands.parts.opened_atlas import AtlasArgument, peak_of_image
from s3n_core.commands.parts.show import show_atlas
from s3n_core.errors import AtlasError

if TYPE_CHECKING:
    from s3n_core.parts.atlas.atlas import Atlas


def edit(
    atlas: AtlasArgument,
    action: Annotated[
        Literal["rename", "merge", "split", "hide", "show", "background", "object", "reassign", "undo"],
        typer.Argument(
            metavar="ACTION", help="rename, merge, split, hide, show, background, object, reassign or undo."
        ),
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PART]...", help="The part; for rename also its new name, for merge a second part."),
    ] = None,
    image: Annotated[
        Path | None, typer.Option("--image", metavar="IMAGE", help="For reassign: the image of the peak.")
    ] = None,
    at: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--at", metavar="X Y", help="For reassign: the peak nearest to this pixel. Default: the strongest."
        ),
    ] = None,
) -> None:
    """Rename, merge, split or hide parts, mark them as background or object, or move one peak to a part; undo the last edit.

    Edits are kept in the atlas's journal, and are applied again after grouping anew where the same parts and peaks are found.

    Examples: s3n parts edit atlas rename "part 3" bill; s3n parts edit atlas reassign bill --image bird.jpg --at 140 96
    """
    from s3n_core.parts.atlas.atlas import Atlas

    if (image is None) == (action == "reassign") or (at is not None and action != "reassign"):
        raise typer.BadParameter("--image, and --at if it is needed, say which peak reassign moves.")
    opened, words = Atlas(atlas), names or []
    wanted = {"rename": 2, "merge": 2, "undo": 0}.get(action, 1)
    if len(words) != wanted:
        raise typer.BadParameter(f"{action} takes {('no part', 'one part', 'two names')[wanted]}.")
    match action:
        case "rename":
            opened.rename(words[0], words[1])
        case "merge":
            opened.merge(words[0], words[1])
        case "split":
            opened.split(words[0])
        case "hide" | "show":
            opened.hide(words[0], hidden=action == "hide")
        case "background" | "object":
            opened.set_background(words[0], background=action == "background")
        case "reassign":
            _reassign(opened, words[0], image, at)
        case "undo":
            opened.undo()
    show_atlas(opened, json=False)


def _reassign(atlas: Atlas, part: str, image: Path | None, at: tuple[float, float] | None) -> None:
    """Move a peak to a part, and say which it was."""
    found = None if image is None else peak_of_image(atlas, image, at)
    if found is None:
        raise AtlasError(f"The atlas has no peak of {image}; give an image of the atlas, by its name or file.")
    row, x, y = found
    before = atlas.parts.name(int(atlas.part_of[row]))
    file = atlas.images[int(atlas.places["image"][row])].file
    atlas.reassign(part, file, x, y)
    say(f"The peak at ({x:.0f}, {y:.0f}) of {file} belonged to {before}.")
