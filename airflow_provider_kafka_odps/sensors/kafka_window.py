"""The sensor: wait until a topic has a window's worth of records, without a worker slot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_kafka_odps.core.window.goal import SinceInput, parse_goal, portable
from airflow_provider_kafka_odps.core.window.parsing import BoundInput
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError
from airflow_provider_kafka_odps.triggers.kafka_window import KafkaWindowTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context


class KafkaWindowSensor(BaseSensorOperator):
    """Wait until a topic has reached an offset or a time, or has so many new offsets.

    Its XCom is where the awaited window ends, per partition, as JSON text: ``end=wait.output`` of
    ``KafkaToMaxComputeOperator`` takes it. It waits in the triggerer, so no worker slot is taken.
    A quiet partition never reaches a time: ``quorum="any"`` waits for one partition only, and ends the others at
    their log ends.

    :param topic: the topic. *(templated)*
    :param until: what every partition's log has to reach: a time with a zone, one offset, or offsets per partition as a
        dict or JSON text. *(templated)*
    :param new_offsets: in place of ``until``: how many offsets, of all partitions together, have to be there behind
        ``since``. *(templated)*
    :param since: from where ``new_offsets`` counts: ``"earliest"``, ``"committed"`` (by the group of the connection),
        offsets, or a window from XCom. *(templated)*
    :param quorum: ``"all"`` partitions have to reach a time, or ``"any"``.
    :param partitions: look at these partitions only: a list, or text such as ``"0,2-4"``. *(templated)*
    :param isolation_level: ``"read_committed"``: what an open transaction hides has not come; or
        ``"read_uncommitted"``.
    :param kafka_config_id: the Airflow connection of the Kafka cluster.
    :param deferrable: wait in the triggerer; False pokes from a worker, as ``mode`` says.
    :param poke_interval: seconds between two questions.
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
        """Return the ends at once where the topic has them already; wait otherwise."""
        if not self.deferrable:
            return super().execute(context)
        end = self._ask()
        if end is None:
            self.defer(trigger=self._trigger(), method_name="finish", timeout=timedelta(seconds=float(self.timeout)))
        return end

    def poke(self, context: Context) -> PokeReturnValue:
        """Ask once."""
        del context
        end = self._ask()
        return PokeReturnValue(is_done=end is not None, xcom_value=end)

    def finish(self, context: Context, event: dict[str, str]) -> str:
        """Return what the trigger found; fail, without retries, where it found that it never will."""
        del context
        if "error" in event:
            raise AirflowFailException(event["error"])
        return event["end"]

    def _ask(self) -> str | None:
        try:
            return self._trigger().ask()
        except KafkaOdpsError as error:
            if error.retry_helps:
                self.log.warning("failed to ask the broker, retrying: %s", error)
                return None
            _fail(error)

    def _trigger(self) -> KafkaWindowTrigger:
        goal = {
            "until": portable(self.until),
            "new_offsets": self.new_offsets,
            "since": portable(self.since),
            "quorum": self.quorum,
            "partitions": self.partitions,
            "isolation_level": self.isolation_level,
        }
        # Here, and not in the triggerer, a typing error is found.
        parse_goal(**goal)
        return KafkaWindowTrigger(self.topic, goal, float(self.poke_interval), self.kafka_config_id)


def _fail(error: KafkaOdpsError) -> NoReturn:
    raise AirflowFailException(f"{type(error).__name__}: {error}") from error
