"""The page at /: tables, sessions, statements and recent requests, as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape

from airflow_provider_kafka_odps.local.api.call import Answer
from airflow_provider_kafka_odps.local.api.control import Control
from airflow_provider_kafka_odps.local.api.services import Services
from airflow_provider_kafka_odps.local.catalog.model import Table, spec_text
from airflow_provider_kafka_odps.local.catalog.rows import RowRange
from airflow_provider_kafka_odps.local.instances.instance import Instance
from airflow_provider_kafka_odps.local.sessions.upload import UploadSession

_FIRST_ROWS = 10


_MOST_PARTITIONS = 50


_MOST_SHOWN = 50


_LONGEST_TEXT = 200


_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; margin: .5rem 0; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #8884; vertical-align: top; }
h1, summary { overflow-wrap: anywhere; } summary { cursor: pointer; padding: .3rem 0; }
.null { opacity: .5; } .bad { color: #c33; }
code { font-size: .9em; overflow-wrap: anywhere; }
"""


def show(services: Services, control: Control) -> Answer:
    """Return the whole page as HTML."""
    settings, catalog = services.settings, services.store.catalog
    tables = sorted(catalog.tables.values(), key=lambda table: (table.name.schema, table.name.table))
    parts = [
        f"<h1>MaxCompute endpoint · project <code>{escape(settings.project)}</code></h1>",
        f"<p>{len(tables)} tables, {sum(table.rows for table in tables):,} rows, {len(catalog.schemas)} schemas.</p>",
        "<h2>Tables</h2>",
        *(_table(services, table) for table in tables),
        "<h2>Upload sessions</h2>",
        _uploads(services.uploads.all()[:_MOST_SHOWN]),
        "<h2>Instances</h2>",
        _instances(services.instances.all()[:_MOST_SHOWN]),
        "<h2>Recent requests</h2>",
        _requests(control),
    ]
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(settings.project)} · MaxCompute endpoint</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>"
    )
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Answer(200, document.encode(errors="replace"), "text/html; charset=utf-8", headers)


def _grid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    if not body:
        return "<p>None.</p>"
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _table(services: Services, table: Table) -> str:
    columns = _grid(
        ["column", "type", "nullable", "comment"],
        (
            [escape(column.name), f"<code>{escape(str(column.type))}</code>", kind, escape(column.comment)]
            for kind, column in [
                *(("yes" if column.nullable else "no", column) for column in table.columns),
                *(("partition", column) for column in table.partition_columns),
            ]
        ),
    )
    partitions = list(table.partitions.items())[-_MOST_PARTITIONS:] if table.partition_columns else []
    listed = _grid(
        ["partition", "rows", "bytes", "modified"],
        ([escape(spec_text(s)), f"{p.rows:,}", f"{p.size:,}", _time(p.modified)] for s, p in partitions),
    )
    summary = f"<b>{escape(str(table.name))}</b> · {table.rows:,} rows · {table.size:,} bytes"
    return (
        f"<details><summary>{summary}</summary>{columns}{listed if table.partition_columns else ''}"
        f"<p>First rows</p>{_rows(services, table)}</details>"
    )


def _rows(services: Services, table: Table) -> str:
    blobs = tuple(blob for partition in table.partitions.values() for blob in partition.blobs)
    with services.store.pinned(blob.name for blob in blobs):
        try:
            batches = list(RowRange(services.store.blobs, blobs, table.columns, 0, _FIRST_ROWS).batches())
        except (OSError, KeyError):
            return "<p>They were replaced while this page was made.</p>"
        rows = [row for batch in batches for row in zip(*(map(_cell, column) for column in batch.columns), strict=True)]
    return _grid([column.name for column in table.columns], rows)


def _cell(value: object) -> str:
    try:
        shown = value.as_py()  # type: ignore[attr-defined]
    except (ValueError, OverflowError, UnicodeDecodeError):
        # Times outside Python's years, and texts that aren't UTF-8.
        shown = str(value)
    if shown is None:
        return '<span class="null">NULL</span>'
    text = str(shown)
    return escape(text[:_LONGEST_TEXT] + ("…" if len(text) > _LONGEST_TEXT else ""))


def _uploads(sessions: Sequence[UploadSession]) -> str:
    return _grid(
        ["upload", "table", "partition", "mode", "status", "blocks", "rows", "created"],
        (
            [
                f"<code>{escape(session.upload_id)}</code>",
                escape(str(session.table)),
                escape(spec_text(session.spec)),
                "overwrite" if session.overwrite else "append",
                session.status.value,
                str(len(session.blocks)),
                f"{sum(block.blob.rows for block in session.blocks.values()):,}",
                _time(session.created),
            ]
            for session in sessions
        ),
    )


def _instances(instances: Sequence[Instance]) -> str:
    return _grid(
        ["instance", "started", "status", "statement"],
        (
            [
                f"<code>{escape(instance.instance_id)}</code>",
                _time(instance.started),
                f'<span class="{"bad" if instance.failure else ""}">{instance.task_status}</span>',
                f"<code>{escape(instance.job.query[:_LONGEST_TEXT])}</code>{_failure(instance)}",
            ]
            for instance in instances
        ),
    )


def _failure(instance: Instance) -> str:
    return f'<br><span class="bad">{escape(instance.failure[:_LONGEST_TEXT])}</span>' if instance.failure else ""


def _requests(control: Control) -> str:
    return _grid(
        ["#", "operation", "request", "status", "ms", "faults"],
        (
            [
                str(request.number),
                request.operation.value,
                f"<code>{escape(request.method)} {escape(request.path)}</code>",
                str(request.status) if request.status is not None else '<span class="bad">none</span>',
                f"{request.seconds * 1000:.0f}",
                ", ".join(map(str, request.faults)),
            ]
            for request in list(control.requests)[: -_MOST_SHOWN - 1 : -1]
        ),
    )


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
