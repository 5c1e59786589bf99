"""MaxCompute types: text, values, and the Arrow types of tunnel blocks."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidInput, TableRefused

_SIMPLE = st.sampled_from(
    [
        *["tinyint", "smallint", "int", "bigint", "float", "double", "boolean"],
        *["string", "binary", "date", "datetime", "timestamp", "json"],
    ]
).map(OdpsType)
_NUMBERED = st.one_of(
    st.integers(1, 38).flatmap(lambda p: st.integers(0, p).map(lambda s: OdpsType("decimal", (p, s)))),
    st.tuples(st.sampled_from(["varchar", "char"]), st.integers(1, 65535)).map(lambda t: OdpsType(t[0], (t[1],))),
    st.just(OdpsType("decimal")),
)
_FIELD = st.text("abcXYZ_019 .-,:<>é", min_size=1, max_size=8).filter(lambda name: " " not in name)


def _nested(inner: st.SearchStrategy[OdpsType]) -> st.SearchStrategy[OdpsType]:
    return st.one_of(
        inner.map(lambda kind: OdpsType("array", (), (("", kind),))),
        st.tuples(inner, inner).map(lambda pair: OdpsType("map", (), (("", pair[0]), ("", pair[1])))),
        st.lists(st.tuples(_FIELD, inner), min_size=1, max_size=4).map(
            lambda fields: OdpsType("struct", (), tuple(fields))
        ),
    )


@given(st.recursive(_SIMPLE | _NUMBERED, _nested, max_leaves=6))
def test_a_type_is_parsed_from_its_own_text(kind: OdpsType) -> None:
    """Printing a type and reading it gives the same type, whatever is nested in it."""
    assert OdpsType.parse(str(kind)) == kind


@pytest.mark.parametrize(
    ("text", "printed", "arrow"),
    [
        ("BIGINT", "bigint", pa.int64()),
        (" tinyint ", "tinyint", pa.int8()),
        ("smallint", "smallint", pa.int16()),
        ("int", "int", pa.int32()),
        ("Float", "float", pa.float32()),
        ("double", "double", pa.float64()),
        ("boolean", "boolean", pa.bool_()),
        ("string", "string", pa.string()),
        ("varchar(20)", "varchar(20)", pa.string()),
        ("char( 3 )", "char(3)", pa.string()),
        ("binary", "binary", pa.binary()),
        ("date", "date", pa.date32()),
        ("datetime", "datetime", pa.timestamp("ms")),
        ("timestamp", "timestamp", pa.timestamp("ns")),
        ("timestamp_ntz", "timestamp_ntz", pa.timestamp("ns")),
        ("decimal", "decimal", pa.decimal256(54, 18)),
        ("decimal(10)", "decimal(10,0)", pa.decimal128(10, 0)),
        ("DECIMAL(38, 18)", "decimal(38,18)", pa.decimal128(38, 18)),
        ("array<bigint>", "array<bigint>", pa.list_(pa.int64())),
        ("MAP<STRING, ARRAY<INT>>", "map<string,array<int>>", pa.map_(pa.string(), pa.list_(pa.int32()))),
        ("struct<a:bigint,`b`:string>", "struct<a:bigint,b:string>", pa.struct([("a", "int64"), ("b", "string")])),
    ],
)
def test_types_are_read_in_any_case_and_carried_as_arrow(text: str, printed: str, arrow: pa.DataType) -> None:
    """Each type that blocks can carry has one text and one Arrow type."""
    kind = OdpsType.parse(text)
    assert (str(kind), kind.arrow) == (printed, arrow)


@pytest.mark.parametrize(
    "text",
    [
        *["", "big int", "bigint(", "bigint(3)", "int;", "`bigint`", "array<int"],
        *["varchar", "varchar(0)", "varchar(3,4)", "char(x)"],
        *["decimal(0)", "decimal(39,0)", "decimal(10,11)", "decimal(1,1,1)", "decimal<int>"],
        *["array", "array<>", "array<int,int>", "map<int>"],
        *["struct<int>", "struct<:int>", "struct<::int>", "struct<1:int>", "struct<a:int>x"],
    ],
)
def test_what_is_no_type_is_quoted(text: str) -> None:
    """Text that is no type is refused and shown, with examples."""
    with pytest.raises(InvalidInput, match="is no MaxCompute type, such as bigint") as refused:
        OdpsType.parse(text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "writable", "in_arrow_blocks"),
    [
        ("bigint", True, True),
        ("map<string,array<decimal(10,2)>>", True, True),
        ("json", True, False),
        ("array<json>", True, False),
        ("interval_day_time", False, False),
        ("struct<a:bigint,b:interval_day_time>", False, False),
    ],
)
def test_what_blocks_carry_is_known(text: str, writable: bool, in_arrow_blocks: bool) -> None:
    """A type is known by what can carry it: Arrow blocks, record blocks, or nothing."""
    kind = OdpsType.parse(text)
    assert (kind.writable, kind.in_arrow_blocks) == (writable, in_arrow_blocks)
    if not writable:
        with pytest.raises(TableRefused, match="interval_day_time cannot be written"):
            _ = kind.arrow
