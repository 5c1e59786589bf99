"""The examples of docs/connections.md, by their headings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_PAGE = Path(__file__).parents[2] / "docs" / "connections.md"


def documented(chapter: str) -> dict[str, dict[str, Any]]:
    """Return the connections of a chapter (``Kafka``, ``MaxCompute``), by the heading that each stands under."""
    text = re.split(r"^## ", _PAGE.read_text(), flags=re.MULTILINE)
    (found,) = [part for part in text if part.startswith(f"{chapter}\n")]
    sections = (section.partition("\n") for section in re.split(r"^### ", found, flags=re.MULTILINE)[1:])
    blocks = {name: re.findall(r"```json\n(.*?)```", body, flags=re.DOTALL) for name, _, body in sections}
    return {name: json.loads(block) for name, found in blocks.items() for block in found}
