"""``python -m airflow_provider_kafka_odps``."""

from __future__ import annotations

import sys

from airflow_provider_kafka_odps.commands.command import main
from airflow_provider_kafka_odps.standard_output import readers_may_leave

if __name__ == "__main__":
    with readers_may_leave():
        sys.exit(main())
