"""`s3n parts show`: the parts of an atlas, or of one class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import JsonOption, quoted
from s3n_core.commands.failures import say
from s3n_core.commands.parts.opened_atlas import AtlasArgument
from s3n_core.commands.progress import print_json
from s3n_core.commands.text_tables import table_text
from s3n_core.datasets.records import displayed_class

if TYPE_CHECKING:
    from s3n_core.parts.atlas.atlas import Atlas


def show(
    atlas: AtlasArgument,
    class_name: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Only the parts of this class, strongest first.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show the parts of an atlas, or those of one class.

    Example: s3n parts show atlas --class "Frost tailed Willowling"
    """
    from s3n_core.parts.atlas.atlas import Atlas

    opened = Atlas(atlas)
    if class_name is None:
        show_atlas(opened, json=json)
        return
    found = opened.class_parts(class_name)
    if json:
        print_json({"event": "class_parts", "class": class_name, "parts": list(found)})
        return
    rows = [["part", "found in", "contribution"]]
    rows += [[part.name, f"{part.images} of {part.total}", f"{part.contribution:+.2f}"] for part in found]
    typer.echo(table_text(rows))
    typer.echo(
        "Contribution of its peaks to the margin over the strongest rival, in logits, mean over the class's images."
    )


def show_atlas(atlas: Atlas, *, json: bool) -> None:
    """Print the parts of an atlas."""
    summaries, header = atlas.summaries(), atlas.header
    if json:
        print_json({"event": "atlas", "path": str(atlas.path), "agreement": header.agreement, "parts": list(summaries)})
        return
    rows = [["part", "peaks", "images", "at x, y", "R", "in D", "contribution", "most frequent in"]]
    for part in summaries:
        place = "" if part.place is None else f"{100 * part.place[0]:.0f} %, {100 * part.place[1]:.0f} %"
        rows.append(
            [
                part.title,
                str(part.peaks or ""),
                str(part.images or ""),
                place,
                "" if part.response is None else f"{part.response:.2f}",
                "" if part.strong is None else f"{100 * part.strong:.0f} %",
                "" if part.contribution is None else f"{part.contribution:+.2f}",
                ", ".join(f"{displayed_class(name)} {some}/{total}" for name, some, total in part.classes[:2]),
            ]
        )
    typer.echo(table_text(rows))
    used = [image for image in atlas.images if not image.error]
    chosen = "suggested" if header.suggested else "given"
    if header.parts_of:
        chosen = f"taken from {header.parts_of}"
    say(f"{len(used)} of {len(atlas.images)} images (split {header.split}); {header.parts} groups, {chosen}.")
    for kind, measured in header.agreement.items():
        say(
            f"Descriptors {kind}: NMI with annotated parts {measured['part']:.2f}, with classes {measured['label']:.2f}, "
            f"difference {measured['part'] - measured['label']:+.2f} ({measured['peaks']} peaks)."
        )
    if header.lost_edits:
        say(f"{header.lost_edits} earlier edits could not be applied to the new groups.")
    say(f"Compare two classes with: s3n parts compare {quoted(atlas.path)} A B")
