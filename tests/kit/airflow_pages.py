"""Pages of Airflow's UI, in a browser."""

from __future__ import annotations

from urllib.parse import quote

from kit.airflow_service import AirflowService, Task
from kit.browser import Page

LAPTOP = (1280, 800)


def open_log(page: Page, airflow: AirflowService, task: Task, shown: str) -> None:
    """Open the log of a task instance as it is on a laptop, and wait until a text is shown that is in no folded group.

    What is folded, as is all that Airflow itself writes before and after the task, is not shown. A text may go on
    beyond the right border: ``page.picture`` tells.
    """
    dag_id, run_id, task_id = (quote(name, safe=":") for name in task)
    page.open(f"{airflow.url}/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", *LAPTOP, mobile=False)
    page.until(f"document.body.innerText.includes({shown!r})")
