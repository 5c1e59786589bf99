"""``PYTHONPATH=tests python -m kit.layers_picture`` draws docs/layers.svg from the contracts of import-linter."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any

_ROOT = Path(__file__).parents[2]
_PACKAGE = "airflow_provider_kafka_odps"
PICTURE = _ROOT / "docs" / "layers.svg"

_WIDTH, _ASIDE, _GAP, _PAD = 760, 150, 8, 10
_LINE, _NAME = 14, 18
_LETTER = 5.6
"""Pixels of a letter of a caption, about."""
_STYLE = """
text { font-family: system-ui, sans-serif; fill: #1f2937; }
.name { font-size: 13px; font-weight: 600; }
.caption { font-size: 11px; fill: #4b5563; }
.outer { fill: #eef4fb; stroke: #7c93ad; }
.inner { fill: #ffffff; stroke: #b8c4d2; }
"""


@dataclass(frozen=True)
class Layer:
    """Packages or modules side by side, of which none imports another one; what is drawn below may be imported."""

    names: tuple[str, ...]


def layers(container: str) -> list[Layer]:
    """Return the layers within a package, the highest first, as a contract of pyproject.toml says; [] without one."""
    return [Layer(tuple(part.strip() for part in text.split("|"))) for text in _contracts().get(container, [])]


@cache
def _contracts() -> Mapping[str, Sequence[str]]:
    pyproject: dict[str, Any] = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    return {each["containers"][0]: each["layers"] for each in contracts if each["type"] == "layers"}


def caption(name: str) -> str:
    """Return the caption of a package; modules are drawn without one."""
    path = _ROOT.joinpath(*name.split("."), "__init__.py")
    if not path.is_file():
        return ""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.split("\n")[0].split(";")[0].removesuffix(".")


def _lines(name: str, width: float) -> list[str]:
    return wrap(caption(name), int((width - 2 * _PAD) / _LETTER))


def _height(name: str, width: float) -> float:
    """Return how high the box of a package is, with the layers within it."""
    text = _PAD + _NAME + _LINE * len(_lines(name, width))
    rows = [_row_height(name, layer, width - 2 * _PAD) + _GAP for layer in layers(name)]
    return text + sum(rows) + (_PAD - _GAP if rows else _PAD - 4)


def _row_height(container: str, layer: Layer, width: float) -> float:
    widths = _widths(container, layer, width)
    return max(_height(f"{container}.{name}", each) for name, each in zip(layer.names, widths, strict=True))


def _widths(container: str, layer: Layer, width: float) -> list[float]:
    """Return how wide each box of a row is: those with layers of their own get three times as much as others."""
    shares = [3 if layers(f"{container}.{name}") else 1 for name in layer.names]
    if len(set(shares)) == 1:
        shares = [1] * len(shares)
    left = width - _GAP * (len(shares) - 1)
    return [left * share / sum(shares) for share in shares]


def _box(name: str, x: float, y: float, size: tuple[float, float], style: str) -> Iterator[str]:
    """Yield the box of a package or module, and what is within it."""
    width, height = size
    shape = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"'
    yield f'<rect class="{style}" {shape}/>'
    y += _PAD + _NAME - 6
    yield f'<text class="name" x="{x + _PAD:g}" y="{y:g}">{escape(name.rpartition(".")[2])}</text>'
    for line in _lines(name, width):
        y += _LINE
        yield f'<text class="caption" x="{x + _PAD:g}" y="{y:g}">{escape(line)}</text>'
    yield from _rows(name, x + _PAD, y + 6, width - 2 * _PAD, "inner")


def _rows(container: str, x: float, y: float, width: float, style: str) -> Iterator[str]:
    """Yield the layers of a container, from the top down."""
    for layer in layers(container):
        height, left = _row_height(container, layer, width), x
        for name, each in zip(layer.names, _widths(container, layer, width), strict=True):
            yield from _box(f"{container}.{name}", left, y, (each, height), style)
            left += each + _GAP
        y += height + _GAP


def picture() -> str:
    """Return the picture as SVG: a box for each package, above what it may import; and the local endpoint apart."""
    inner = _WIDTH - _ASIDE - _GAP - 2 * _PAD
    height = sum(_row_height(_PACKAGE, layer, inner) + _GAP for layer in layers(_PACKAGE)) - _GAP
    aside = _box(f"{_PACKAGE}.local", _WIDTH - _ASIDE - _PAD, _PAD, (_ASIDE, height), "outer")
    total = height + 2 * _PAD
    body = [*_rows(_PACKAGE, _PAD, _PAD, inner, "outer"), *aside]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {total:g}" role="img">',
            "<title>Each package imports only what is drawn below it</title>",
            f"<style>{_STYLE}</style>",
            f'<rect width="{_WIDTH}" height="{total:g}" fill="#ffffff"/>',
            *body,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
