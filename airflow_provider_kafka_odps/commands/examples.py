"""``examples DIR``: the example DAGs, as files that a user can change."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from airflow_provider_kafka_odps.commands.ending import Code
from airflow_provider_kafka_odps.commands.options import Subparsers, add_json
from airflow_provider_kafka_odps.commands.terminal import Terminal

_PACKAGE = Path(__file__).parents[1]
_NEXT_STEP = (
    "Next: try your connections by `python -m airflow_provider_kafka_odps check`, put the folder where Airflow looks "
    "for DAGs, and change topic, table and columns."
)


def add(commands: Subparsers, program: str) -> None:
    """Add the command."""
    examples = commands.add_parser(
        "examples",
        help="copy the example DAGs into a folder",
        description="Copy the example DAGs into a folder; a file that exists is never overwritten.",
        epilog=f"Example: {program} examples dags/kafka_odps",
    )
    examples.add_argument("folder", metavar="DIR", type=Path, help="the folder; it is created if it is missing")
    add_json(examples)
    examples.set_defaults(run=_run)


def _run(asked: argparse.Namespace, terminal: Terminal) -> Code:
    try:
        written = [str(path) for path in _copy_examples(asked.folder)]
    except OSError as problem:
        terminal.complain(problem)
        return Code.NO
    terminal.say("\n".join([f"Wrote {len(written)} files:", *(f"  {path}" for path in written), _NEXT_STEP]))
    terminal.document({"written": written})
    return Code.YES


def _copy_examples(folder: Path) -> list[Path]:
    """Copy the example DAGs into a folder, which is created if it is missing, and return what was written.

    Raises FileExistsError with every file that exists already, before anything is written; other errors of the disk
    as they are.
    """
    examples = dict(_examples())
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder; nothing was written")
    if existing := [str(folder / name) for name in examples if (folder / name).exists()]:
        raise FileExistsError(
            "these files exist and are not overwritten; nothing was written:\n  " + "\n  ".join(existing)
        )
    for name, source in examples.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as copy:
            copy.write(source.read_bytes())
    return [folder / name for name in examples]


def _examples() -> Iterator[tuple[str, Path]]:
    """Yield the files by their names below the folder: DAGs, and the jobs that one of them reads."""
    # Not `example_dags` in the package: Airflow loads a folder of this name of every provider.
    built = _PACKAGE / "examples"
    folder = built if built.is_dir() else _PACKAGE.parent / "example_dags"
    for path in sorted((*folder.glob("*.py"), *folder.glob("jobs/*.json"))):
        yield path.relative_to(folder).as_posix(), path
