"""`s3n backbones`: which backbones there are, and where their pretrained weights are."""

from __future__ import annotations

from typing import Annotated

import typer

from s3n_core.commands.arguments import JsonOption
from s3n_core.commands.number_options import whole
from s3n_core.commands.progress import print_json
from s3n_core.commands.text_tables import table_text

HELP = """List backbones and their pretrained weights, or describe one.

Nothing is downloaded. With the package timm, --search finds its networks, too, by words of their names.

Examples: s3n backbones; s3n backbones --search "convnext tiny"; s3n backbones timm:convnext_tiny.fb_in22k
"""


def backbones(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A backbone to describe.")] = None,
    search: Annotated[
        str | None, typer.Option("--search", metavar="WORDS", help="List those whose names hold all these words.")
    ] = None,
    size: Annotated[int, typer.Option("--size", metavar="PX", parser=whole(32, 2048), help="Side of the input.")] = 224,
    json: JsonOption = False,
) -> None:
    """List or describe backbones."""
    from s3n_core.method.backbone_catalogue import backbone_names, describe, entry_of
    from s3n_core.method.backbone_sizes import PATCH_TOKENS, tokens_sentence
    from s3n_core.method.configuration import BACKBONES

    if name is not None:
        found = describe(name, size)
        if json:
            print_json(found)
            return
        entry = found.entry
        typer.echo(f"{entry.name}: {found.parameters / 1e6:.1f} million weights, {found.channels} channels")
        typer.echo(f"{found.cells} x {found.cells} cells of {found.stride} pixels at {size} pixels")
        if found.tokens:
            typer.echo(tokens_sentence(name))
        typer.echo(_weights(entry.size, entry.file, entry.place))
        if found.sha256:
            typer.echo(f"SHA-256 {found.sha256}")
        if found.sentence:
            typer.echo(found.sentence)
        return
    names = backbone_names(search or "")
    if search is None and not json:
        names = tuple(BACKBONES)
    entries = [entry_of(each) for each in names]
    if json:
        print_json(entries)
        return
    if not entries:
        typer.echo(f"No backbone's name holds {search!r}.")
        return
    head = ("backbone", "licence", "weights, million", "stride", "cells", "input", "pretrained weights")
    rows = [
        (
            each.name,
            each.licence,
            "" if each.parameters is None else f"{each.parameters / 1e6:.1f}",
            "" if each.stride is None else str(each.stride),
            "patch tokens" if each.tokens else "",
            str(each.input_size),
            _weights(each.size, each.file, each.place),
        )
        for each in entries
    ]
    typer.echo(table_text([head, *rows], left=len(head)))
    if any(each.tokens for each in entries):
        typer.echo("")
        typer.echo(PATCH_TOKENS)


def _weights(size: int | None, file: str, place: str) -> str:
    if size is not None:
        return f"{size / 1e6:.1f} MB in {file}"
    return f"not here; from {place}" if place else "none"
