"""Messages as they were before they were laid out in short lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


def unbroken(text: object) -> str:
    """Return a text in one line, each of its line breaks with what is around it as one space."""
    return " ".join(str(text).split())


@contextmanager
def fails(message: str, kind: type[BaseException] = Exception) -> Iterator[pytest.ExceptionInfo[BaseException]]:
    """Expect an error whose unbroken text has ``message``, a regular expression, in it."""
    with pytest.raises(kind) as failed:
        yield failed
    said = unbroken(failed.value)
    assert re.search(message, said), said
