"""The client of the control route: injects faults into a running endpoint, and reads what happened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from airflow_provider_kafka_odps.local.faults import (
    Fault,
    Operation,
    Rule,
    RuleState,
    dump,
    load_request,
    load_rule,
    load_state,
)
from airflow_provider_kafka_odps.local.faults import Request as SeenRequest

_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class EndpointControl:
    """Injects faults into the endpoint at this URL, and reads what happened."""

    endpoint: str

    def inject(
        self,
        operation: Operation,
        fault: Fault,
        *,
        nth: int = 1,
        times: int = 1,
        table: str | None = None,
        block_id: int | None = None,
    ) -> Rule:
        """Let `fault` happen to the requests [nth, nth + times) of those that match, counted from 1 from now on.

        Returns the rule with its number. Raises ValueError when the endpoint refuses the rule.
        """
        rule = Rule(operation, fault, nth, times, table, block_id)
        return load_rule(self._ask("POST", "faults", dump(rule)))

    def clear(self) -> None:
        """Forget all faults."""
        self._ask("DELETE", "faults")

    def faults(self) -> list[RuleState]:
        """Return every rule, how many requests matched it, and the numbers of those it fired at."""
        return [load_state(state) for state in self._ask("GET", "faults")]

    def requests(self, operation: Operation = Operation.ANY, after: int = 0) -> list[SeenRequest]:
        """Return the requests so far, the oldest first; `after` is the number of the last one known."""
        seen = [load_request(request) for request in self._ask("GET", f"requests?after={after}")]
        return [request for request in seen if operation in (Operation.ANY, request.operation)]

    def force_status(self, upload_id: str, status: str) -> None:
        """Set the status of an upload session, such as "expired" or "closing", until it is given another one.

        Raises ValueError for an unknown session or status.
        """
        self._ask("PUT", f"uploads/{upload_id}", {"status": status})

    def pace_statements(self, polls: int = 0, seconds: float = 0.0) -> None:
        """Show new statements as running to so many requests for their status, and for so many seconds at least.

        `pace_statements()` shows them as they are again. Raises ValueError when the endpoint refuses the numbers.
        """
        self._ask("PUT", "statements", {"polls": polls, "seconds": seconds})

    def fail_insert(self, words: str, *, part: bool = False, cancelled: bool = False) -> None:
        """Let the next INSERT be accepted, and fail with these words, such as "ODPS-0110999:…", once it runs.

        With `part` the rows of one of its partitions stay behind; `cancelled` ends it as Cancelled.
        """
        self._ask("PUT", "inserts", {"words": words, "part": part, "cancelled": cancelled})

    def forget_instance(self, instance_id: str) -> None:
        """Forget an instance that has ended, and its name. Raises ValueError for one that is not there, or runs."""
        self._ask("DELETE", f"instances/{instance_id}")

    def _ask(self, method: str, path: str, content: Any = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        request = Request(f"{self.endpoint}/_control/{path}", body, method=method)  # noqa: S310 - the endpoint's own URL
        # Proxies of the environment are for other machines.
        opener = build_opener(ProxyHandler({}))
        try:
            with opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                text = answer.read()
        except HTTPError as reason:
            with reason:
                raise ValueError(f"the endpoint refuses {method} {path}: {reason.read().decode()}") from None
        return json.loads(text) if text else None
