"""What the mapping has and the table has not: decided once, before anything is read.

| ``on_schema_drift`` | a mapped column that the table lacks | a type in ``column_types`` that is not the table's |
|---|---|---|
| ``"fail"`` | is refused | is refused |
| ``"add"`` | is added to the table | is refused |
| ``"ignore"`` | is not loaded | gives way to the table's |
"""

from __future__ import annotations

from enum import StrEnum


class OnSchemaDrift(StrEnum):
    """What a difference between mapping and table leads to."""

    FAIL = "fail"
    ADD = "add"
    IGNORE = "ignore"
