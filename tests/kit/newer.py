"""Print which installed packages are not those of constraints.txt: ``python -m kit.newer constraints.txt``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def pinned(lines: Iterable[str]) -> dict[str, str]:
    """Return the version of each package that a file of constraints pins for this interpreter."""
    wanted = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    here = (each for each in wanted if each.marker is None or each.marker.evaluate())
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in here}


def others(pins: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, pinned and installed version of each package that is not at its pin."""
    for found in sorted(metadata.distributions(), key=lambda each: each.name.lower()):
        pin = pins.get(canonicalize_name(found.name))
        if pin is not None and pin != found.version:
            yield found.name, pin, found.version


def table(rows: Iterable[tuple[str, str, str]]) -> str:
    """Return the rows below a caption, in columns."""
    cells = [("package", "constraints.txt", "here"), *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(2)]
    lines = [f"{name:<{widths[0]}}  {pin:<{widths[1]}}  {here}" for name, pin, here in cells]
    return "\n".join(lines) if len(cells) > 1 else "every package is the one of constraints.txt"


if __name__ == "__main__":
    print(table(others(pinned(Path(sys.argv[1]).read_text().splitlines()))))  # noqa: T201 - a page to look at
