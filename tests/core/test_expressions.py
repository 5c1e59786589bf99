"""Source expressions and the positions in their errors."""

import pytest

from airflow_provider_kafka_odps.core.expressions import Constant, Expression, JsonPath, Part, parse_expression
from airflow_provider_kafka_odps.exceptions import InvalidExpression, InvalidInput


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        *[(f"__{part}__", part) for part in Part],
        ("''", Constant("")),
        ("'abc'", Constant("abc")),
        (r"'it\'s \\'", Constant("it's \\")),
        ("'__key__'", Constant("__key__")),
        ("a", JsonPath(("a",))),
        ("tag.desc.x", JsonPath(("tag", "desc", "x"))),
        ("订单.编号", JsonPath(("订单", "编号"))),
        ("a-b.@id.#.0", JsonPath(("a-b", "@id", "#", "0"))),
        ("__typename", JsonPath(("__typename",))),
    ],
)
def test_expressions_are_read(text: str, expression: Expression) -> None:
    """Parts, constants and paths are told apart by how they are written."""
    assert parse_expression(text) == expression


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ("", 0, "a field's name is wanted"),
        (" a", 0, "a field's name is wanted"),
        ("a b", 1, "a . or the end must follow"),
        ("a..b", 2, "a field's name is wanted"),
        ("a.", 2, "a field's name is wanted"),
        ("items[0]", 5, "a . or the end must follow"),
        ('a"b', 1, "a . or the end must follow"),
        ("a\x00b", 1, "a . or the end must follow"),
        ("$.a", 0, "a field's name is wanted"),
        ("'abc", 4, "closing ' is missing"),
        ("'", 1, "closing ' is missing"),
        ("'a'b", 3, "the constant ends before this"),
        (r"'a\n'", 3, "after a backslash"),
        ("'a\\", 3, "after a backslash"),
        ("__value", None, None),
        ("__valu__", 2, "no such part of a record; there are __key__ __value__"),
        ("___key___", 2, "no such part"),
        ("____", 2, "no such part"),
        ("__key__.id", 7, "paths lead into the value"),
    ],
    ids=repr,
)
def test_a_bad_expression_is_marked_where_it_is_bad(text: str, position: int | None, problem: str | None) -> None:
    """The message quotes the expression, says what is wrong, and marks the position."""
    if position is None:
        assert parse_expression(text) == JsonPath((text,))
        return
    with pytest.raises(InvalidExpression, match=problem) as refused:
        parse_expression(text)
    assert refused.value.position == position
    assert str(refused.value).endswith(f"\n  {text}\n  {' ' * position}^")


@pytest.mark.parametrize("names", [(), ("",), ('a"',), ("a'",), ("a\\",), ("a.b",), ("a\x00",), ("$",)], ids=repr)
def test_a_path_refuses_names_that_would_be_more_than_names(names: tuple[str, ...]) -> None:
    """No path can carry quotes or separators into a statement, however it was made."""
    with pytest.raises(InvalidInput, match="no path of field names"):
        JsonPath(names)
