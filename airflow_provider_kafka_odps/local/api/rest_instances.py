"""REST calls about instances: their status, details and results."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from airflow_provider_kafka_odps.local.api import tunnel
from airflow_provider_kafka_odps.local.api.call import Answer, Call, element, json_answer, plain, rfc822, xml
from airflow_provider_kafka_odps.local.api.services import Services
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.instances.instance import Instance
from airflow_provider_kafka_odps.local.instances.jobs import asks_to_stop


def list_instances(services: Services, call: Call) -> Answer:
    """Return the instances, the newest first; all of them, or those of one status."""
    texts = []
    wanted = call.query.get("status", "").lower()
    for found in services.instances.all():
        instance = services.instances.find(found.instance_id)
        if wanted not in ("", instance.status.lower()):
            continue
        parts = (
            element("Name", instance.instance_id),
            element("Owner", services.settings.owner),
            element("StartTime", rfc822(instance.started)),
            element("EndTime", rfc822(instance.ended)) if instance.ended is not None else "",
            element("Status", instance.status),
        )
        texts.append(f"<Instance>{''.join(parts)}</Instance>")
    return xml(f"<Instances><Marker/><MaxItems>{len(texts)}</MaxItems>{''.join(texts)}</Instances>")


def answer(services: Services, call: Call, instance_id: str) -> Answer:
    """Answer a call about one instance.

    Raises ServiceError.
    """
    if call.has("info"):
        services.instances.find(instance_id)
        return plain("")
    if call.method == "PUT":
        if asks_to_stop(call.body):
            services.instances.stop(services.instances.find(instance_id))
        return Answer()
    instance = services.instances.find(instance_id, polled=not call.query.keys() & _DETAILS)
    for key, answer_detail in _ANSWERS.items():
        if call.has(key):
            return answer_detail(services, call, instance)
    if call.has("log"):
        raise ServiceError(400, "NotImplemented", "Statements run in this process: there are no workers with logs")
    headers = {"x-odps-owner": services.settings.owner, "x-odps-start-time": rfc822(instance.started)}
    if instance.ended is not None:
        headers["x-odps-end-time"] = rfc822(instance.ended)
    return xml(f"<Instance>{element('Status', instance.status)}</Instance>", headers=headers)


def _statuses(_services: Services, _call: Call, instance: Instance) -> Answer:
    return xml(f"<Instance>{element('Status', instance.status)}<Tasks>{_task(instance)}</Tasks></Instance>")


def _source(_services: Services, _call: Call, instance: Instance) -> Answer:
    return Answer(200, instance.job.source.encode(), "application/xml")


def _summary(_services: Services, _call: Call, instance: Instance) -> Answer:
    ended = instance.ended is not None
    rows = sum(blob.rows for blob in instance.blobs)
    # Drivers take the number of rows that a statement has changed from the first number of each output.
    outputs = {} if instance.written is None else {instance.written[0]: [instance.written[1], 0]}
    rows += sum(count for count, _ in outputs.values())
    written = {
        "Cost": {"CPU": 0, "Memory": 0, "Input": 0, "Output": sum(blob.size for blob in instance.blobs)},
        "Inputs": {},
        "Outputs": outputs,
    }
    summary = {"JsonSummary": json.dumps(written), "Summary": f"output records: {rows}"} if ended else {}
    answered = json_answer({"Instance": summary})
    return Answer(200, answered.body, answered.media, {"x-odps-task-finalized": "true" if ended else "false"})


def _detail(_services: Services, _call: Call, instance: Instance) -> Answer:
    stage = {"Name": "M1_job_0", "Status": instance.task_status}
    detail = {"Instance": {"Id": instance.instance_id, "Status": instance.status, "Stages": [stage]}}
    return json_answer(detail)


def _progress(_services: Services, _call: Call, instance: Instance) -> Answer:
    ended = instance.ended is not None
    numbers = {
        "BackupWorkers": 0,
        "TerminatedWorkers": int(ended),
        "RunningWorkers": int(not ended),
        "TotalWorkers": 1,
        "InputRecords": 0,
        "OutputRecords": sum(blob.rows for blob in instance.blobs),
        "FinishedPercentage": 100 if ended else 0,
    }
    inside = "".join(element(name, number) for name, number in numbers.items())
    return xml(f'<Progress><Stage ID="M1_job_0">{inside}</Stage></Progress>')


def _queueing(services: Services, _call: Call, instance: Instance) -> Answer:
    return json_answer(
        {
            "instanceId": instance.instance_id,
            "instancePriority": 9,
            "instanceProcess": 1.0 if instance.ended is not None else 0.0,
            "projectName": services.settings.project,
            "status": instance.status,
            "taskType": instance.job.kind.value,
            "taskName": instance.job.task,
            "userAccount": services.settings.owner,
        }
    )


def _rows(services: Services, call: Call, instance: Instance) -> Answer:
    return tunnel.answer_instance(services, call, instance)


def _task(instance: Instance) -> str:
    parts = (
        element("Name", instance.job.task),
        element("StartTime", rfc822(instance.started)),
        element("EndTime", rfc822(instance.ended)) if instance.ended is not None else "",
        element("Status", instance.task_status),
        "<Histories/>",
    )
    return f'<Task Type="{instance.job.kind}">{"".join(parts)}</Task>'


def _result(services: Services, _call: Call, instance: Instance) -> Answer:
    kind, text = services.instances.result(instance)
    packed = base64.b64encode(text.encode(errors="replace")).decode()
    result = f'<Result Transform="Base64" Format="{kind}"><![CDATA[{packed}]]></Result>'
    task = element("Name", instance.job.task) + result
    done = f'<Task Type="{instance.job.kind}">{task}</Task>' if instance.ended is not None else ""
    return xml(f"<Instance><Tasks>{done}</Tasks></Instance>")


_ANSWERS: dict[str, Callable[[Services, Call, Instance], Answer]] = {
    "downloads": _rows,
    "downloadid": _rows,
    "taskstatus": _statuses,
    "result": _result,
    "source": _source,
    "instancesummary": _summary,
    "instancedetail": _detail,
    "detail": _detail,
    "instanceprogress": _progress,
    "instancequota": _queueing,
    "cached": _queueing,
}


_DETAILS = frozenset(_ANSWERS) - {"taskstatus"}
