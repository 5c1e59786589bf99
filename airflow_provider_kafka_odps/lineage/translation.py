"""A described load in OpenLineage's own classes; they are imported where they are used, for not everybody has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.lineage.columns import ColumnSource, Field
from airflow_provider_kafka_odps.lineage.description import Dataset, Described, Subset
from airflow_provider_kafka_odps.lineage.names import DatasetName
from airflow_provider_kafka_odps.lineage.window_told import FACET, SCHEMA, WindowTold, shortened

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import RunFacet


class Nothing(list[Any]):
    """No datasets, and no reason to look for any elsewhere.

    Where an operator names none, the provider takes the task's inlets and outlets. The table is both, because of its
    asset's state store, so it would be an input of itself.
    """

    def __bool__(self) -> bool:
        """Tell the provider that this is an answer."""
        return True


def lineage(described: Described) -> OperatorLineage[Any, Any]:
    """Return a described load as the provider wants it."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    topic = next(iter(described.inputs), None)
    return OperatorLineage(
        inputs=Nothing(_input(each) for each in described.inputs),
        outputs=Nothing(_output(each, None if topic is None else topic.name) for each in described.outputs),
        run_facets={FACET: run_facet(described.run)},
    )


def nothing(told: WindowTold) -> OperatorLineage[Any, Any]:
    """Return what is told where no dataset can be named."""
    return lineage(Described((), (), told))


def run_facet(told: WindowTold) -> RunFacet:
    """Return the run facet."""
    facet: RunFacet = _run_facet_class()(**told.given)
    return facet


@cache
def _run_facet_class() -> Any:
    import attr
    from openlineage.client.facet_v2 import RunFacet

    names = [each.name for each in fields(WindowTold)]

    class Base(RunFacet):
        @staticmethod
        def _get_schema() -> str:
            return SCHEMA

        def __reduce__(self) -> tuple[Any, ...]:
            # A copy would be one of OpenLineage's own class, and name another schema.
            return run_facet, (WindowTold(**{name: getattr(self, name) for name in names}),)

    return attr.make_class("KafkaOdpsWindowRunFacet", {name: attr.field(default=None) for name in names}, bases=(Base,))


def _input(dataset: Dataset) -> InputDataset:
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import input_statistics_input_dataset as statistics
    from openlineage.client.generated import base_subset_dataset as subset

    more: dict[str, Any] = {}
    if dataset.subsets is not None:
        more["subset"] = subset.InputSubsetInputDatasetFacet(_condition(dataset.subsets))
    if (read := dataset.statistics) is not None:
        more["inputStatistics"] = statistics.InputStatisticsInputDatasetFacet(rowCount=read.rows, size=read.bytes)
    return InputDataset(dataset.name.namespace, dataset.name.name, facets=_facets(dataset), inputFacets=more)


def _output(dataset: Dataset, topic: DatasetName | None) -> OutputDataset:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import lifecycle_state_change_dataset as lifecycle
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics
    from openlineage.client.generated import base_subset_dataset as subset

    facets, more = _facets(dataset), dict[str, Any]()
    if topic is not None and (dataset.columns or dataset.filters):
        facets["columnLineage"] = _column_lineage(dataset, topic)
    if dataset.change is not None:
        facets["lifecycleStateChange"] = lifecycle.LifecycleStateChangeDatasetFacet(
            lifecycle.LifecycleStateChange(dataset.change)
        )
    if dataset.subsets is not None:
        more["subset"] = subset.OutputSubsetOutputDatasetFacet(_condition(dataset.subsets))
    if (written := dataset.statistics) is not None:
        more["outputStatistics"] = statistics.OutputStatisticsOutputDatasetFacet(
            rowCount=written.rows, size=written.bytes, fileCount=written.files
        )
    return OutputDataset(dataset.name.namespace, dataset.name.name, facets=facets, outputFacets=more)


def _facets(dataset: Dataset) -> dict[str, Any]:
    from openlineage.client.facet_v2 import schema_dataset, symlinks_dataset

    facets: dict[str, Any] = {}
    if dataset.fields:
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=_fields(dataset.fields))
    if dataset.others:
        others = [symlinks_dataset.Identifier(each.namespace, each.name, dataset.kind) for each in dataset.others]
        facets["symlinks"] = symlinks_dataset.SymlinksDatasetFacet(identifiers=others)
    return facets


def _fields(of: Sequence[Field]) -> list[Any]:
    from openlineage.client.facet_v2 import schema_dataset

    return [
        schema_dataset.SchemaDatasetFacetFields(each.name, each.type, fields=_fields(each.fields) or None)
        for each in of
    ]


def _condition(subsets: Iterable[Subset]) -> Any:
    from openlineage.client.generated import base_subset_dataset as subset

    return subset.PartitionSubsetCondition([subset.Partition(dict(each.levels), each.name) for each in subsets])


def _column_lineage(dataset: Dataset, topic: DatasetName) -> Any:
    from openlineage.client.facet_v2 import column_lineage_dataset as column_lineage

    filters = [_input_field(topic, field, type="INDIRECT", subtype="FILTER") for field in dataset.filters]
    return column_lineage.ColumnLineageDatasetFacet(
        {each.column: column_lineage.Fields([_taken(topic, each)]) for each in dataset.columns}, filters
    )


def _taken(topic: DatasetName, source: ColumnSource) -> Any:
    how: Mapping[str, Any] = {
        "subtype": "TRANSFORMATION" if source.changed else "IDENTITY",
        "description": shortened(source.expression) if source.changed else None,
        "masking": source.masked,
    }
    return _input_field(topic, source.field, type="DIRECT", **how)


def _input_field(topic: DatasetName, field: str, **how: Any) -> Any:
    from openlineage.client.facet_v2 import column_lineage_dataset as column_lineage

    return column_lineage.InputField(topic.namespace, topic.name, field, [column_lineage.Transformation(**how)])
