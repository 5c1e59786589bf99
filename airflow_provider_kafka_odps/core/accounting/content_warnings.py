"""Nothing is silently nothing: what is to be said of a load whose records gave it nothing, or little."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import assert_never

from airflow_provider_kafka_odps.core.accounting.content import Content, Documents
from airflow_provider_kafka_odps.core.mapping.expressions import FieldPath, Header, Part
from airflow_provider_kafka_odps.core.mapping.projection import Projection
from airflow_provider_kafka_odps.core.mapping.sources.samples import NOTHING, Sample
from airflow_provider_kafka_odps.core.options import OnBadJson

FEW = 10
"""Of fewer records than this nothing is concluded, but for JSON: no key or value that is read as such is meant to be
something else."""


_NEARLY_ALL = 0.9


_COLUMNS = 20
"""How many columns a warning lists."""


_NEAREST, _OTHERS = 3, 7
"""How many names it lists for each of them."""


_WHAT_TO_DO = (
    "if a name has changed, correct columns and clear the task: in mode='overwrite' it loads the window again,\n  "
    "in mode='append' with on_rerun='replace', which needs columns for __partition__ and __offset__"
)


def content_warnings(content: Content, projection: Projection, records: int, rejects: int) -> Iterator[str]:
    """Yield what a load has to say of what its records gave it, before anything of it is visible."""
    no_json = {part for part, documents in content.documents.items() if _is_nearly_nothing(documents)}
    for part in sorted(no_json):
        yield _not_json(part, content.documents[part], projection.record_format.on_bad_json)
    if records < FEW:
        return
    absent = {
        column: source
        for column, source in projection.paths.items()
        if column not in content.found and not (isinstance(source, FieldPath) and source.root in no_json)
    }
    if absent:
        yield _absent(absent, content, records)
    rows = records - rejects
    if 0 < rows == content.empty_rows and Part.VALUE not in no_json:
        names = _listed([column for column, nulls in content.nulls.items() if nulls == rows])
        yield (
            f"all {rows} rows are NULL in {names}: they have nothing of a value or a header\n  "
            "such rows replace none that have something, unless on_fewer_rows='replace'"
        )


def _is_nearly_nothing(documents: Documents) -> bool:
    return 0 < documents.bad >= _NEARLY_ALL * documents.there


def _not_json(part: Part, documents: Documents, on_bad_json: OnBadJson) -> str:
    became = "they are rejects" if on_bad_json is OnBadJson.REJECT else "columns that are filled from them are NULL"
    looks = dict.fromkeys(each.look for each in documents.first)
    lines = [
        f"{documents.bad} of {documents.there} {part}s are no JSON object, into which paths lead, or no JSON at all",
        f"on_bad_json='{on_bad_json}', so {became}",
        f"the first: {', '.join(each.place for each in documents.first)}",
        *(f"{look.what}: {look.advice}" for look in looks),
    ]
    return "\n  ".join(lines)


def _absent(absent: Mapping[str, FieldPath | Header], content: Content, records: int) -> str:
    lines = [
        f"{column}: {_in_its_place(source, content.samples.get(column, NOTHING))}"
        for column, source in list(absent.items())[:_COLUMNS]
    ]
    more = len(absent) - len(lines)
    what = f"{len(absent)} columns are filled from is in none of {records} records: they get nothing"
    if len(absent) == 1:
        what = f"{next(iter(absent))} is filled from is in none of {records} records: it gets nothing"
    return "\n  ".join([f"what {what}", *lines, *([f"and {more} other columns"] if more else []), _WHAT_TO_DO])


def _in_its_place(source: FieldPath | Header, sample: Sample) -> str:
    """Return what the records have in the place of a path or a header, as expressions that can be pasted."""
    match source:
        case Header(name) if name in sample.names:
            return f"{source} is null in the records that were looked at"
        case Header(name):
            return "; ".join([f"no record has {source}", *_names(name, sample, lambda each: str(Header(each)))])
        case FieldPath(steps, root):
            return _along(steps, root, sample)
        case _:
            assert_never(source)


def _along(steps: tuple[str | int, ...], root: Part, sample: Sample) -> str:
    def spelled(*further: str | int) -> str:
        return _spelled((*before, *further), root)

    if sample.depth == len(steps):
        return f"{_spelled(steps, root)} is {sample.found} in the records that were looked at"
    before, wanted = steps[: sample.depth], steps[sample.depth]
    state = f"{spelled()} is there, {spelled(wanted)} is not" if before else f"no record has {_spelled(steps, root)}"
    if not sample.names:
        # An object has names, but for an empty one.
        there = spelled() if before else f"the {root}"
        return state if sample.found in ("", "an object") else f"{state}: {there} is {sample.found}"
    deeper = [spelled(name, steps[-1]) for name in sample.deeper[:_NEAREST]]
    told = [f"one level deeper: {', '.join(deeper)}"] if deeper else []
    return "; ".join([state, *told, *_names(str(wanted), sample, spelled)])


def _spelled(steps: tuple[str | int, ...], root: Part) -> str:
    if not steps:
        return f"__{root}__"
    text = str(FieldPath(steps, root))
    if root is Part.VALUE:
        return text
    return f"__{root}__{'' if text.startswith('[') else '.'}{text}"


def _names(wanted: str, sample: Sample, spelled: Callable[[str], str]) -> list[str]:
    """Return the names that are nearest to the one that is wanted, and some of the others."""
    close = get_close_matches(_plain(wanted), {_plain(name) for name in sample.names}, _NEAREST)
    nearest = [name for each in close for name in sample.names if _plain(name) == each][:_NEAREST]
    others = [name for name in sample.names if name not in nearest]
    more = f" and {len(others) - _OTHERS} more" if len(others) > _OTHERS else ""
    return [
        *([f"the nearest: {', '.join(map(spelled, nearest))}"] if nearest else []),
        *([f"also there: {', '.join(map(spelled, others[:_OTHERS]))}{more}"] if others else []),
    ]


def _plain(name: str) -> str:
    """Return a name without what producers spell it differently by: case, underscores, hyphens."""
    return name.lower().replace("_", "").replace("-", "")


def _listed(columns: Sequence[str]) -> str:
    more = len(columns) - _COLUMNS
    return ", ".join(columns[:_COLUMNS]) + (f" and {more} other columns" if more > 0 else "")
