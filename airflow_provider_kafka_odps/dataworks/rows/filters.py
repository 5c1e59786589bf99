r"""``dx_filter`` of DataX as a condition of the operator's ``where``: what it leaves out, the condition does not keep.

| the transformer leaves out | kept is | NULL there |
|---|---|---|
| ``=`` a | ``x IS NULL OR x <> 'a'`` | stays |
| ``!=`` a | ``x = 'a'`` | goes |
| ``>`` a | ``x IS NULL OR x <= 'a'``; so ``<``, ``>=``, ``<=`` | stays |
| ``=`` null, ``!=`` null | ``x <> 'null'``, ``x IS NULL OR x = 'null'`` | goes, stays |
| ``like`` regex | what the regular expression leaves of x is NULL | stays |
| ``not like`` regex | it is not | goes |

DataX compares by the class of each value: numbers by their size, texts and booleans by their letters. A value that it
cannot compare, such as a number with ``abc``, is a dirty record; here it is a reject, because the condition cannot
tell.
"""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_kafka_odps.dataworks.rows.change import Filter, argument
from airflow_provider_kafka_odps.dataworks.rows.constants import Constant
from airflow_provider_kafka_odps.dataworks.rows.java_regex import Untranslatable, to_whole_re2
from airflow_provider_kafka_odps.dataworks.rows.sources import Holds, ReaderColumn, in_sql
from airflow_provider_kafka_odps.dataworks.settings import Render, Settings
from airflow_provider_kafka_odps.exceptions import InvalidJob

_KEPT = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "=": "<>", "!=": "="}
"""What is kept of values that are compared, by what is left out."""


_CODES = ("like", "not like", *_KEPT)


_WORDS = ("true", "false")
"""Texts that a boolean is, too."""


def dx_filter(parameter: Settings, index: int, column: ReaderColumn, paras: Sequence[str], render: Render) -> Filter:
    """Return the condition of what a ``dx_filter`` leaves in.

    Raises InvalidJob for one that cannot be done exactly.
    """
    where = parameter.where
    if len(paras) != len(("code", "value")):
        raise InvalidJob(f"{where}.paras has {len(paras)} entries; dx_filter takes code, value")
    code = {"==": "="}.get(paras[0].lower(), paras[0].lower())
    if code not in _CODES:
        raise InvalidJob(f"{where}.paras[0] is {paras[0]!r}; known are {', '.join(_CODES)}")
    if not paras[1]:
        raise InvalidJob(f"{where}.paras[1] is empty; dx_filter compares with something")
    if "\r" in str(paras[1]):
        raise InvalidJob(f"{where}.paras[1] has a carriage return, of which Airflow's templates make a line feed")
    if column.holds in (Holds.CONSTANT, Holds.HEADERS):
        raise InvalidJob(f"{where} compares {column.text} with something, and it has {column.holds}{_take_out(where)}")
    if code in ("like", "not like"):
        keeps, minds_empty = _matched(where, code, column, paras[1])
        differs = ""
    else:
        constant = Constant(paras[1], f"{where}.paras[1]", render)
        keeps, differs = _compared(code, column, constant)
        minds_empty = column.textual and (code in ("<", "<=") or (constant.is_null and code in ("=", "!=")))
    goes = code == "not like" or code == ("=" if paras[1].lower() == "null" else "!=")
    there = f"leaves out records by {code} {paras[1]}; one without a value {'goes' if goes else 'stays'}."
    return Filter(where, index, keeps, there, differs, minds_empty)


def _take_out(where: str) -> str:
    return f". Take {where} out of the job, and write where= of the operator (docs: Column mapping, Filters)"


def _matched(where: str, code: str, column: ReaderColumn, pattern: str) -> tuple[str, bool]:
    """Return what a regular expression of Java leaves, which has to match a whole text; and whether it may be empty."""
    if not column.textual:
        raise InvalidJob(f"{where} matches {column.text} as a text, and it has {column.holds}{_take_out(where)}")
    try:
        made, empty = to_whole_re2(pattern)
    except Untranslatable as reason:
        raise InvalidJob(
            f"{where}.paras[1]: {pattern!r} cannot be done exactly by the regular expressions of RE2: {reason}"
            f"{_take_out(where)}, such as {column.compared} NOT LIKE 'a%'"
        ) from None
    found, text = whole(column, made), f"{column.compared} | substr(0)"
    if code == "like":
        return f"{found} IS NULL" + f" AND ({column.compared} IS NULL OR {text} <> '')" * empty, empty
    return f"{found} IS NOT NULL" + f" OR {text} = ''" * empty, empty


def whole(column: ReaderColumn, pattern: str) -> str:
    """Return a source that is NULL where the text of a column is empty, or is not matched by a pattern of RE2."""
    quoted = in_sql(argument(rf"(?s)\A({pattern})\z|.+", "", lambda text, _: text))
    return rf"{column.compared} | replace_regex({quoted}, '\1') | null_if('')"


def _compared(code: str, column: ReaderColumn, constant: Constant) -> tuple[str, str]:
    match column.holds:
        case Holds.WHOLE | Holds.FRACTION:
            written = constant.whole() if column.holds is Holds.WHOLE else constant.number()
            return _kept(column.compared, code, written), ""
        case Holds.MOMENT:
            return _kept(column.compared, code, constant.moment()), ""
        case Holds.JSON:
            return _of_json(code, column, constant)
        case _:
            return _of_texts(column.compared, code, constant), ""


def _kept(source: str, code: str, literal: str) -> str:
    condition = f"{source} {_KEPT[code]} {literal}"
    return condition if code == "!=" else f"{source} IS NULL OR {condition}"


def _of_texts(source: str, code: str, constant: Constant) -> str:
    if constant.is_null and code in ("=", "!="):
        condition = f"{source} {_KEPT[code]} {constant.text()}"
        return condition if code == "=" else f"{source} IS NULL OR {condition}"
    return _kept(source, code, constant.text() if code in ("=", "!=") else constant.ordered())


_OTHERS = "values of other kinds, which are compared by their letters or are dirty records there, are rejects here."


def _of_json(code: str, column: ReaderColumn, constant: Constant) -> tuple[str, str]:
    """Return the condition for values that are numbers, texts, or something else, each by its own kind."""
    equality = code in ("=", "!=")
    if equality and (constant.is_null or constant.lowered in _WORDS):
        # Booleans are compared by their letters, as texts are.
        text = f"{column.compared} | substr(0)"
        return _of_texts(text, code, constant), "numbers are dirty records there, and differ from it here."
    if not constant.is_number:
        return _of_texts(column.compared, code, constant), _OTHERS
    if not equality:
        return _kept(column.compared, code, constant.number()), f"numbers are compared as decimals; {_OTHERS}"
    same = f"{column.compared} | substr(0) = {constant.text()}"
    other = f"{whole(column, constant.spellings())} IS NOT NULL AND {column.compared} = {constant.number()}"
    equal = f"{same} OR {other}"
    differs = (
        "a text that is the same number, written otherwise, differs from it there, and is a reject here; so is a whole "
        "number that is compared with a fraction a dirty record there, and differs from it here."
    )
    return (equal if code == "!=" else f"{column.compared} IS NULL OR NOT ({equal})"), differs
