"""Steps between reader and writer change the rows as they do in DataWorks and DataX, or the job is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dataworks.jobs import as_datax, between, changed, replacing, transforming
from dataworks.loaded import arguments_of, column

from airflow_provider_kafka_odps.dataworks.__main__ import main
from airflow_provider_kafka_odps.dataworks.hazards.every import hazards
from airflow_provider_kafka_odps.dataworks.job import read_job
from airflow_provider_kafka_odps.exceptions import InvalidJob

PHONES = changed(reader={"column": ["__key__", "phone"]}, writer={"column": ["k", "phone"]})
EMPTY = {
    "copies": 1,
    "category": "processor",
    "name": "Processor",
    "parameter": {"nodes": [], "edges": [], "groups": [], "version": "2.0"},
}


def phones(job: dict[str, Any], *values: Any) -> list[Any]:
    """Return what the column phone has for these values."""
    return column(job, "phone", *({"phone": value} for value in values))


@pytest.mark.parametrize(
    ("rule", "value", "becomes"),
    [
        ({}, "call 138-1", "call ***-*"),
        ({"caseSensitive": True, "replaceString": r"1[3-9]\d{9}"}, "a 13812345678", "a *"),
        ({"replaceString": r"(\d{3})\d{4}(\d{4})", "replaceByString": "$1****$2"}, "13812345678", "138****5678"),
        ({"replaceString": r"(\d{3})\d+", "replaceByString": r"\$$1\\"}, "13812345678", "$138\\"),
        ({"replaceString": r"(?:a)(\()[(]", "replaceByString": "$1$01$12"}, "a((", "(((2"),
        ({"replaceString": "[a-c]+"}, "xAbCx", "x*x"),
        ({"replaceString": "(?i)[^a-c\\x45-]"}, "AbCeE-éx", "AbCeE-**"),
        ({"replaceString": "k(a|é)+"}, "KAKÉ\u212aa", "*KÉ\u212aa"),
        ({"replaceString": "[a-c]+", "caseSensitive": True}, "xAbCx", "xA*Cx"),
        ({"replaceString": r"a\sb."}, "a\vb\rc", "a\vb\rc"),
        ({"replaceString": r"a\sb."}, "a\vb-c", "*c"),
        ({"replaceString": r"\u4e2d"}, "中a", "*a"),
        ({"replaceString": r"[\s']", "replaceByString": "'"}, "a b", "a'b"),
        ({"useRegex": False, "replaceString": ".", "caseSensitive": True}, "1.2", "1*2"),
        ({"useRegex": False, "replaceString": "[x]"}, "a[X]", "a*"),
        ({"useRegex": False, "replaceString": "'", "replaceByString": "\\\\"}, "a'b", "a\\b"),
        ({"useRegex": False, "replaceString": r"\t\u0001", "replaceByString": r"\n"}, "a\t\x01b", "a\nb"),
        ({"useRegex": "false", "replaceString": "Ab", "replaceByString": r"\\1"}, "aB", "\\1"),
        ({"useRegex": False, "replaceString": "{{x}}", "replaceByString": "{%y%}"}, "a{{X}}", "a{%y%}"),
        ({"replaceByString": None}, "a1", "a"),
        ({}, None, None),
        ({}, 13800, "*****"),
    ],
)
def test_a_string_replacement_is_done(rule: dict[str, Any], value: Any, becomes: Any) -> None:
    """Texts and Java's regular expressions replace what they replace there; case does not count unless told so."""
    assert phones(between(PHONES, replacing(**rule)), value) == [becomes]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"name": "fone"}, r"steps\[1\] \(Mask\).parameter.condition\[0\].name is 'fone'; the reader's columns are"),
        ({"replaceString": ""}, "replaceString is empty"),
        ({"replaceString": 5}, "replaceString is 5; a text is wanted"),
        ({"useRegex": "yes"}, 'useRegex is "yes"; true or false is wanted'),
        ({"ignore": True}, r"condition\[0\].ignore is not known here, and may change rows"),
        (
            {"replaceString": "(?=a)b"},
            r"cannot be done exactly by the regular expressions of RE2: '\(\?=' at position 0",
        ),
        ({"replaceString": "(?<n>a)"}, r"'\(\?<' at position 0: RE2 has no such thing"),
        ({"replaceString": "a++"}, r"'\+\+' at position 1: RE2 has no such thing"),
        ({"replaceString": r"(a)\1"}, r"'\\\\1' at position 3: RE2 has no such thing"),
        (
            {"replaceString": r"\d{4}$"},
            r"'\$' at position 5: in Java it is also in front of a last line end; write \\z",
        ),
        ({"replaceString": r"\bid"}, "Java and RE2 differ in what the end of a word is"),
        ({"replaceString": "[a&&b]"}, "'&' at position 2: within square brackets Java and RE2 differ"),
        ({"replaceString": "[a[b]]"}, r"'\[' at position 2: within square brackets Java and RE2 differ"),
        ({"replaceString": "[ab"}, r"'\[' at position 0: the closing \] is missing"),
        ({"replaceString": "(ab"}, "missing \\)"),
        ({"replaceString": "a{2000}"}, "invalid repetition size"),
        ({"replaceString": "{a"}, "'{' at position 0: it repeats nothing"),
        ({"replaceString": "a*"}, "it also matches the empty text, which Java replaces once more behind each match"),
        ({"replaceString": "a\\"}, "at position 1"),
        ({"replaceByString": "$1"}, r"'\$1' at position 0: \$0 to \$0 are known here"),
        ({"replaceString": "(a)+", "replaceByString": "$1"}, r"'\+' at position 3: of a group's matches, Java and RE2"),
        ({"replaceString": "a(?i)b"}, r"'\(\?i' at position 1: RE2 has no such thing, or means something else"),
        ({"replaceString": "(?:[(])", "replaceByString": "$1"}, r"'\$1' at position 0: \$0 to \$0 are known here"),
        ({"replaceByString": "a$"}, r"'\$' at position 1"),
        ({"replaceByString": "${name}"}, r"'\$' at position 0"),
        ({"useRegex": False, "replaceString": r"\d"}, r"replaceString has '\\\\d'; known are"),
        (
            {"useRegex": False, "replaceString": "a${bizdate}"},
            "has a variable in a text of which the case does not count",
        ),
    ],
)
def test_a_rule_that_cannot_be_done_exactly_is_refused(rule: dict[str, Any], message: str) -> None:
    """The message has the place of the rule, the position in the expression, and the reason."""
    with pytest.raises(InvalidJob, match=message):
        arguments_of(between(PHONES, replacing(**rule)))


def test_a_variable_in_a_replacement_is_rendered() -> None:
    """A replacement may have the business date, in its plain text and in its new one."""
    rule = {
        "useRegex": False,
        "caseSensitive": True,
        "replaceString": "${bizdate}",
        "replaceByString": "day '$bizdate'",
    }
    found = column(between(PHONES, replacing(**rule)), "phone", {"phone": "20261121"}, timezone="UTC")
    assert found == ["day '20261121'"]


@pytest.mark.parametrize(
    ("transformer", "value", "becomes"),
    [
        (("dx_substr", 1, ["2", "5"]), "dataxTest", "taxTe"),
        (("dx_substr", 1, ["5", "10"]), "dataxTest", "Test"),
        (("dx_substr", 1, [0, 2]), None, None),
        (("dx_substr", 1, [2, 2]), "ab", ""),
        (("dx_substr", 1, ["5", "2"]), "abc", ""),
        (("dx_substr", 1, ["1", "1"]), "😀ab", "a"),
        (("dx_pad", 1, ["l", "4", "A"]), "xyz", "Axyz"),
        (("dx_pad", 1, ["l", "4", "A"]), "xyzzzzz", "xyzz"),
        (("dx_pad", 1, ["r", "4", "A"]), "xyz", "xyzA"),
        (("dx_pad", 1, ["R", "4", "AA"]), "xyzzzzz", "xyzz"),
        (("dx_pad", 1, ["l", "3", "0"]), None, "000"),
        (("dx_pad", 1, ["l", "3", "'"]), "a", "''a"),
        (("dx_pad", 0, ["r", "2", "-"]), "x", "x"),
        (("dx_replace", 1, ["2", "4", "****"]), "dataxTest", "da****est"),
        (("dx_replace", 1, ["5", "10", "****"]), "dataxTest", "datax****"),
        (("dx_replace", 1, ["3", "4", "****"]), "13812345678", "138****5678"),
        (("dx_replace", 1, ["0", "2", "1\\$"]), "a\nb", "1\\$b"),
        (("dx_replace", 1, ["3", "4", "*"]), None, None),
        (("dx_replace", 1, ["3", "4", "****"]), "12", "12****"),
        (("dx_digest", 1, ["md5", "toUpperCase"]), "xyzzzzz", "9CDFFC4FA4E45A99DB8BBCD762ACFFA2"),
        (("dx_digest", 1, ["md5", "toLowerCase"]), None, "d41d8cd98f00b204e9800998ecf8427e"),
    ],
)
def test_a_transformer_of_datax_is_done(transformer: tuple[str, int, list[Any]], value: Any, becomes: Any) -> None:
    """By the examples of DataX's own page, and by what its code does with NULL and with long values."""
    assert phones(transforming(PHONES, transformer), value) == [becomes]


def test_transformers_follow_one_another() -> None:
    """In the order of the job, each behind the one before."""
    job = transforming(PHONES, ("dx_substr", 1, ["0", "3"]), ("dx_pad", 1, ["r", "5", "*"]))
    assert arguments_of(job)["columns"]["phone"] == (
        "phone | substr(0, 3) | substr(0, 5) | default('') | pad_right(5, '*')"
    )


@pytest.mark.parametrize("kind", ["long", "bytearray", "string"])
def test_a_missing_key_is_padded(kind: str) -> None:
    """DataX pads and digests NULL as the empty text; so is a key of any type."""
    job = changed(reader={"column": ["__key__"], "keyType": kind}, writer={"column": ["k"]})
    assert column(transforming(job, ("dx_digest", 0, ["md5", "toLowerCase"])), "k", {}) == [
        "d41d8cd98f00b204e9800998ecf8427e"
    ]
    assert column(transforming(job, ("dx_pad", 0, ["l", "2", "0"])), "k", {}) == ["00"]


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (("dx_groovy", 0, ["x"]), r"\(dx_groovy\) has no counterpart here, and may change rows; known are dx_substr"),
        (("my_mask", 0, []), r"\(my_mask\) has no counterpart here"),
        (("dx_substr", 2, ["0", "1"]), "columnIndex is 2; the reader has columns 0 to 1"),
        (("dx_substr", 1, ["0"]), r"paras has 1 entries; dx_substr takes start, length"),
        (("dx_substr", 1, ["-1", "2"]), r"paras\[0\] is '-1'; a number of characters is wanted, 0 or more"),
        (("dx_substr", 1, [["0"], "2"]), "paras is no list of texts"),
        (("dx_pad", 1, ["m", "4", "A"]), r"paras\[0\] is 'm'; l or r is wanted"),
        (("dx_pad", 1, ["l", "4", "AB"]), r"paras\[2\] is 'AB'; only one character, again and again"),
        (("dx_pad", 1, ["l", "10001", "A"]), r"paras\[1\] is 10001; at most 10000 can be done"),
        (("dx_replace", 1, ["0", "1001", "A"]), r"paras\[1\] is 1001; at most 1000 can be done"),
        (("dx_digest", 1, ["sha1", "toUpperCase"]), r"paras\[0\] is 'sha1'; only 'md5' can be done by this operator"),
        (("dx_digest", 1, ["MD5", "toUpperCase"]), r"paras\[0\] is 'MD5'; only 'md5'"),
        (("dx_digest", 1, ["md5", "upper"]), r"paras\[1\] is 'upper'; toUpperCase or toLowerCase is wanted"),
    ],
)
def test_a_transformer_without_a_counterpart_is_refused(transformer: tuple[str, int, list[Any]], message: str) -> None:
    """By its name and its place, with what to do."""
    with pytest.raises(InvalidJob, match=message):
        arguments_of(transforming(PHONES, transformer))


def test_what_is_no_text_is_not_changed_as_one() -> None:
    """A transformer of the timestamp would be one of a text that the column does not have here."""
    job = changed(reader={"column": ["__timestamp__"]}, writer={"column": ["ts"]})
    with pytest.raises(InvalidJob, match=r"changes __timestamp__ as a text, which cannot be done by this operator"):
        arguments_of(transforming(job, ("dx_substr", 0, ["0", "3"])))


def test_an_empty_step_is_none() -> None:
    """The console leaves an empty Processor in its scripts, on the way or beside it."""
    job = {**PHONES, "steps": [PHONES["steps"][0], EMPTY, PHONES["steps"][1]]}
    assert arguments_of(job) == arguments_of(PHONES) == arguments_of(between(PHONES, EMPTY))


def step(**keys: Any) -> dict[str, Any]:
    """Return a step that has something in it."""
    return {"name": "Middle", "category": "map", "stepType": "x", "parameter": {"a": 1}, **keys}


@pytest.mark.parametrize(
    ("middle", "message"),
    [
        (
            step(),
            r"steps\[1\] \(Middle\) has category 'map' and stepType 'x'; it may change rows, .* Only 'stringreplace'",
        ),
        (step(category="processor", stepType=None), "has category 'processor' and stepType ''; it may change rows"),
        (step(category="flatmap", stepType="stringreplace"), "has category 'flatmap'"),
        (step(category=None), "has category '' and stepType 'x'"),
        (
            step(stepType="filter"),
            r"\(Middle\) has stepType 'filter' and leaves out records; how such a step is written in a job is not",
        ),
        (
            step(category="filter", stepType=""),
            "is not documented: take it out, and write where= of the operator",
        ),
        (step(displayName="Hide it"), r"steps\[1\] \(Hide it\)"),
        (step(parameter={}, code="x"), "it may change rows"),
        (replacing() | {"when": "a = 1"}, r"steps\[1\] \(Mask\).when is not known here, and may change rows"),
        (step(stepType="stringreplace"), "parameter.a is not known here, and may change rows"),
        (step(stepType="stringreplace", parameter={"condition": {"name": "x"}}), "condition is no list of rules"),
    ],
)
def test_a_step_that_is_not_understood_is_refused(middle: dict[str, Any], message: str) -> None:
    """Whatever stands between reader and writer is done, or named in a refusal."""
    with pytest.raises(InvalidJob, match=message):
        arguments_of(between(PHONES, middle))


@pytest.mark.parametrize(
    ("hops", "message"),
    [
        ([("Reader", "Writer")], "order.hops goes past the step 'Mask': whether it changes rows is not clear"),
        ([("Reader", "Mask")], "order.hops is no single way from reader to writer: it goes Reader → Mask"),
        ([("Reader", "Mask"), ("Reader", "Writer")], "order.hops is no single way"),
        ([("Reader", "Mask"), ("Mask", "Reader")], "order.hops is no single way"),
        ([("Reader", "Mask"), ("Mask", "X"), ("X", "Writer")], "order.hops goes by 'X', and 0 steps have that name"),
    ],
)
def test_hops_lead_through_every_step(hops: list[tuple[str, str]], message: str) -> None:
    """A step that is not on the way is no mask; whether it was meant to be one is not guessed."""
    job = between(PHONES, replacing()) | {"order": {"hops": [{"from": first, "to": second} for first, second in hops]}}
    with pytest.raises(InvalidJob, match=message):
        arguments_of(job)


def test_the_order_of_steps_is_that_of_the_hops() -> None:
    """Not that in which they are written; without hops it is."""
    first, second = replacing(replaceString="a", replaceByString="b"), replacing(replaceString="b", replaceByString="c")
    job = between(PHONES, {**first, "name": "One"}, {**second, "name": "Two"})
    assert phones(job, "a") == ["c"]
    job["order"]["hops"] = [{"from": a, "to": b} for a, b in [("Reader", "Two"), ("Two", "One"), ("One", "Writer")]]
    assert phones(job, "a") == ["b"]
    assert phones(job | {"order": {}}, "a") == ["c"]
    with pytest.raises(InvalidJob, match=r"order.hops is no list of JSON objects"):
        arguments_of(job | {"order": {"hops": "all"}})


def labelled(**keys: Any) -> dict[str, Any]:
    """Return a job with more at the step of its reader."""
    job = changed()
    job["steps"][0].update(keys)
    return job


def content(**keys: Any) -> dict[str, Any]:
    """Return a job of DataX with more in its content."""
    job = transforming(PHONES)
    job["job"]["content"][0].update(keys)
    return job


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (content(filter="x"), r"job.content\[0\].filter is not known here, and may change rows"),
        (content(transformer={"name": "dx_pad"}), r"job.content\[0\].transformer is no list of transformers"),
        (content(transformer=[{"parameter": {}}]), r"transformer\[0\].name is missing"),
        (content(transformer=[{"name": "dx_pad", "if": 1}]), r"transformer\[0\].if is not known here"),
        (
            {"job": {"content": transforming(PHONES)["job"]["content"] * 2}},
            "a list of one reader with its writer; it has 2, and each is a job of its own",
        ),
        (changed(reader={"where": "a = 1"}), "steps.reader.parameter.where changes rows or leaves some out"),
        (changed(writer={"nullFormat": "-"}), "steps.writer.parameter.nullFormat changes rows"),
        (changed(writer={"writeMode": "upsert"}), "writeMode is 'upsert'; 'append' is known"),
        (labelled(transformer=[1]), "steps.reader.transformer changes rows"),
    ],
)  # fmt: skip
def test_what_changes_rows_elsewhere_is_refused(job: dict[str, Any], message: str) -> None:
    """A second content, and keys that are known to change rows, at whatever level they stand."""
    with pytest.raises(InvalidJob, match=message):
        arguments_of(job)


def test_harmless_keys_at_other_levels_are_named() -> None:
    """A label of a step, or a setting of DataX's machinery, is told as what is not understood."""
    told = read_job(labelled(nodeId=7) | {"transform": True, "extend": {"mode": "wizard"}}).unknown()
    assert told[:2] == ["steps[0].nodeId", "transform"]
    datax = transforming(PHONES) | {"core": {"transport": {}}}
    datax["job"]["nickname"] = "x"
    assert {"job.nickname", "core"} <= set(read_job(datax).unknown())
    assert arguments_of(content(transformer=[])) == arguments_of(json.loads(as_datax(PHONES)))


def test_lint_shows_what_a_step_becomes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each change with its functions, what it does there, and in what it differs."""
    job = transforming(PHONES, ("dx_replace", 1, ["3", "4", "****"]))
    (found,) = [hazard for hazard in hazards(read_job(job)) if hazard.name == "changed-on-the-way"]
    assert found.where == "job.content[0].transformer[0] (dx_replace)"
    assert found.seen == "changes phone"
    assert "NULL stays NULL" in found.means
    assert found.instead.startswith("phone | replace_regex('(?s)\\\\A(.{0,3}).{0,4}', '\\\\1****')\n")
    assert "a value of less than 3 characters gets the new text behind it here" in found.instead

    (path := tmp_path / "job.json").write_text(json.dumps(between(PHONES, replacing())))
    assert main(["lint", str(path)]) == 0
    assert "  instead: phone | replace_regex('[0-9]', '*')\n" in printed(capsys)
    assert main(["convert", str(path)]) == 0
    assert "phone | replace_regex('[0-9]', '*')" in printed(capsys)
    path.write_text(json.dumps(between(PHONES, step())))
    assert main(["lint", str(path)]) == 2


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was printed since the last time."""
    return capsys.readouterr().out


def test_a_field_with_a_bar_in_its_name_is_no_function() -> None:
    """In a job a column is a name; what looks like a function is one of a name, too."""
    job = changed(reader={"column": ["a.b | trim.c", "'x|y'"]}, writer={"column": ["a", "b"]})
    assert arguments_of(job)["columns"] == {"a": "a['b | trim'].c", "b": "'x|y'"}
