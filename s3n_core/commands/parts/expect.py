"""`s3n parts expect`: which part a person expects to tell two classes apart, written down before the answer is seen."""

from __future__ import annotations

from typing import Annotated

import typer

from s3n_core.commands.arguments import JsonOption
from s3n_core.commands.failures import say
from s3n_core.commands.parts.opened_atlas import AtlasArgument
from s3n_core.commands.progress import print_json
from s3n_core.commands.text_tables import table_text
from s3n_core.datasets.records import displayed_class


def expect(
    atlas: AtlasArgument,
    a: Annotated[str | None, typer.Argument(metavar="[A]", help="A class.")] = None,
    b: Annotated[str | None, typer.Argument(metavar="[B]", help="Another class, or - for all others.")] = None,
    mark: Annotated[
        str | None, typer.Argument(metavar="[MARK]", help="The part that you expect to tell them apart.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write down which part you expect to tell two classes apart, before you see the answer; without classes, count agreement.

    It agrees if the part that hiding costs most (in the comparison that the atlas keeps) has the expected name.

    Example: s3n parts expect atlas "Frost tailed Willowling" "Bibbed Willowling" throat
    """
    from s3n_core.parts.atlas.atlas import Atlas
    from s3n_core.parts.comparison.expectations import agreement_sentence, expectations
    from s3n_core.parts.comparison.expectations import expect as write_expectation

    opened = Atlas(atlas)
    if a is not None:
        if b is None or mark is None:
            raise typer.BadParameter("name two classes (- for all others) and the part, or nothing.")
        written = write_expectation(opened, a, None if b == "-" else b, mark)
        say("Written before the answer." if written.before else "Written after the answer: it is counted apart.")
    found = expectations(opened)
    if json:
        print_json({"event": "expectations", "expectations": found, "sentence": agreement_sentence(found)})
        return
    if found:
        rows = [["A", "B", "expected", "answer", "agrees", "written"]]
        for one in found:
            said = one.expectation
            rows.append(
                [
                    displayed_class(said.a),
                    "all others" if said.b is None else displayed_class(said.b),
                    said.mark,
                    {None: "", "": "no part"}.get(one.answer, one.answer or ""),
                    {None: "", True: "yes", False: "no"}[one.agrees],
                    "before" if said.before else "after",
                ]
            )
        typer.echo(table_text(rows))
    typer.echo(agreement_sentence(found))
