"""A broker with logins and an access list, and its administrator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient
from kit.secure_broker import SecureBroker, secure_broker


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """Return a broker with logins of every kind and an access list."""
    with secure_broker(tmp_path_factory.mktemp("secure")) as broker:
        yield broker


@pytest.fixture(scope="session")
def root(secure: SecureBroker) -> Iterator[KafkaAdminClient]:
    """Return its administrator."""
    client = KafkaAdminClient(bootstrap_servers=secure.plain)
    yield client
    client.close()
