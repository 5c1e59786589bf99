"""The transformers of DataX, each as functions behind the source of its column.

| transformer | functions | where they differ |
|---|---|---|
| ``dx_substr`` start, length | ``substr`` | a value shorter than start is a dirty record there, and empty here |
| ``dx_pad`` l or r, length, text | ``substr``, ``default('')``, ``pad`` or ``pad_right`` | |
| ``dx_replace`` start, length, text | ``replace_regex`` | a value shorter than start is a dirty record there |
| ``dx_digest`` md5, toUpperCase or toLowerCase | ``default('')``, ``md5``, ``upper`` | |
| ``dx_filter`` | none, but a condition: see ``filters`` | |

All count characters; Java counts one beyond U+FFFF, such as an emoji, as two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from airflow_provider_kafka_odps.dataworks.parts import Step, refuse_unknown
from airflow_provider_kafka_odps.dataworks.rows.change import Change, Filter, argument
from airflow_provider_kafka_odps.dataworks.rows.filters import dx_filter
from airflow_provider_kafka_odps.dataworks.rows.java_regex import literal_rewrite
from airflow_provider_kafka_odps.dataworks.rows.sources import ReaderColumn
from airflow_provider_kafka_odps.dataworks.settings import Render, Settings
from airflow_provider_kafka_odps.exceptions import InvalidJob

_LONGEST_PAD = 10_000


_LONGEST_REPEAT = 1000
"""What RE2 repeats at most."""


_FILTER = "dx_filter"


_SURROGATES = "a character beyond U+FFFF, such as an emoji, counts as one here and as two there."


@dataclass(frozen=True, slots=True)
class _Given:
    """One transformer, as it is written."""

    kind: str
    where: str
    paras: tuple[str, ...]
    column: ReaderColumn
    render: Render

    def paras_of(self, *names: str) -> tuple[str, ...]:
        """Return the paras; raise InvalidJob for another number of them."""
        if len(self.paras) != len(names):
            raise InvalidJob(f"{self.where}.paras has {len(self.paras)} entries; {self.kind} takes {', '.join(names)}")
        return self.paras

    def whole(self, number: int, most: int | None = None) -> int:
        """Return one of the paras as a number of characters; raise InvalidJob if it is none, or too large for here."""
        text = self.paras[number]
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise InvalidJob(f"{self.where}.paras[{number}] is {text!r}; a number of characters is wanted, 0 or more")
        if most is not None and int(text) > most:
            raise InvalidJob(f"{self.where}.paras[{number}] is {text}; at most {most} can be done by this operator")
        return int(text)

    @property
    def never_null(self) -> tuple[str, ...]:
        """What makes an empty text of NULL, as DataX does before it pads or digests."""
        if self.column.number:
            # Such a key may be missing, and `default` wants a value of its kind: so it is a text first.
            return ("substr(0)", "default('')")
        return ("default('')",)


def transformer(step: Step, columns: Sequence[ReaderColumn], render: Render) -> Change | Filter:
    """Return what a transformer does to its column, or which records it leaves out.

    Raises InvalidJob for one that has no exact counterpart.
    """
    where = step.parameter.where
    if step.kind not in (*_TRANSFORMERS, _FILTER):
        raise InvalidJob(
            f"{where} has no counterpart here, and may change rows; known are {', '.join((*_TRANSFORMERS, _FILTER))}. "
            "Do the same in SQL behind the load, or take it out and write functions behind the columns of the operator"
        )
    index = step.parameter.whole("columnIndex")
    if index is None or not 0 <= index < len(columns):
        raise InvalidJob(f"{where}.columnIndex is {index}; the reader has columns 0 to {len(columns) - 1}")
    paras = _paras(step.parameter)
    refuse_unknown(step.parameter.unknown(), "; a transformer has columnIndex and paras")
    if step.kind == _FILTER:
        return dx_filter(step.parameter, index, columns[index], paras, render)
    calls, there, differs = _TRANSFORMERS[step.kind](_Given(step.kind, where, paras, columns[index], render))
    return Change(where, index, calls, there, differs)


def _paras(parameter: Settings) -> tuple[str, ...]:
    paras = parameter.value("paras")
    if not isinstance(paras, list) or not all(isinstance(each, str | int) for each in paras):
        raise InvalidJob(f"{parameter.where}.paras is no list of texts")
    return tuple(map(str, paras))


def _substr(given: _Given) -> tuple[tuple[str, ...], str, str]:
    given.paras_of("start", "length")
    start, length = given.whole(0), given.whole(1)
    short = f"a value of less than {start} characters becomes empty here; " if start else ""
    return (
        (f"substr({start}, {length})",),
        "keeps a part of the value; NULL stays NULL, and a value that ends before the part is a dirty record.",
        short + _SURROGATES,
    )


def _pad(given: _Given) -> tuple[tuple[str, ...], str, str]:
    side, _, padding = given.paras_of("l or r", "length", "padding")
    length = given.whole(1, _LONGEST_PAD)
    function = {"l": "pad", "r": "pad_right"}.get(side.lower())
    if function is None:
        raise InvalidJob(f"{given.where}.paras[0] is {side!r}; l or r is wanted")
    if len(set(padding)) != 1:
        raise InvalidJob(
            f"{given.where}.paras[2] is {padding!r}; only one character, again and again, can be done by this operator"
        )
    character = argument(padding[0], given.where, given.render)
    return (
        (f"substr(0, {length})", "default('')", f"{function}({length}, {character})"),
        "pads or cuts the value to a length; NULL becomes nothing but padding.",
        _SURROGATES,
    )


def _replace(given: _Given) -> tuple[tuple[str, ...], str, str]:
    *_, new = given.paras_of("start", "length", "text")
    start, length = given.whole(0, _LONGEST_REPEAT), given.whole(1, _LONGEST_REPEAT)
    rewrite = argument(f"\\1{literal_rewrite(new)}", given.where, given.render)
    pattern = f"(?s)\\\\A(.{{0,{start}}}).{{0,{length}}}"
    short = f"a value of less than {start} characters gets the new text behind it here; " if start else ""
    return (
        (f"replace_regex('{pattern}', {rewrite})",),
        "puts a text in place of a part of the value; NULL stays NULL, and one that ends before it is a dirty record.",
        short + _SURROGATES,
    )


def _digest(given: _Given) -> tuple[tuple[str, ...], str, str]:
    kind, case = given.paras_of("md5", "toUpperCase or toLowerCase")
    if kind != "md5":
        raise InvalidJob(
            f"{given.where}.paras[0] is {kind!r}; only 'md5' can be done by this operator (DataX digests by SHA-1 "
            "whatever is not written exactly so)"
        )
    if case not in ("toUpperCase", "toLowerCase"):
        raise InvalidJob(f"{given.where}.paras[1] is {case!r}; toUpperCase or toLowerCase is wanted")
    upper = ("upper",) if case == "toUpperCase" else ()
    return (*given.never_null, "md5", *upper), "digests the value; NULL is digested as the empty text.", ""


_TRANSFORMERS: Mapping[str, Callable[[_Given], tuple[tuple[str, ...], str, str]]] = {
    "dx_substr": _substr,
    "dx_pad": _pad,
    "dx_replace": _replace,
    "dx_digest": _digest,
}
