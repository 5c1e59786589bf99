"""What the endpoint refuses: errors of the two protocols and of SQL, with the codes of the service."""

from __future__ import annotations


class ServiceError(Exception):
    """A request that is refused: `status` is the HTTP status, `code` the code clients map to a class."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Refuse with this status, code and message."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class MalformedError(ServiceError):
    """A body that is not in its format: nothing of it is kept."""

    def __init__(self, message: str, code: str = "MalformedDataStream") -> None:
        """Refuse the bytes with 400."""
        super().__init__(400, code, message)


class DiskError(ServiceError):
    """The disk, or the system, did not take a change: nothing of it is there, in memory or on the disk.

    The status is none of 500 and above, although the fault is ours: clients repeat such requests for minutes.
    """

    def __init__(self, message: str) -> None:
        """Refuse the request with 400."""
        super().__init__(400, "StorageFailure", message)


class UnsureDiskError(DiskError):
    """The disk failed after a change could be seen: it is there now, and nobody knows whether it will stay."""

    def __init__(self, message: str) -> None:
        """Answer 500: clients look what became of their request."""
        super().__init__(message)
        self.status = 500
        self.code = "InternalServerError"


class SqlError(Exception):
    """A statement that fails: `code` is the service's number, such as ODPS-0130131."""

    def __init__(self, code: str, message: str) -> None:
        """Fail with this code; the text is what clients parse the code from."""
        super().__init__(f"{code}:{message}")
        self.code = code

    @classmethod
    def parse(cls, line: int, column: int, message: str) -> SqlError:
        """Return the error of a statement that cannot be parsed."""
        return cls("ODPS-0130161", f"[{line},{column}] Parse exception - {message}")

    @classmethod
    def semantic(cls, message: str) -> SqlError:
        """Return the error of a statement that can be parsed but not resolved."""
        return cls("ODPS-0130071", f"[0,0] Semantic analysis exception - {message}")

    @classmethod
    def no_table(cls, name: str) -> SqlError:
        """Return the error of a table that doesn't exist."""
        return cls("ODPS-0130131", f"[0,0] Table not found - table {name} cannot be resolved")

    @classmethod
    def ddl(cls, message: str) -> SqlError:
        """Return the error of a definition whose object exists already, or does not exist."""
        return cls("ODPS-0110061", f"Failed to run ddltask - {message}")

    @classmethod
    def unsupported(cls, message: str) -> SqlError:
        """Return the error of a feature that this endpoint doesn't have."""
        return cls("ODPS-0130141", f"[0,0] Unsupported feature - {message}")
