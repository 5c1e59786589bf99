"""JSON paths into columns of documents, held against Python's own JSON reader."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.mapping.arrow_sql import to_json
from airflow_provider_kafka_odps.core.mapping.conversions.json_leaves import leaf_texts
from airflow_provider_kafka_odps.core.mapping.expressions import FieldPath
from airflow_provider_kafka_odps.core.mapping.sources.json_paths import JsonReader

A = FieldPath(("a",))


class Written(str):
    """A number as it was written."""

    __slots__ = ()


def extract(documents: Sequence[str | None], *paths: FieldPath) -> tuple[list[list[str | None]], int]:
    """Return the leaves of every path, and how many documents were no object."""
    found = JsonReader(paths or (A,)).extract(pa.array(documents, pa.string()))
    return [leaf_texts(leaf).to_pylist() for leaf in found.leaves], pc.sum(found.bad).as_py() or 0


@pytest.mark.parametrize(
    ("document", "leaf"),
    [
        ('{"a": "text"}', "text"),
        ('{"a": ""}', ""),
        ('{"a": "null"}', "null"),
        ('{"a": "1.10"}', "1.10"),
        ('{"a": null}', None),
        ('{"b": 1}', None),
        ("{}", None),
        ('{"A": 1}', None),
        ('{"a": true}', "true"),
        ('{"a": [ 1, "x" ]}', '[1,"x"]'),
        ('{"a": {}}', "{}"),
        # Numbers stay as they are written.
        ('{"a": 1}', "1"),
        ('{"a": 1.0}', "1.0"),
        ('{"a": 1.10}', "1.10"),
        ('{"a":1.10}', "1.10"),
        ('{"a": 0.0000001}', "0.0000001"),
        ('{"a": 1E5}', "1E5"),
        ('{"a": 1e400}', "1e400"),
        ('{"a": -1e-400}', "-1e-400"),
        ('{"a": 18446744073709551616}', "18446744073709551616"),
        ('{"a": -9223372036854775809}', "-9223372036854775809"),
        ('{"a": 0.30000000000000001}', "0.30000000000000001"),
        ('{"a": 9007199254740993.5}', "9007199254740993.5"),
        ('{"a": [1.10, 1e400, {"b": 2.50}]}', '[1.10,1e400,{"b":2.50}]'),
        # Text is text: escapes are read, NUL is a character.
        (r'{"a": "\u00e9\n\ud83d\ude00\u0000"}', "é\n😀\x00"),
        (r'{"\u0061": 1}', "1"),
        # Its name is escaped, and another field's is not.
        (r'{"b": {"a": 1.10}, "\u0061": 2.20}', "2.20"),
        (r'{"b": {"a": 1.10}, "\u0061" : 2e0}', "2e0"),
        # Of several fields of one name the first counts, also where a number is read again; nested ones all stay.
        ('{"a": 1, "a": 2}', "1"),
        ('{"a": 1.10, "a": 2.20}', "1.10"),
        ('{"a": {"x": 1.10, "x": 2}}', '{"x":1.10,"x":2}'),
        (' {"a": 1}\n', "1"),
    ],
)
def test_leaves_are_read_as_they_are_written(document: str, leaf: str | None) -> None:
    """A leaf is its text: nothing is rounded, reprinted or decoded twice; an object without it gives NULL."""
    assert extract([document]) == ([[leaf]], 0)


@pytest.mark.parametrize(
    "document",
    [
        *["", " ", "5", '"a"', "[1]", '[{"a": 1}]', "null", "true", "{", '{"a": 1}x', '{"a": 01}', "{a: 1}"],
        *['{"a": "\\x"}', r'{"a": "\ud800"}', '\ufeff{"a": 1}', '{"a": "\x00"}'],
    ],
    ids=repr,
)
def test_what_is_no_object_is_null_and_counted(document: str) -> None:
    """A value that is no JSON object is a row with NULL, is counted, and does no harm to its neighbours."""
    assert extract(['{"a": 1}', document, None, '{"a": 2}']) == ([["1", None, None, "2"]], 1)


@pytest.mark.parametrize(
    "name",
    [
        "é",
        "订单",
        "😀",
        "a-b",
        "#",
        "?",
        "0",
        "@id",
        "a%b",
        ";--",
        "a|b",
        "`",
        "a/b",
        "a=b",
        "~",
        "\u200b",
        "-1",
        "#-1",
    ],
)
def test_names_are_names_whatever_they_are_made_of(name: str) -> None:
    """No character of a field's name means anything else to what looks it up."""
    documents = [json.dumps({name: 1}, ensure_ascii=escaped) for escaped in (True, False)]
    deeper = json.dumps({"x": {name: {"y": 2}}})
    assert extract([*documents, "[7, 8]"], FieldPath((name,))) == ([["1", "1", None]], 1)
    assert extract([deeper, '{"x": [7, 8]}'], FieldPath(("x", name, "y"))) == ([["2", None]], 0)


def test_all_paths_are_read_at_once() -> None:
    """Each path has its column, in the order of the paths."""
    documents = ['{"a": {"b": 1}, "c": 2}', '{"c": 3}', "x"]
    found = extract(documents, FieldPath(("c",)), FieldPath(("a", "b")), A)
    assert found == ([["2", "3", None], ["1", None, None], ['{"b":1}', None, None]], 1)


def test_empty_and_null_columns_are_read() -> None:
    """A column without rows, and one without values, have leaves of the right type."""
    for documents in ([], [None, None]):
        found = JsonReader([A]).extract(pa.array(documents, pa.string()))
        assert (found.leaves[0].type, found.leaves[0].to_pylist()) == (pa.string(), documents)
        assert found.bad.to_pylist() == [False] * len(documents)


def test_deep_documents_are_read() -> None:
    """Nesting that Python's reader gives up on is no error."""
    deep = "[" * 20_000 + "1.10" + "]" * 20_000
    (leaf,), not_json = extract([f'{{"a": {deep}, "b": 1}}'], FieldPath(("b",)))
    assert (leaf, not_json) in ((["1"], 0), ([None], 1))


@pytest.mark.parametrize("before", range(4))
def test_a_long_text_that_is_no_json_is_counted_in_any_language(before: int) -> None:
    """Wherever DuckDB cuts a document to quote it in its message: within a character, too."""
    text = "x" * before + "中文é" * 100
    for document in (text, f'{{"a": "{text}'):
        assert extract([document, '{"a": 1}'], FieldPath(("a",))) == ([[None, "1"]], 1)


def test_threads_do_not_meet() -> None:
    """Readers in several threads each see their own batch."""

    def read(number: int) -> bool:
        documents = [json.dumps({"a": f"{number}-{row}"}) for row in range(500)]
        return extract(documents)[0][0] == [f"{number}-{row}" for row in range(500)]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(40)))


def test_nested_columns_become_json() -> None:
    """A list of pairs is printed as JSON, with its nulls, escapes and order."""
    pairs = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
    headers = [[{"key": "k", "value": None}, {"key": "k", "value": '"\x00é'}], [], None]
    assert to_json(pa.array(headers, pairs)).to_pylist() == [
        '[{"key":"k","value":null},{"key":"k","value":"\\"\\u0000é"}]',
        "[]",
        None,
    ]


_NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True).filter(
    lambda text: text != "-0"
)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_LEAVES = st.one_of(_NUMBERS, _TEXTS.map(json.dumps), st.sampled_from(["null", "true", "false"]))
_SPACE = st.sampled_from(["", " ", "\n\t"])
_FIELDS = st.one_of(st.sampled_from(["a", "b", "é"]), _TEXTS)


def _around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.tuples(st.lists(inner, max_size=3), _SPACE).map(lambda pair: f"[{f'{pair[1]},'.join(pair[0])}]")
    field = st.tuples(_FIELDS, _SPACE, inner).map(lambda triple: f"{json.dumps(triple[0])}:{triple[1]}{triple[2]}")
    objects = st.tuples(st.lists(field, max_size=4), _SPACE).map(lambda pair: f"{{{f',{pair[1]}'.join(pair[0])}}}")
    return lists | objects


_DOCUMENTS = st.recursive(_LEAVES, _around, max_leaves=12)


def _read(document: str) -> Any:
    return json.loads(document, parse_int=Written, parse_float=Written, object_pairs_hook=tuple)


def _expected(document: str, path: FieldPath) -> Any:
    node = _read(document)
    for name in path.steps:
        fields = node if isinstance(node, tuple) else ()
        node = next((inner for field, inner in fields if field == name), None)
    return node


@given(st.lists(_DOCUMENTS | _TEXTS.filter(lambda text: not text.strip().startswith("{")), min_size=1, max_size=6))
def test_leaves_are_what_pythons_reader_says(documents: list[str]) -> None:
    """Whatever the documents, each leaf is the one that a slow reader finds, with numbers as they were written."""
    paths = [A, FieldPath(("é", "a")), FieldPath(("a", "b"))]
    padded = pa.array([None, *documents], pa.string())
    leaves = JsonReader(paths).extract(padded.slice(1)).leaves
    for path, leaf in zip(paths, leaves, strict=True):
        for document, found in zip(documents, leaf_texts(leaf).to_pylist(), strict=True):
            try:
                expected = _expected(document, path)
            except ValueError:
                expected = None
            match expected:
                case None | str():
                    assert found == expected
                case bool():
                    assert found == json.dumps(expected)
                case _:
                    assert _read(found) == expected


@pytest.mark.parametrize(
    "lenient",
    [
        '{"a":1,}',
        '{"a":[1 ,\n]}',
        '{"a": NaN}',
        '{"a":[nan,1]}',
        '{"a":[1, -Infinity]}',
        '{"b":INF}',
        '{"a":{"x":\t-inf }}',
        '{"a":[ NaN]}',
        "[NaN]",
    ],
)
def test_what_only_duckdb_reads_is_found_among_others(lenient: str) -> None:
    """One document that is no JSON is found wherever it stands in a column, or in a part of one, and it alone."""
    documents = ['{"a":1}', None, '{"a":2}', lenient, '{"a":3}', None]
    column = pa.array(documents, pa.string())
    for start, end in ((0, 6), (2, 6), (3, 4), (1, 4), (0, 3), (4, 6), (0, 0), (1, 2)):
        bad = JsonReader([A]).extract(column[start:end]).bad.to_pylist()
        assert bad == [document == lenient for document in documents[start:end]]
