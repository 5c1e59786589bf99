"""The parts of a job that say what it does: reader, writer, settings, and the steps between reader and writer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_kafka_odps.dataworks.settings import Render, Settings, says_nothing
from airflow_provider_kafka_odps.exceptions import InvalidJob

# What has no counterpart here, and changes neither the rows nor what is lost.
_WITHOUT_MEANING = {
    "reader": (
        "server", "groupId", "kafkaConfig", "headerEncoding", "stopWhenReachEndOffset", "stopWhenPollEmpty",
        "skipExceedRecord", "fetchMinBytes", "fetchMaxWaitMs", "sessionTimeoutMs", "timeZone",
    ),
    "writer": (
        "odpsServer", "tunnelServer", "accessId", "accessKey", "securityToken", "accountType", "consistencyCommit",
        "maxRetryTime", "blockSizeInMB", "writeTimeoutInMs", "overLengthRule", "maxFieldLength", "maxOdpsFieldLength",
        "enableOverLengthOutput", "maxOverLengthOutputCount", "dynamicPartitionMemUsageFlushIntervalInMinute",
    ),
    "setting": ("jvmOption", "executeMode", "failoverEnable", "errorLimit", "speed", "common"),
}  # fmt: skip


STEP_KEYS = frozenset(
    {"steptype", "name", "category", "parameter", "displayname", "description", "copies", "columnindex", "gui"}
)
"""What a step or a transformer has that says nothing about rows, beside its parameter."""


FILTERS = (
    "how such a step is written in a job is not documented: take it out, and write where= of the operator, such as "
    "where=\"type = 'order' AND amount >= 10\" (docs: Column mapping, Filters)"
)
"""Why a step that leaves out records is refused, and what to do."""


ALTERING = frozenset(
    {
        "where", "filter", "filters", "condition", "conditions", "transformer", "transformers", "transform", "querysql",
        "nullformat", "missingkeyvalue", "fieldmapping", "distinct", "limit", "sample",
    }
)  # fmt: skip
"""Keys, in lower case, that change or leave out rows wherever they stand, and have no counterpart here."""


def refuse_altering(part: Settings) -> None:
    """Raise InvalidJob for keys that change rows and that nobody has asked for."""
    unknown = [(place, place.rpartition(".")[2]) for place in part.unknown()]
    found = [place for place, key in unknown if key.lower() in ALTERING and not says_nothing(part.raw(key))]
    if found:
        raise InvalidJob(
            *(
                f"{place} changes rows or leaves some out, and has no counterpart here. Do the same in SQL behind the "
                "load, or take it out and write functions behind the columns of the operator (docs: Column mapping)"
                for place in found
            )
        )


def refuse_unknown(places: Sequence[str], known: str = "") -> None:
    """Raise InvalidJob for keys that nobody understands, in a part of the job that changes rows."""
    if places:
        raise InvalidJob(*(f"{place} is not known here, and may change rows{known}" for place in places))


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to the values of a record between reader and writer."""

    kind: str
    """Such as ``stringreplace`` or ``dx_pad``."""
    parameter: Settings


@dataclass(frozen=True, slots=True)
class Job:
    """The parts of a job that say what it does."""

    reader: Settings
    writer: Settings
    setting: Settings
    common: Settings
    """How texts become times: ``common.column``."""
    steps: tuple[Step, ...] = ()
    unread: tuple[str, ...] = ()
    """Keys beside these parts that nobody understands."""
    refused: tuple[str, ...] = ()
    """What cannot be run, as far as it is known by now: a sentence for each."""

    def with_variables(self, render: Render) -> Job:
        """Return the same job, with the variables in every text that is read of reader, writer and settings rendered.

        Texts of steps are parts of expressions, where quotes have to be minded; they are rendered there.
        """
        reader, writer, setting = (each.rendered(render) for each in (self.reader, self.writer, self.setting))
        return Job(reader, writer, setting, self.common, self.steps, self.unread, self.refused)

    def unknown(self) -> list[str]:
        """Return the keys that nobody understands; to be asked when everything was read."""
        parts = {"reader": self.reader, "writer": self.writer, "setting": self.setting}
        for name, part in parts.items():
            for key in _WITHOUT_MEANING[name]:
                part.has(key)
        return [*self.unread, *(key for part in parts.values() for key in part.unknown())]
