"""What the rows of a load have of keys, values and headers, and what is NULL in them."""

from __future__ import annotations

from collections import Counter

from airflow_provider_kafka_odps.core.mapping.projection import Projected


class Content:
    """The running count of a window, or of a share of it; it can be sent to another process, and merged there."""

    def __init__(self) -> None:
        self.nulls: Counter[str] = Counter()
        """Column → rows that have NULL in it, of columns that are filled from records; without those that have none."""
        self.empty_rows = 0
        """Rows with NULL in every column that is filled from a value or a header."""

    def add(self, projected: Projected) -> None:
        """Count the rows of a batch."""
        self.nulls.update(projected.nulls)
        self.empty_rows += projected.empty_rows

    def merge(self, share: Content) -> None:
        """Take over what another process has counted."""
        self.nulls.update(share.nulls)
        self.empty_rows += share.empty_rows
