"""The sensor: wait until a topic has the records of a window, without a worker slot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_kafka_odps.core.journal.short_text import short_lines
from airflow_provider_kafka_odps.core.window.goal import SinceInput, parse_goal, portable
from airflow_provider_kafka_odps.core.window.parsing import BoundInput
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError
from airflow_provider_kafka_odps.hooks.masking import masked
from airflow_provider_kafka_odps.triggers.kafka_window import KafkaWindowTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context


class KafkaWindowSensor(BaseSensorOperator):
    """Wait until a topic has reached an offset or a time, or has so many new offsets.

    Its XCom is the end of the window, an offset per partition, as JSON text: give ``end=wait.output`` to
    ``KafkaToMaxComputeOperator``. The sensor waits in the triggerer, so it takes no worker slot.
    A partition without new records never reaches a time. With ``quorum="any"`` the sensor waits for one partition
    only; for the others, the window ends at the end of their logs.

    :param topic: the topic. *(templated)*
    :param until: wait until the log of every partition has reached this: a time with a zone, one offset, or offsets per
        partition as a dict or JSON text. *(templated)*
    :param new_offsets: in place of ``until``: wait until there are so many offsets after ``since``, all partitions
        together. *(templated)*
    :param since: where to start counting ``new_offsets``: ``"earliest"``, ``"committed"`` (by the consumer group of the
        connection), offsets, or a window from XCom. *(templated)*
    :param quorum: ``"all"``: wait until all partitions have reached the time; ``"any"``: until one has.
    :param partitions: look only at these partitions: a list, or text such as ``"0,2-4"``. *(templated)*
    :param isolation_level: ``"read_committed"``: do not count records of open transactions; ``"read_uncommitted"``:
        count them.
    :param kafka_config_id: the Airflow connection of the Kafka cluster.
    :param deferrable: wait in the triggerer; if False, poke from a worker, as ``mode`` says.
    :param poke_interval: seconds to wait before the broker is asked again.
    """

    template_fields: Sequence[str] = ("topic", "until", "new_offsets", "since", "partitions")
    template_fields_renderers: ClassVar[dict[str, str]] = {"until": "json", "since": "json"}
    ui_color = "#e8f1fb"

    def __init__(  # noqa: PLR0913 - each is a parameter of the wait, named at the call
        self,
        *,
        topic: str,
        until: BoundInput | None = None,
        new_offsets: int | str | None = None,
        since: SinceInput = "earliest",
        quorum: str = "all",
        partitions: Sequence[int] | str | None = None,
        isolation_level: str = "read_committed",
        kafka_config_id: str = "kafka_default",
        deferrable: bool = True,
        poke_interval: float = 30.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.topic = topic
        self.until = until
        self.new_offsets = new_offsets
        self.since = since
        self.quorum = quorum
        self.partitions = partitions
        self.isolation_level = isolation_level
        self.kafka_config_id = kafka_config_id
        self.deferrable = deferrable

    def execute(self, context: Context) -> Any:
        """Return the end at once if the topic has it already; wait otherwise."""
        if not self.deferrable:
            return super().execute(context)
        end = self._ask()
        if end is None:
            self.defer(trigger=self._asking, method_name="finish", timeout=timedelta(seconds=float(self.timeout)))
        return end

    def poke(self, context: Context) -> PokeReturnValue:
        """Ask the broker once."""
        del context
        end = self._ask()
        return PokeReturnValue(is_done=end is not None, xcom_value=end)

    def finish(self, context: Context, event: dict[str, str]) -> str:
        """Return the end that the trigger found; fail without retries on an error that a retry does not fix."""
        del context
        if "error" in event:
            raise _final(event["error"])
        return event["end"]

    def _ask(self) -> str | None:
        try:
            return self._asking.ask()
        except KafkaOdpsError as error:
            if error.retry_helps:
                self._asking.warn(error)
                return None
            raise _final(f"{type(error).__name__}: {error}") from None

    @cached_property
    def _asking(self) -> KafkaWindowTrigger:
        """What asks, once for all pokes of this process: it knows what it has said."""
        goal = {
            "until": portable(self.until),
            "new_offsets": self.new_offsets,
            "since": portable(self.since),
            "quorum": self.quorum,
            "partitions": self.partitions,
            "isolation_level": self.isolation_level,
        }
        # Here, so that a mistake in the parameters fails the task, and not the triggerer.
        parse_goal(**goal)
        return KafkaWindowTrigger(self.topic, goal, float(self.poke_interval), self.kafka_config_id)


def _final(text: str) -> AirflowFailException:
    return AirflowFailException(short_lines(masked(text), f"{AirflowFailException.__name__}: "))
