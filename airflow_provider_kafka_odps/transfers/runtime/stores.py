"""Airflow's state stores: of the task instance, and of the table's asset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow.sdk import Asset
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.history.store import NoAssetStore, Store
from airflow_provider_kafka_odps.core.versioned import VERSION


@dataclass(frozen=True, slots=True)
class AssetStore:
    """Airflow's state store of one asset; every task that loads the table may write to it."""

    accessor: Any

    def get(self, key: str) -> Mapping[str, Any] | None:
        """Return what was set last, or None."""
        written: Mapping[str, Any] | None = self.accessor.get(key)
        return written

    def set(self, key: str, value: Mapping[str, Any]) -> None:
        """Set the value. Airflow's own error fails the attempt: what is not remembered must not be loaded."""
        self.accessor.set(key, dict(value))

    def delete(self, key: str) -> None:
        """Forget the value."""
        self.accessor.delete(key)


def asset_store(context: Mapping[str, Any], asset: Asset | None) -> Store:
    """Return the state store of an asset, or one that remembers nothing where the task was not registered with it.

    Airflow knows inlets and outlets of a mapped task only if they are given to ``partial``.
    """
    stores = context.get("asset_state_store")
    if asset is None or stores is None:
        return NoAssetStore()
    try:
        return AssetStore(stores[asset])
    except KeyError:
        return NoAssetStore()


JOURNAL_KEY = "kafka_to_maxcompute"
"""The key of the journal in the task's state store."""


PROGRESS_KEY = "progress"
"""The key of how far a load is, beside it."""


_PLANNING = "planning"


_FORGETS = (
    "Airflow's configuration has [state_store] clear_on_success = True: it deletes this task's journal as soon as the "
    "task succeeds. Retries are safe, but clearing the task afterwards plans a new window and loads it: appended rows "
    "may be there twice, and other rows may be overwritten. Set it to False to have a cleared task keep its window"
)


class StateStoreJournal:
    """The journal in Airflow's task state store: it survives retries, kills and clears, and fences off old attempts."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        store = context.get("task_state_store")
        if store is None:
            raise InvalidInput(
                "the task's context has no 'task_state_store', in which the window is recorded before it is read; "
                "it exists since Airflow 3.3, inside a running task"
            )
        self._store = store

    def load(self) -> Mapping[str, Any] | None:
        """Return what was saved last, or None."""
        written: Mapping[str, Any] | None = self._store.get(JOURNAL_KEY)
        return None if written is not None and written.get("phase") == _PLANNING else written

    def begin(self) -> None:
        """Save, where nothing is saved yet, that a window is being planned; refused as ``save`` is."""
        self.save({"version": VERSION, "phase": _PLANNING})

    def save(self, entry: Mapping[str, Any]) -> None:
        """Replace what was saved; Airflow refuses this to an attempt that is no longer the current one."""
        from airflow.sdk.execution_time.context import NEVER_EXPIRE

        self._store.set(JOURNAL_KEY, dict(entry), retention=NEVER_EXPIRE)

    def warn_if_forgetful(self, warn: Callable[[str], None]) -> None:
        """Say, once per run, what it costs that Airflow is configured to delete the journal of a task that succeeds."""
        from airflow.sdk.configuration import conf

        # While nothing is recorded yet: a retry of the same run need not hear it again.
        if self.load() is None and conf.getboolean("state_store", "clear_on_success", fallback=False):
            warn(_FORGETS)


class ShownProgress:
    """Writes how far the load is into the task's state store, for pages and for those who ask Airflow's REST API.

    It is called by the load itself, while that runs: in a handler of signals the call could wait for the very one that
    the signal has interrupted.
    """

    def __init__(self, context: Mapping[str, Any], log: Callable[[str], None]) -> None:
        """Take the task's context, and its log."""
        self._store, self._log, self._failed = context["task_state_store"], log, False

    def __call__(self, entry: Mapping[str, Any]) -> None:
        """Replace what was written before; what fails is in the log, once, and no reason for a load to fail."""
        try:
            self._store.set(PROGRESS_KEY, dict(entry))
        except Exception as error:  # noqa: BLE001 - whatever it is: nobody looks on, and the load goes on
            if not self._failed:
                self._log(f"the load goes on, but its page does not show how far it is: {error}")
            self._failed = True
