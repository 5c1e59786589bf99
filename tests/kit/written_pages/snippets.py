"""Copies of the example DAGs in pages: a repository's own pages show what stands in them, and include nothing."""

from __future__ import annotations

import re

from kit.airflow_home import ROOT

MARK = re.compile(
    r"^<!-- copied from (?P<path>\S+?)(?: \[(?P<part>\w+)\])? -->\n(?:```.*?^```\n)?", re.MULTILINE | re.DOTALL
)
"""Before each copy: the file, and the part between its START and END marks, or nothing for the whole file."""
_MARK_OF_PART = re.compile(r"^# \[(?:START|END) \w+\]\n?", re.MULTILINE)
_LANGUAGES = {".py": "python", ".json": "json"}


def with_snippets(page: str) -> str:
    """Return a page with every copy as the file has it now."""
    return MARK.sub(_copied, page)


def _copied(found: re.Match[str]) -> str:
    path, part = found["path"], found["part"]
    file = ROOT / path
    text = file.read_text(encoding="utf-8")
    body = between(text, part) if part else _MARK_OF_PART.sub("", text).strip("\n")
    named = f"{path} [{part}]" if part else path
    return f"<!-- copied from {named} -->\n```{_LANGUAGES.get(file.suffix, 'text')}\n{body}\n```\n"


def between(text: str, part: str) -> str:
    r"""Return what stands between the START and the END mark of a part.

    >>> between("a\n# [START x]\nb\n# [END x]\nc", "x")
    'b'
    """
    found = re.search(rf"\[START {part}\][^\n]*\n(?P<body>.*?)\n[^\n]*\[END {part}\]", text, re.DOTALL)
    assert found, f"there is no part {part!r}"
    return found["body"]
