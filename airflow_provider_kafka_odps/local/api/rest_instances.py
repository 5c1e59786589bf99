"""REST calls about instances, and the XML bodies that clients post."""

import base64
import xml.etree.ElementTree as ET

from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.instances import Instance

from . import tunnel
from .call import Answer, Call, element, plain, rfc822, xml
from .services import Services

PATIENCE = 5.0
"""Seconds that a posted job is waited for: clients poll once a second, so a quick one costs them no wait."""


def read_schema(body: bytes) -> tuple[str, str]:
    """Give the name and description of a posted schema.

    Raises ServiceError (MalformedXML).
    """
    try:
        if b"<!DOCTYPE" in body:
            raise ServiceError(400, "MalformedXML", "a schema must not declare a document type")
        root = ET.fromstring(body)  # noqa: S314 - without a document type there are no entities to expand
    except (ET.ParseError, ValueError, LookupError) as reason:
        raise ServiceError(400, "MalformedXML", f"The XML you provided was not well-formed: {reason}") from None
    name = (root.findtext("Name") or "").lower()
    if not name.replace("_", "").isalnum():
        raise ServiceError(400, "InvalidArgument", f"{name!r} is not the name of a schema")
    return name, root.findtext("Description") or ""


def list_instances(services: Services) -> Answer:
    """All instances."""
    texts = []
    for instance in services.instances.all():
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
    instance = services.instances.find(instance_id)
    if call.method == "PUT":
        return Answer()
    if call.has("downloads") or call.has("downloadid"):
        return tunnel.answer_instance(services, call, instance)
    if call.has("taskstatus"):
        return xml(f"<Instance>{element('Status', instance.status)}<Tasks>{_task(instance)}</Tasks></Instance>")
    if call.has("result"):
        return _result(services, instance)
    if call.has("source"):
        return Answer(200, instance.job.source.encode(), "application/xml")
    if call.has("instancesummary") or call.has("detail") or call.has("instancedetail"):
        return Answer(200, b'{"Instance":{}}', "application/json")
    if call.has("instanceprogress"):
        return xml("<Progress></Progress>")
    if call.has("cached"):
        return plain("")
    headers = {"x-odps-owner": services.settings.owner, "x-odps-start-time": rfc822(instance.started)}
    if instance.ended is not None:
        headers["x-odps-end-time"] = rfc822(instance.ended)
    return xml(f"<Instance>{element('Status', instance.status)}</Instance>", headers=headers)


def _task(instance: Instance) -> str:
    parts = (
        element("Name", instance.job.task),
        element("StartTime", rfc822(instance.started)),
        element("EndTime", rfc822(instance.ended)) if instance.ended is not None else "",
        element("Status", instance.task_status),
        "<Histories/>",
    )
    return f'<Task Type="SQL">{"".join(parts)}</Task>'


def _result(services: Services, instance: Instance) -> Answer:
    kind, text = services.instances.result(instance)
    packed = base64.b64encode(text.encode(errors="replace")).decode()
    result = f'<Result Transform="Base64" Format="{kind}"><![CDATA[{packed}]]></Result>'
    task = element("Name", instance.job.task) + result
    done = f'<Task Type="SQL">{task}</Task>' if instance.ended is not None else ""
    return xml(f"<Instance><Tasks>{done}</Tasks></Instance>")


def require_rows(instance: Instance) -> None:
    """Refuse to read rows of what gives none; clients then read the text instead.

    Raises ServiceError (InstanceTypeNotSupported).
    """
    if not instance.columns:
        raise ServiceError(400, "InstanceTypeNotSupported", "The specified instance has no rows: it is not a SELECT")
