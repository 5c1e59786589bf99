"""Numbers, and true and false, that are written as texts or as something else."""

from __future__ import annotations

from airflow_provider_kafka_odps.core.mapping.conversions.usual_texts import boolean_texts, number_texts
from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.function import TEXTUAL, function
from airflow_provider_kafka_odps.core.mapping.strict import Conversion


@function(takes=TEXTUAL, gives=SourceKind.NUMBER)
def number() -> Conversion:
    """Read a number that may be a text: blanks around it and a plus do not count."""
    return number_texts()


@function(takes=TEXTUAL, gives=SourceKind.BOOLEAN, name="bool")
def boolean() -> Conversion:
    """Read true, 1, yes, y, t and on as true, and false, 0, no, n, f and off as false, in upper or lower case."""
    return boolean_texts()
