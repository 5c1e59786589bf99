"""The pages in docs/reference: what signatures and docstrings say, as plain Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache

from griffe import Attribute, Class, ExprName, Function, Module, Object, ParameterKind, Parameters, load
from kit.airflow_home import ROOT
from kit.written_pages.markdown import code, fields, inline, joined, prose, table

PACKAGE = "airflow_provider_kafka_odps"
_OPERATOR = "transfers.kafka_to_maxcompute.KafkaToMaxComputeOperator"
_SENSOR = "sensors.kafka_window.KafkaWindowSensor"
_HOOKS = ("hooks.kafka.KafkaHook", "hooks.odps.OdpsHook")
_VALUES: Mapping[str, tuple[str, ...]] = {
    "core.window.window.Window": ("to_json", "from_json"),
    "core.window.window.ResolvedBound": (),
    "core.window.offsets.OffsetRange": (),
    "core.window.planning.WindowRequest": (),
    "core.journal.receipt.Receipt": ("to_json",),
    "core.table.names.TableName": ("parse",),
    "core.table.names.PartitionSpec": ("parse",),
    "core.table.schema.TableSchema": (),
    "core.table.schema.Column": (),
    "clients.maxcompute.connection.retry.RetryPolicy": (),
}
"""Classes whose objects users see, and which of their methods they call."""
_SCHEMAS = ("decoding.batch.BATCH_SCHEMA", "decoding.batch.HEADERS")
_INPUTS = (
    "core.window.parsing.BoundInput",
    "core.window.goal.SinceInput",
    "core.mapping.compiler.ColumnInput",
    "core.table.names.PartitionInput",
    "core.routing.routes.RoutesInput",
    "core.accounting.tolerance.ToleranceInput",
    "dataworks.job.JobInput",
)
_CHOICES = "core.options"
_UNNAMED: Mapping[ParameterKind | None, str] = {ParameterKind.var_positional: "*", ParameterKind.var_keyword: "**"}
_WIDE = 100
"""What a page shows without a scroll bar."""
_WRITTEN_BY = "<!-- Written from the code by `make reference`: edit the docstrings. -->"
_HEAD = ("parameter", "type", "default", "what it is")


def reference_pages() -> Mapping[str, str]:
    """Return each page by its name in docs/reference."""
    return {
        "operator.md": _operator(),
        "sensor.md": _sensor(),
        "hooks.md": _page("The hooks", *(part for path in _HOOKS for part in _class(path))),
        "values.md": _values(),
        "errors.md": _errors(),
    }


@cache
def _package() -> Module:
    found = load(PACKAGE, search_paths=[str(ROOT)], allow_inspection=False)
    assert isinstance(found, Module)
    return found


def _page(title: str, *parts: str) -> str:
    return joined([f"# {title}", _WRITTEN_BY, *parts])


def _imported(thing: Object) -> str:
    return f"```python\nfrom {thing.path.rpartition('.')[0]} import {thing.name}\n```"


def _doc(thing: Object) -> str:
    return thing.docstring.value if thing.docstring else ""


# --- parameters -------------------------------------------------------------------------------------------------------


def _row(parameters: Parameters, name: str, text: str) -> list[str]:
    parameter = parameters[name]
    named = f"{_UNNAMED.get(parameter.kind, '')}{name}"
    default = "required" if parameter.required else code(_meant(parameter.default))
    if parameter.kind in _UNNAMED:
        default = ""
    return [code(named), code(str(parameter.annotation or "Any")), default, text]


def _meant(default: object) -> str:
    """Return a default as it is written, or what the constant is that it names."""
    if isinstance(default, ExprName) and default.canonical_path.startswith(f"{PACKAGE}."):
        with suppress(KeyError):
            return _written(_package()[default.canonical_path.partition(".")[2]].value)
    return _written(default)


def _written(default: object) -> str:
    return re.sub(r"^'(.*)'$", r'"\1"', str(default))


def _taken(function: Function, texts: Mapping[str, str]) -> str:
    names = [each.name for each in function.parameters if each.name not in {"self", "cls"}]
    rows = [_row(function.parameters, name, texts.get(name, "")) for name in names if name in texts]
    return table(_HEAD, rows)


# --- the operator and the sensor --------------------------------------------------------------------------------------


def _operator() -> str:
    operator = _package()[_OPERATOR]
    intro, *groups = re.split(r"^(?=\*\*[A-Z])", _doc(operator), flags=re.MULTILINE)
    text, _, _ = fields(intro, operator)
    job = _package()["transfers.dataworks.FromJob"]["from_dataworks"]
    parts = [part for group in groups for part in _group(operator, group)]
    methods = (*_method(operator, operator["execute"]), *_method(operator, job))
    return _page("The operator", prose(text), _imported(operator), _TEMPLATED, *parts, "## Methods", *methods)


_TEMPLATED = """Every parameter is given by name.
Where *(templated)* stands, Airflow renders a template before the load begins.
[Values](values.md#what-parameters-take) says what types such as `BoundInput` are.
Other parameters of tasks, such as `retries` and `pool`, are those of Airflow's `BaseOperator`."""


def _group(operator: Class, text: str) -> Iterator[str]:
    caption, texts, _ = fields(text, operator)
    found = re.fullmatch(r"\*\*(?P<name>.+?)\*\*:? *(?P<rest>.*)", " ".join(caption.split()))
    assert found, f"no group of parameters begins like this: {caption}"
    yield f"## {found['name']}"
    text = f"{found['name']} {found['rest']}" if found["rest"].startswith("is ") else found["rest"]
    yield inline(text[0].upper() + text[1:])
    yield table(_HEAD, [_row(operator["__init__"].parameters, each, texts[each]) for each in texts])


def _sensor() -> str:
    sensor = _package()[_SENSOR]
    text, texts, _ = fields(_doc(sensor), sensor)
    return _page("The sensor", prose(text), _imported(sensor), _TEMPLATED, _taken(sensor["__init__"], texts))


# --- classes and their methods ----------------------------------------------------------------------------------------


def _class(path: str, methods: tuple[str, ...] | None = None) -> Iterator[str]:
    """Yield what a page has of a class, with the methods that are named, or all that are public."""
    found = _package()[path]
    assert isinstance(found, Class)
    text, texts, _ = fields(_doc(found), found)
    yield f"## {found.name}"
    yield prose(text)
    yield _imported(found)
    made = found.members.get("__init__")
    yield _taken(made, texts) if isinstance(made, Function) else ""
    yield _attributes(found)
    for member in found.members.values():
        if isinstance(member, Function) and (
            not member.name.startswith("_") if methods is None else member.name in methods
        ):
            yield from _method(found, member)


def _attributes(owner: Class) -> str:
    """Return a table of what instances have: fields and properties, with what is written about them."""
    rows = [
        [code(each.name), code(str(each.annotation)), inline(_doc(each))]
        for each in owner.members.values()
        if isinstance(each, Attribute) and each.annotation and not each.name.startswith("_")
    ]
    return table(("attribute", "type", "what it is"), rows)


def _method(owner: Class, method: Function) -> Iterator[str]:
    text, texts, errors = fields(_doc(method), method)
    yield f"### {owner.name}.{method.name}"
    yield f"```python\n{_signature(method)}\n```"
    yield prose(text)
    yield _taken(method, texts)
    yield table(("raises", "when"), [[code(name), when] for name, when in errors.items()])


def _signature(method: Function) -> str:
    """Return the method's head, one line for each parameter where it would be long."""
    parameters = [str(each) for each in _shown(method)]
    arrow = f" -> {method.returns}" if method.returns else ""
    flat = f"def {method.name}({', '.join(parameters)}){arrow}: ..."
    if len(flat) <= _WIDE:
        return flat
    lines = "".join(f"    {each},\n" for each in parameters)
    return f"def {method.name}(\n{lines}){arrow}: ..."


def _shown(method: Function) -> Iterator[str]:
    named_only = False
    for each in method.parameters:
        if each.name in {"self", "cls"}:
            continue
        if each.kind is ParameterKind.keyword_only and not named_only:
            named_only = True
            yield "*"
        typed = f": {each.annotation}" if each.annotation else ""
        default = "" if each.default is None or each.kind in _UNNAMED else f" = {_written(each.default)}"
        yield f"{_UNNAMED.get(each.kind, '')}{each.name}{typed}{default}"


# --- values and errors ------------------------------------------------------------------------------------------------


def _values() -> str:
    schemas = [part for path in _SCHEMAS for part in _schema(_package()[path])]
    inputs = [[code(_package()[path].name), code(str(_package()[path].value).strip("'"))] for path in _INPUTS]
    return _page(
        "Values",
        "What XCom holds as JSON, what the hooks take and return, and what the types of parameters mean.",
        *(part for path, methods in _VALUES.items() for part in _class(path, methods)),
        *schemas,
        "## What parameters take",
        table(("type", "is"), inputs),
        "## Choices",
        "A parameter takes the text; the hooks take the members of these classes, from `core.options`.",
        *_choices(),
    )


def _schema(found: Object) -> Iterator[str]:
    yield f"## {found.name}"
    yield f"```python\n{found.source}\n```"
    yield prose(_doc(found))


def _choices() -> Iterator[str]:
    for each in _package()[_CHOICES].members.values():
        if isinstance(each, Class) and "StrEnum" in {str(base) for base in each.bases}:
            members = [member for member in each.members.values() if isinstance(member, Attribute)]
            yield f"### {each.name}"
            yield prose(_doc(each))
            yield f"One of {', '.join(code(_written(one.value)) for one in members)}."
            rows = [[code(_written(one.value)), inline(_doc(one))] for one in members if _doc(one)]
            yield table(("text", "what it means"), rows)


def _errors() -> str:
    module = _package()["exceptions"]
    rows = [
        [code(each.name), code(str(each.bases[0])), "yes" if _retry_helps(module, each) else "no", inline(_doc(each))]
        for each in module.members.values()
        if isinstance(each, Class)
    ]
    return _page(
        "Errors",
        prose(_doc(module)),
        f"All of them are in `{PACKAGE}.exceptions`.\nWhere a retry does not help, the task fails without one.",
        table(("error", "is a", "a retry may help", "what it says"), rows),
    )


def _retry_helps(module: Module, error: Class) -> bool:
    own = error.members.get("retry_helps")
    if isinstance(own, Attribute):
        return str(own.value) == "True"
    parent = module.members.get(str(error.bases[0]))
    return isinstance(parent, Class) and _retry_helps(module, parent)
