"""REST calls about the service, the project and its schemas."""

from __future__ import annotations

from airflow_provider_kafka_odps.local.api import rest_instances, rest_tables, tunnel
from airflow_provider_kafka_odps.local.api.call import Answer, Call, element, json_answer, plain, rfc822, xml
from airflow_provider_kafka_odps.local.api.services import Services
from airflow_provider_kafka_odps.local.catalog.catalog import Schema
from airflow_provider_kafka_odps.local.errors import ServiceError, SqlError
from airflow_provider_kafka_odps.local.instances.jobs import parse_xml, read_job
from airflow_provider_kafka_odps.local.sql.define import define
from airflow_provider_kafka_odps.local.sql.parsing.statements import CreateSchema, DropSchema
from airflow_provider_kafka_odps.local.sql.scope import Scope

REGION = "local"


_EMPTY_LISTS = {
    path: xml(f"<{tag}><Marker/><MaxItems>0</MaxItems></{tag}>")
    for path, tag in (
        ("resources", "Resources"),
        ("functions", "Functions"),
        ("volumes", "Volumes"),
        ("xflows", "xflows"),
        ("offlinemodels", "OfflineModels"),
        ("users", "Users"),
        ("roles", "Roles"),
    )
}
"""What a project can have and this one has not, as empty lists."""


def answer(services: Services, call: Call) -> Answer:
    """Answer a call of either protocol.

    Raises ServiceError.
    """
    match call.segments:
        case ("logview" | "webconsole", "host"):
            return plain(f"http://{call.host}")
        case ("tenants",):
            return _tenant(services)
        case ("projects",):
            return xml(f"<Projects><Marker/><MaxItems>1</MaxItems>{_project(services)}</Projects>")
        case ("storage", *_):
            # No 5xx: clients would repeat it.
            raise ServiceError(400, "NotImplemented", "The storage API is not part of this endpoint; use the tunnel")
        case ("projects", project, *rest):
            services.require_project(project)
            return _in_project(services, call, rest)
        case _:
            raise _not_found(call)


def _in_project(services: Services, call: Call, rest: list[str]) -> Answer:
    match rest:
        case []:
            return xml(_project(services), headers=_owner_and_dates(services, services.store.catalog.created))
        case ["logs"]:
            return Answer()
        case ["authorization"]:
            # The token only opens pages of the service's own console.
            return xml(f"<Authorization>{element('Result', 'local')}</Authorization>")
        case ["tunnel"]:
            return plain(call.host)
        case ["instances"]:
            return _instances(services, call)
        case ["instances", instance_id]:
            return rest_instances.answer(services, call, instance_id)
        case ["schemas", _, "tables", *names] | ["tables", *names]:
            return _tables(services, call, names)
        case ["schemas", *names]:
            return _schemas(services, call, names)
        case [*_, kind] if call.method == "GET" and kind in _EMPTY_LISTS:
            services.require_schema(call)
            return _EMPTY_LISTS[kind]
        case _:
            raise _not_found(call)


def _tables(services: Services, call: Call, names: list[str]) -> Answer:
    match names:
        case []:
            return rest_tables.list_tables(services, call)
        case [name]:
            protocol = tunnel.answer if tunnel.is_tunnel(call) else rest_tables.answer
            return protocol(services, call, services.table(call, name))
        case [name, "preview"]:
            return rest_tables.preview(services, call, services.table(call, name))
        case [_, "streams" | "upserts"]:
            # No 5xx: clients would repeat it for two minutes.
            raise ServiceError(400, "NotImplemented", "Stream and upsert tunnels are not part of this endpoint")
        case _:
            raise _not_found(call)


def _schemas(services: Services, call: Call, names: list[str]) -> Answer:
    match call.method, names:
        case "POST", []:
            return _create_schema(services, call)
        case "GET", []:
            return _list_schemas(services)
        case "GET", [name]:
            return _schema(services, name)
        case "DELETE", [name]:
            return _drop_schema(services, name)
        case _:
            raise _not_found(call)


def _not_found(call: Call) -> ServiceError:
    return ServiceError(404, "NoSuchObject", f"There is nothing for {call.method} at /{'/'.join(call.segments)}")


def _instances(services: Services, call: Call) -> Answer:
    if call.method != "POST":
        return rest_instances.list_instances(services, call)
    instance, ended = services.instances.start(read_job(call.body))
    location = f"http://{call.host}/projects/{services.settings.project}/instances/{instance.instance_id}"
    return Answer(201, headers={"Location": location}, after=ended)


def _owner_and_dates(services: Services, created: int) -> dict[str, str]:
    return {
        "x-odps-owner": services.settings.owner,
        "x-odps-creation-time": rfc822(created),
        "Last-Modified": rfc822(created),
    }


def _project(services: Services) -> str:
    settings, created = services.settings, services.store.catalog.created
    properties = {"odps.sql.cfile2.field.maxsize": 8192, "odps.schema.model.enabled": "true"}
    pairs = "".join(
        f"<Property>{element('Name', key)}{element('Value', value)}</Property>" for key, value in properties.items()
    )
    parts = (
        element("Name", settings.project),
        element("Type", "managed"),
        element("Comment"),
        element("Owner", settings.owner),
        element("CreationTime", rfc822(created)),
        element("LastModifiedTime", rfc822(created)),
        element("State", "AVAILABLE"),
        element("Region", REGION),
        f"<Properties>{pairs}</Properties><ExtendedProperties/>",
    )
    return f"<Project>{''.join(parts)}</Project>"


def _tenant(services: Services) -> Answer:
    created = services.store.catalog.created
    tenant = {
        "Name": "local",
        "OwnerId": "1",
        "TenantId": "1",
        "TenantState": "NORMAL",
        "CreateTime": created,
        "UpdateTime": created,
        "TenantMeta": "",
        "Parameters": services.settings.tenant,
    }
    return json_answer({"Tenant": tenant})


def _schema_text(services: Services, schema: Schema) -> str:
    parts = (
        element("Name", schema.name),
        element("Owner", services.settings.owner),
        element("Description", schema.comment),
        element("CreateTime", rfc822(schema.created)),
        element("ModifyTime", rfc822(schema.created)),
        element("Type", "managed"),
    )
    return f"<Schema>{''.join(parts)}</Schema>"


def _list_schemas(services: Services) -> Answer:
    schemas = sorted(services.store.catalog.schemas.values(), key=lambda schema: schema.name)
    texts = "".join(_schema_text(services, schema) for schema in schemas)
    return xml(f"<Schemas><Marker/><MaxItems>{len(schemas)}</MaxItems>{texts}</Schemas>")


def _schema(services: Services, name: str) -> Answer:
    schema = services.store.catalog.schemas.get(name.lower())
    if schema is None:
        raise ServiceError(404, "NoSuchObject", f"The specified schema does not exist: {name}")
    return xml(_schema_text(services, schema), headers=_owner_and_dates(services, schema.created))


def _read_schema(body: bytes) -> tuple[str, str]:
    root = parse_xml(body, "a schema")
    name = (root.findtext("Name") or "").lower()
    if not name.replace("_", "").isalnum():
        raise ServiceError(400, "InvalidArgument", f"{name!r} is not the name of a schema")
    return name, root.findtext("Description") or ""


def _create_schema(services: Services, call: Call) -> Answer:
    name, comment = _read_schema(call.body)
    if name in services.store.catalog.schemas:
        raise ServiceError(409, "ObjectAlreadyExists", f"The schema exists already: {name}")
    _define(services, CreateSchema((name,), if_not_exists=False, comment=comment))
    return Answer(201, headers={"Location": f"http://{call.host}/projects/{services.settings.project}/schemas/{name}"})


def _drop_schema(services: Services, name: str) -> Answer:
    _define(services, DropSchema((name.lower(),), if_exists=False, cascade=False))
    return Answer(204)


def _define(services: Services, statement: CreateSchema | DropSchema) -> None:
    scope = Scope(services.settings.project, services.now() // 1000, services.settings.owner, services.settings.tenant)
    try:
        services.store.change(lambda catalog: define(catalog, statement, scope))
    except SqlError as reason:
        raise ServiceError(400, "InvalidArgument", str(reason)) from None
