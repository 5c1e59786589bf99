"""Upload sessions of PyODPS, as a person who reads its documentation opens them."""

from __future__ import annotations

from typing import Any

import odps.tunnel.io.writer  # noqa: F401 - PyODPS imports it late; that is not to be paid while it is timed
from benchmarks.ways.orders import Orders
from odps import ODPS
from odps.tunnel import TableTunnel


def open_session(orders: Orders, upload_id: str | None = None) -> Any:
    """Open a session, or attach one that another process has opened."""
    client = ODPS(orders.access_id, orders.access_key, orders.project, orders.endpoint, overwrite_global=False)
    tunnel = TableTunnel(client, endpoint=orders.endpoint)
    return tunnel.create_upload_session(orders.table, upload_id=upload_id)
