"""A message in lines that Airflow's log page does not cut off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.unbroken import unbroken

from airflow_provider_kafka_odps.core.journal.short_text import WIDTH, short_lines

WORD = "x" * 26

# A text, what stands before it, and how it is laid out.
EXAMPLES = [
    ("", "", ""),
    ("One line", "", "One line"),
    ("A sentence. Another one? A third", "", "A sentence.\nAnother one?\nA third"),
    ("Say mode='append'. on_gap='ignore' loads it", "", "Say mode='append'.\non_gap='ignore' loads it"),
    ("tag..desc, 1.5 and e.g. this", "", "tag..desc, 1.5 and e.g. this"),
    (f"{WORD} {WORD}; {WORD} {WORD}", "", f"{WORD} {WORD};\n  {WORD} {WORD}"),
    (f"{WORD}; {WORD}; {WORD} {WORD}", "", f"{WORD}; {WORD};\n  {WORD} {WORD}"),
    (f"{WORD} {WORD} {WORD} {WORD}", "", f"{WORD} {WORD} {WORD}\n  {WORD}"),
    (f"{WORD} {WORD} {WORD} {WORD}", "AirflowFailException: ", f"{WORD} {WORD}\n  {WORD} {WORD}"),
    (f"{WORD} {WORD} {WORD} [0, 5) and", "", f"{WORD} {WORD} {WORD}\n  [0, 5) and"),
    (f"{WORD} {WORD} {WORD} t[0]@[?, 5)", "", f"{WORD} {WORD} {WORD}\n  t[0]@[?, 5)"),
    ("x" * 200, "", "x" * 200),
    (f"see https://{'x' * 100}/a-b now", "", f"see\n  https://{'x' * 100}/a-b\n  now"),
    (
        "rejects:\n  t[0] offset 1: no. Number\n  … and 5 more",
        "",
        "rejects:\n  t[0] offset 1: no. Number\n  … and 5 more",
    ),
    (f"a:\n  - {WORD} {WORD[:25]} {WORD[:25]} {WORD}\nb", "", f"a:\n  - {WORD} {WORD[:25]} {WORD[:25]}\n    {WORD}\nb"),
    (f"bad\n  {'word ' * 30}tag..desc\n{' ' * 160}^", "", f"bad\n  {'word ' * 30}tag..desc\n{' ' * 160}^"),
    ("CREATE TABLE t (\n  `a`  STRING\n)\n\nand", "", "CREATE TABLE t (\n  `a`  STRING\n)\n\nand"),
]


@pytest.mark.parametrize(("text", "before", "laid"), EXAMPLES)
def test_how_a_message_is_laid_out(text: str, before: str, laid: str) -> None:
    """A line for each sentence, broken at clauses and words; lists, statements and marked places stay."""
    assert short_lines(text, before) == laid


@given(st.text("aB.;?=' \n[0,)\u00e9", max_size=400), st.sampled_from(["", "AirflowFailException: "]))
def test_nothing_is_lost(text: str, before: str) -> None:
    """Only white space changes, no line is too long that could be shorter, and twice is as good as once."""
    laid = short_lines(text, before)
    assert unbroken(laid) == unbroken(text)
    for line in laid.split("\n"):
        assert len(line) <= WIDTH or len(line.split()) <= len(line.split("[")) + 1
