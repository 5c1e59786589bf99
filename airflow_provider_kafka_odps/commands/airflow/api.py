"""The REST API of an Airflow, asked with a token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import quote, urlsplit

import requests

from airflow_provider_kafka_odps.exceptions import InvalidInput, Unreachable

_SECONDS = 60.0
"""For which one answer is waited."""
_PAGE = 100
"""What Airflow gives at once, at most."""
_REFUSED = (401, 403)
_NOT_THERE = 404
_OPERATOR = "KafkaToMaxComputeOperator"


class AirflowApi:
    """One Airflow, as one token sees it."""

    def __init__(self, url: str, token: str) -> None:
        """Take the base URL, with the path under which it is served, and a token."""
        self.url = _base(url)
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    @classmethod
    def of_user(cls, url: str, user: str, password: str) -> Self:
        """Log in by name and password."""
        base = _base(url)
        answer = _answer(base, lambda: requests.post(
            f"{base}/auth/token", json={"username": user, "password": password}, timeout=_SECONDS
        ))  # fmt: skip
        if not answer.ok:
            raise InvalidInput(
                f"Airflow at {base} does not know user {user!r} with this password ({answer.status_code})"
            )
        return cls(url, str(_json(base, answer)["access_token"]))

    @classmethod
    def of_anybody(cls, url: str) -> Self:
        """Take a token that Airflow gives to anybody, as it does where all users are administrators."""
        base = _base(url)
        answer = _answer(base, lambda: requests.get(f"{base}/auth/token", timeout=_SECONDS))
        if not answer.ok:
            raise InvalidInput(
                f"Airflow at {base} wants to know who asks: give --token-file, --user, or KAFKA_ODPS_AIRFLOW_TOKEN"
            )
        return cls(url, str(_json(base, answer)["access_token"]))

    def loads(self, dag_id: str, task_id: str | None, most: int) -> Iterator[Mapping[str, Any]]:
        """Yield task instances of a DAG that load into MaxCompute, the newest runs first: so many at most."""
        path = f"dags/{quote(dag_id, safe='')}/dagRuns/~/taskInstances"
        query: dict[str, Any] = {"order_by": "-run_after", "limit": _PAGE}
        if task_id is not None:
            query["task_id"] = task_id
        seen = given = 0
        while True:
            page = self.get(path, **query, offset=seen)
            if page is None:
                raise InvalidInput(f"Airflow at {self.url} has no DAG {dag_id!r}, or this token may not see it")
            instances = page["task_instances"]
            seen += len(instances)
            for each in instances:
                if _OPERATOR in (each.get("operator_name"), each.get("operator")):
                    yield each
                    given += 1
                    if given == most:
                        return
            if not instances or seen >= page["total_entries"]:
                return

    def xcom(self, instance: Mapping[str, Any], key: str) -> Any:
        """Return what a task instance has pushed; None where there is nothing."""
        names = ("dag_id", "dag_run_id", "task_id")
        dag_id, run_id, task_id = (quote(str(instance[name]), safe="") for name in names)
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{quote(key, safe='')}"
        found = self.get(path, deserialize=True, map_index=instance.get("map_index", -1))
        return None if found is None else found["value"]

    def asset(self, uri: str) -> int | None:
        """Return the number of an asset; None where no DAG has it."""
        found = self.get("assets", uri_pattern=uri, limit=_PAGE) or {"assets": []}
        return next((int(each["id"]) for each in found["assets"] if each["uri"].rstrip("/") == uri.rstrip("/")), None)

    def asset_entry(self, asset: int, key: str) -> Mapping[str, Any] | None:
        """Return an entry of an asset's state store; None where there is none."""
        found = self.get(f"assets/{asset}/state-store/{quote(key, safe='')}")
        return None if found is None else found["value"]

    def get(self, path: str, **query: Any) -> Any:
        """Return what Airflow answers; None where there is no such thing.

        Raises Unreachable where it does not answer, and InvalidInput where it refuses the token or is no Airflow.
        """
        url = f"{self.url}/api/v2/{path}"
        answer = _answer(self.url, lambda: self._session.get(url, params=query, timeout=_SECONDS))
        if answer.status_code in _REFUSED:
            raise InvalidInput(f"Airflow at {self.url} refuses {path} to this token ({answer.status_code})")
        if answer.status_code == _NOT_THERE:
            # Airflow says it as JSON; what is none was never Airflow.
            _json(self.url, answer)
            return None
        if not answer.ok:
            raise Unreachable(f"Airflow at {self.url} answers {answer.status_code} to {path}: {answer.text[:200]}")
        return _json(self.url, answer)


def _base(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInput(f"--airflow {url!r}: a base URL is wanted, such as http://localhost:8080")
    return url.rstrip("/")


def _answer(base: str, ask: Any) -> requests.Response:
    try:
        answer: requests.Response = ask()
    except requests.RequestException as problem:
        raise Unreachable(f"Airflow at {base} does not answer: {type(problem).__name__}") from None
    return answer


def _json(base: str, answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise InvalidInput(
            f"{base} is no base URL of an Airflow: it answers {answer.status_code} with what is no JSON"
        ) from None
