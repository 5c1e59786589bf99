"""Values with a version, written by an earlier release or edited by an administrator."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kafka_odps.core.versioned import VERSION, read_entry, read_versioned
from airflow_provider_kafka_odps.exceptions import InvalidInput


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ({"version": 2, "n": 1}, "InvalidInput: version 2 is not the 1 that this release reads"),
        ({"version": "1", "n": 1}, "InvalidInput: version '1' is not the 1"),
        ({"n": 1}, "KeyError: 'version'"),
        ({"version": VERSION}, "KeyError: 'n'"),
        ({"version": VERSION, "n": "x"}, "ValueError: invalid literal"),
        ({"version": VERSION, "n": None}, "TypeError: int"),
        ([], "TypeError: list indices"),
        (None, "TypeError: 'NoneType'"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_remedy(written: Any, seen: str) -> None:
    """Another version, a part that is missing, and one of another kind: the message has what it was and what to do."""
    with (
        pytest.raises(InvalidInput, match=rf"^the thing cannot be read \({seen}.*\)\. Look$"),
        read_versioned(written, "the thing cannot be read", ". Look"),
    ):
        int(written["n"])


def test_what_a_user_wrote_is_shown() -> None:
    """Where nothing has to be fixed in a store, the value itself says what is wrong."""
    with (
        pytest.raises(InvalidInput, match=r"^this is no thing \(KeyError: 'n'\): \{'version': 1\}$"),
        read_versioned({"version": 1}, "this is no thing"),
    ):
        raise KeyError("n")


def test_an_entry_is_named_by_its_key() -> None:
    """Whoever has to fix it finds it by the key, in the place that is named."""
    place = (
        r"^the cut 'cut:k' in the state store of the table's asset cannot be read \(KeyError: 'version'\): delete it$"
    )
    with pytest.raises(InvalidInput, match=place), read_entry({}, "the cut", "cut:k", "delete it"):
        raise AssertionError("nothing is read of it")
