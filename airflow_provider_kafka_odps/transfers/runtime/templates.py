"""What a template asks for and this run does not have: said once, in words, and not tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.exceptions import InvalidInput, NoInterval

if TYPE_CHECKING:
    from airflow.sdk import Context


class Templates:
    """What of an operator is about its templates, in front of Airflow's own class.

    Airflow logs a template that cannot be rendered with a traceback, fails the attempt with another one, and tries
    again as often as ``retries`` say, although neither the run nor the template changes. So a text that cannot be
    rendered stays as it is, and ``check_templates`` raises when the task is executed.
    """

    _unrendered: InvalidInput | None = None

    def render_template(self, content: Any, context: Context, *args: Any, **kwargs: Any) -> Any:
        """Render as Airflow does; keep the first text that asks for something undefined for ``check_templates``."""
        from jinja2 import UndefinedError

        rendered: Any = None
        try:
            rendered = super().render_template(content, context, *args, **kwargs)  # type: ignore[misc]
        except UndefinedError as error:
            self._unrendered = self._unrendered or _refusal(content, error, context)
            return content
        return rendered

    def check_templates(self) -> None:
        """Raise InvalidInput, or NoInterval, if a text could not be rendered."""
        if self._unrendered is not None:
            raise self._unrendered


def _refusal(content: Any, error: Exception, context: Context) -> InvalidInput:
    said = f"the template {content!r} cannot be rendered in this run: {error}"
    if context.get("logical_date") is not None:
        return InvalidInput(f"{said}. Correct the template in the DAG's file")
    return NoInterval(
        f"{said}. This run has no logical date, and so no data interval: it was triggered without one. "
        "Trigger it with a logical date, or give what the template is for by params. "
        "A partition needs no template: partition='ds=%Y%m%d,hh=%H' is the time at which the window starts"
    )
