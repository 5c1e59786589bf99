"""The layout and the words of the package: small folders, names that the glossary explains, one name for one thing."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.airflow_home import ROOT

PACKAGE = ROOT / "airflow_provider_kafka_odps"
CORE = PACKAGE / "core"
MOST_MODULES = 10

LARGER: dict[str, str] = {}
"""Folders with more than ten modules, and why; the core has none."""

PLAIN = {
    "words of Kafka": "topic partition offset header committed earliest latest log",
    "for each of some": "per",
    "words of MaxCompute and SQL": "table schema type name statement sql odps spec",
    "words of Arrow and JSON": "arrow json path field leaf nested text number constant",
    "Airflow's word for an operator that moves something": "transfer",
    "parameters of the operator, whose names users type": "compression bad data short on fewer",
    "words of compilers": "compiler rule decoder parsing reader",
    "standard words of programming": "reading double clock zone time option plan no at versioned key",
    "an answer that was looked for": "found",
    "participles that say what has been done with a value": "projected checked prepared chained sieved taken counted",
    "the same, of what a clock shows": "shown",
    "the same, of what a load does": "sent measured",
    "the same, of a reason that ends with a hint": "hinted",
    "the same, of a value that the first way does not take": "retried",
    "what the packages of the core do": "accounting delivery writing committing settling reconciling loading rejecting",
    "the same, of rows that make room for others": "replacing overwriting",
    "words of SQL's conditions": "where both either negation is null one of matches parser tokenizer",
    "the same, of records that a condition is asked about": "comparing compared sorting sorted kept wanted",
    "the same, as a state": "reconciled running passing loaded",
    "another word for one before, which users type": "previous",
    "of a condition that is not taken, and what would be": "refused instead",
    "exact or not at all": "strict",
    "of a batch, what memory has no room for": "too much once",
    "for every value; for none; for each by its look": "always missing routed in usual",
    "how one is asked: what may be asked, what may be planned": "asked plannable",
}
"""Words in names of the core that need no explanation, by the reason why they do not."""


def _words(name: str) -> list[str]:
    """Return the words of a name, in lower case and singular.

    >>> _words("PartitionFacts"), _words("json_paths"), _words("Class")
    (['partition', 'fact'], ['json', 'path'], ['class'])
    """
    return [_singular(word.lower()) for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def _singular(word: str) -> str:
    if word.endswith(("ss", "us")):
        return word
    return {"leaves": "leaf", "losses": "loss"}.get(word, word.removesuffix("s"))


def _glossary() -> set[str]:
    """Return every word of the glossary's first columns."""
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").partition("## In messages and docs")[0]
    terms = re.findall(r"^\| (?!word \|)([^|]+?) \|", text, re.MULTILINE)
    return {word for term in terms for word in _words(term.replace(",", " ").title())}


def _plain() -> list[str]:
    return [_singular(word) for words in PLAIN.values() for word in words.split()]


def _modules(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.py")):
        # Python gives these their names.
        if path.stem not in {"__init__", "__main__"}:
            yield path


def _packages(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("__init__.py")):
        yield path.parent


def _names_of_core() -> set[str]:
    """Return the names of packages, modules and public classes of the core."""
    classes = {
        node.name
        for module in _modules(CORE)
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    rooms = {package.name for package in _packages(CORE)} - {"core"}
    return classes | rooms | {module.stem for module in _modules(CORE)}


@pytest.mark.parametrize("package", sorted(_packages(PACKAGE)), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_folder_has_few_modules(package: Path) -> None:
    """Ten modules are as many as one finds one's way in; where there are more, the table says why."""
    modules = [path for path in _modules(package) if path.parent == package]
    excepted = package.relative_to(PACKAGE).as_posix() in LARGER
    assert (len(modules) > MOST_MODULES) == excepted


def test_every_folder_of_the_core_is_small() -> None:
    """The core has no exceptions."""
    assert [folder for folder in LARGER if folder.startswith("core")] == []


def test_every_name_of_the_core_is_explained() -> None:
    """Each word in the name of a package, module or class of the core is in the glossary, or plain for a reason."""
    names = _names_of_core()
    known = {*_glossary(), *_plain()}
    unexplained = {name: [word for word in _words(name) if word not in known] for name in names}
    assert len(names) > 100
    assert {name: words for name, words in unexplained.items() if words} == {}


def test_no_plain_word_is_in_the_glossary_too() -> None:
    """A word that the glossary explains needs no other reason, and no word has two."""
    assert [word for word, times in Counter(_plain()).items() if times > 1] == []
    assert _glossary() & set(_plain()) == set()


def test_a_name_of_a_module_means_one_thing() -> None:
    """Two modules of the core have different names; a package's main module has that of the package."""
    names = Counter(module.stem for module in _modules(CORE))
    assert [name for name, times in names.items() if times > 1] == []
    packages = {package.name: package for package in _packages(CORE)}
    assert [module for module in _modules(CORE) if module.parent != packages.get(module.stem, module.parent)] == []


def test_names_do_not_say_too_little() -> None:
    """No name of the package contains a word that could be left out or replaced by what is meant."""
    empty = {"process", "handle", "manage", "do", "util", "helper", "misc", "data", "info", "impl", "tmp"}
    allowed = {"process.py": "a worker's process", "get_provider_info.py": "Airflow's name for it"}
    named = [path for path in _modules(PACKAGE) if empty & set(_words(path.stem))]
    assert [path.name for path in named if path.name not in allowed] == []
