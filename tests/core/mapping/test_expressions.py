"""Source expressions and the positions in their errors."""

import pytest

from airflow_provider_kafka_odps.core.mapping.expressions import (
    Constant,
    Expression,
    FieldPath,
    Header,
    Part,
    Rest,
    parse_expression,
)
from airflow_provider_kafka_odps.exceptions import InvalidExpression, InvalidInput


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        *[(f"__{part}__", part) for part in Part],
        ("''", Constant("")),
        ("'abc'", Constant("abc")),
        (r"'it\'s \\'", Constant("it's \\")),
        ("'__key__'", Constant("__key__")),
        ("*", Rest()),
        ("a", FieldPath(("a",))),
        ("tag.desc.x", FieldPath(("tag", "desc", "x"))),
        ("订单.编号", FieldPath(("订单", "编号"))),
        ("a-b.@id.#.0", FieldPath(("a-b", "@id", "#", "0"))),
        ("__typename", FieldPath(("__typename",))),
        ("a[0].b", FieldPath(("a", 0, "b"))),
        ("a[0][12]", FieldPath(("a", 0, 12))),
        ("[0].a", FieldPath((0, "a"))),
        ("a['odd.name']", FieldPath(("a", "odd.name"))),
        (r"['it\'s \\ ']['*'].b['']", FieldPath(("it's \\ ", "*", "b", ""))),
        ("__key__.id", FieldPath(("id",), Part.KEY)),
        ("__key__[0]", FieldPath((0,), Part.KEY)),
        ("__value__.a.b", FieldPath(("a", "b"))),
        ("__value__['__key__']", FieldPath(("__key__",))),
        ("__headers__.trace-id", Header("trace-id")),
        ("__headers__['odd name']", Header("odd name")),
    ],
)
def test_expressions_are_read(text: str, expression: Expression) -> None:
    """Parts, constants, headers and paths are told apart by how they are written."""
    assert parse_expression(text) == expression


@pytest.mark.parametrize("text", ["a", "a.b", "a[0].b", "a['odd.name']", r"['it\'s \\']", "[3][0]", "['']"])
def test_a_path_prints_as_it_is_written(text: str) -> None:
    """A path in a message can be copied back into a mapping."""
    assert str(parse_expression(text)) == text


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ("", 0, "a field's name is wanted"),
        (" a", 0, "a field's name is wanted"),
        ("a b", 1, "a . or \\[ or the end must follow"),
        ("a..b", 2, "a field's name is wanted"),
        ("a.", 2, "a field's name is wanted"),
        ("a*", 1, "a . or \\[ or the end must follow"),
        ('a"b', 1, "a . or \\[ or the end must follow"),
        ("a\x00b", 1, "a . or \\[ or the end must follow"),
        ("$.a", 0, "a field's name is wanted"),
        ("a[", 2, "an index from 0 or a quoted name"),
        ("a[-1]", 2, "an index from 0 or a quoted name"),
        ("a[*]", 2, "an index from 0 or a quoted name"),
        ("a[b]", 2, "an index from 0 or a quoted name"),
        ("a[0", 3, "closing ] is missing"),
        ("a[1x]", 3, "closing ] is missing"),
        ("a['b'", 5, "closing ] is missing"),
        ("a['b]", 5, "closing ' is missing"),
        ("a['b\nc']", 4, "no control characters"),
        ("a[0]b", 4, "a . or \\[ or the end must follow"),
        ("'abc", 4, "closing ' is missing"),
        ("'", 1, "closing ' is missing"),
        ("'a'b", 3, "the constant ends before this"),
        (r"'a\n'", 3, "after a backslash"),
        ("'a\\", 3, "after a backslash"),
        ("__valu__", 2, "no such part of a record; there are __key__ __value__"),
        ("__valu__.a", 2, "no such part of a record"),
        ("___key___", 2, "no such part"),
        ("____", 2, "no such part"),
        ("__offset__.id", 10, "__offset__ has no fields; __key__, __value__ and __headers__ have"),
        ("__topic__[0]", 9, "__topic__ has no fields"),
        ("__headers__[0]", 11, "one header is wanted here"),
        ("__headers__.a.b", 11, "one header is wanted here"),
        ("__key__.", 8, "a field's name is wanted"),
    ],
    ids=repr,
)
def test_a_bad_expression_is_marked_where_it_is_bad(text: str, position: int, problem: str) -> None:
    """The message quotes the expression, says what is wrong, and marks the position."""
    with pytest.raises(InvalidExpression, match=problem) as refused:
        parse_expression(text)
    assert refused.value.position == position
    assert str(refused.value).endswith(f"\n  {text}\n  {' ' * position}^")


@pytest.mark.parametrize(
    ("steps", "root"),
    [((), Part.VALUE), ((-1,), Part.VALUE), (("a\x00",), Part.VALUE), (("a",), Part.OFFSET)],
    ids=repr,
)
def test_a_path_refuses_steps_that_lead_nowhere(steps: tuple[str | int, ...], root: Part) -> None:
    """No path has control characters or negative indexes, or leads into what has no fields."""
    with pytest.raises(InvalidInput, match="no path of field names"):
        FieldPath(steps, root)
