"""Tables of the command line: aligned in every script, complete in a pipe, and never interpreted as markup."""

from __future__ import annotations

from s3n_core.commands.text_tables import table_text


def test_columns_stand_below_one_another_for_wide_letters_and_marks() -> None:
    rows = [("Class", "Images"), ("鳥", "20"), ("e\N{COMBINING ACUTE ACCENT}te\N{COMBINING ACUTE ACCENT}", "7")]
    assert table_text(rows) == "Class  Images\n鳥         20\ne\u0301te\u0301         7"
    assert table_text(rows, left=2) == "Class  Images\n鳥     20\ne\u0301te\u0301    7"


def test_nothing_is_wrapped_cut_or_taken_for_markup() -> None:
    name = "[red]" + "x" * 500
    assert table_text([("name", "epoch"), (name, "1/2")], left=2).splitlines()[1] == f"{name}  1/2"
