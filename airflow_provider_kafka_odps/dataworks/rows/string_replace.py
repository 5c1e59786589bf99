"""The string replacement of DataWorks: texts, and regular expressions of Java, put in place of others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from airflow_provider_kafka_odps.dataworks.parts import Step, refuse_unknown
from airflow_provider_kafka_odps.dataworks.refusals import Refusals
from airflow_provider_kafka_odps.dataworks.rows.change import Change, argument
from airflow_provider_kafka_odps.dataworks.rows.java_regex import (
    Untranslatable,
    literal,
    literal_rewrite,
    to_re2,
    to_rewrite,
)
from airflow_provider_kafka_odps.dataworks.rows.sources import ReaderColumn
from airflow_provider_kafka_odps.dataworks.settings import Render, Settings
from airflow_provider_kafka_odps.dataworks.variables import has_variables
from airflow_provider_kafka_odps.exceptions import InvalidJob

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\", '"': '"', "'": "'"}


def string_replace(step: Step, columns: Sequence[ReaderColumn], render: Render) -> Iterator[Change]:
    """Yield what each rule of the step does to its column, in their order.

    Raises InvalidJob for a rule that cannot be done exactly.
    """
    where = step.parameter.where
    rules = step.parameter.value("condition")
    refuse_unknown(step.parameter.unknown(), "; a string replacement has 'condition'")
    if not isinstance(rules, list):
        raise InvalidJob(f"{where}.condition is no list of rules")
    refusals = Refusals()
    for number, each in enumerate(rules):
        yield from refusals.asked(_rule, f"{where}.condition[{number}]", each, columns, render) or ()
    refusals.raise_any()


def _rule(where: str, written: object, columns: Sequence[ReaderColumn], render: Render) -> list[Change]:
    """Return what one rule does: to one column, or to those that have the same name."""
    rule = Settings(where, written)
    call = _call(rule, render)
    name = render(rule.text("name") or "", where)
    refuse_unknown(rule.unknown())
    changed = [index for index, column in enumerate(columns) if column.text == name]
    if not changed:
        raise InvalidJob(
            f"{where}.name is {name!r}; the reader's columns are {', '.join(column.text for column in columns)}"
        )
    does = "replaces it wherever it stands; NULL stays NULL."
    return [Change(where, column, (call,), does, _differs(call)) for column in changed]


def _call(rule: Settings, render: Render) -> str:
    """Return the rule as a function: of plain texts where case counts, otherwise of regular expressions."""
    old, new = _text(rule, "replaceString"), _text(rule, "replaceByString")
    if not old:
        raise InvalidJob(f"{rule.where}.replaceString is empty: what is to be replaced is missing")
    as_regex = rule.switch("useRegex", otherwise=False)
    sensitive = rule.switch("caseSensitive", otherwise=False)
    if not as_regex:
        old, new = _unescaped(rule, "replaceString", old), _unescaped(rule, "replaceByString", new)
        if sensitive or old.lower() == old.upper():
            return f"replace({argument(old, rule.where, render)}, {argument(new, rule.where, render)})"
    # In a regular expression a `$` is none of the schedule's, and what a variable became would be a part of it.
    if has_variables(old) and not as_regex:
        raise InvalidJob(
            f"{rule.where}.replaceString has a variable in a text of which the case does not count, and only the run "
            "knows it: set caseSensitive"
        )
    try:
        pattern = to_re2(old, ignore_case=not sensitive) if as_regex else f"(?i){literal(old)}"
        rewrite = to_rewrite(new, old) if as_regex else literal_rewrite(new)
    except Untranslatable as reason:
        raise InvalidJob(
            f"{rule.where}: {old!r} to {new!r} cannot be done exactly by the regular expressions of RE2: {reason}"
        ) from None
    return f"replace_regex({_unrendered(pattern)}, {argument(rewrite, rule.where, render)})"


def _unrendered(pattern: str) -> str:
    return argument(pattern, "", lambda text, _: text)


def _text(rule: Settings, key: str) -> str:
    written = rule.raw(key)
    if not isinstance(written, str | None):
        raise InvalidJob(f"{rule.where}.{key} is {written!r}; a text is wanted")
    return written or ""


def _unescaped(rule: Settings, key: str, text: str) -> str:
    r"""Return the text that is meant where ``\t`` and ``\u0001`` stand for characters."""

    def character(found: re.Match[str]) -> str:
        if found[1]:
            return chr(int(found[1], 16))
        if found[2] not in _ESCAPES:
            raise InvalidJob(
                rf"{rule.where}.{key} has {found[0]!r}; known are \t, \n, \r, \\ and a character by its number, \u0001"
            )
        return _ESCAPES[found[2]]

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|([\s\S]?))", character, text)


def _differs(call: str) -> str:
    if call.startswith("replace_regex('(?i)") and not call.isascii():
        return "upper and lower case are the same in all scripts, not in the letters A to Z only."
    return ""
