"""What definitions keep and show: defaults, clustering, keys, properties, and what they refuse, through PyODPS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from odps import ODPS, errors
from odps.models import TableSchema
from odps.models.cluster_info import ClusterInfo
from odps.types import Column

MakeTable = Callable[..., Any]


def text_of(odps: ODPS, statement: str) -> str:
    """Return the text that a statement answers."""
    with odps.execute_sql(statement).open_reader() as reader:
        return str(reader.raw)


def cluster(kind: str) -> ClusterInfo:
    """Return how PyODPS asks for clustering."""
    return ClusterInfo.deserial(
        {"ClusterType": kind, "BucketNum": 4, "ClusterCols": ["k"], "SortCols": [{"col": "v", "order": "desc"}]}
    )


@pytest.mark.parametrize("kind", ["hash", "range"])
def test_clustering_is_kept_and_shown(odps: ODPS, make_table: MakeTable, kind: str) -> None:
    """A table remembers how it was asked to be clustered, and PyODPS changes and removes it."""
    table = make_table("k bigint, v string", cluster_info=cluster(kind))
    table.reload_extend_info()
    found = table.cluster_info
    assert (found.cluster_type.value, found.bucket_num, found.cluster_cols) == (kind, 4, ["k"])
    assert [(column.name, column.order.value.lower()) for column in found.sort_cols] == [("v", "desc")]
    shown = text_of(odps, f"SHOW CREATE TABLE {table.name}")
    assert "CLUSTERED BY (`k`) SORTED BY (`v` DESC) INTO 4 BUCKETS" in shown
    table.set_cluster_info(None)
    table.reload_extend_info()
    assert "CLUSTERED" not in text_of(odps, f"SHOW CREATE TABLE {table.name}")
    table.set_cluster_info(cluster(kind))
    table.reload_extend_info()
    assert table.cluster_info.bucket_num == 4


def test_what_is_shown_can_be_created_again(odps: ODPS, name: str) -> None:
    """SHOW CREATE TABLE gives a statement that makes the same table."""
    odps.execute_sql(
        f"CREATE TABLE {name} (k BIGINT NOT NULL, "
        "v STRING DEFAULT 'it\\'s' COMMENT 'c', n INT DEFAULT -1, PRIMARY KEY (k)) "
        "COMMENT 't' PARTITIONED BY (ds STRING) CLUSTERED BY (k) INTO 2 BUCKETS "
        "TBLPROPERTIES ('transactional'='true') LIFECYCLE 3"
    )
    shown = text_of(odps, f"SHOW CREATE TABLE {name}")
    odps.execute_sql(f"DROP TABLE {name}")
    odps.execute_sql(shown)
    assert text_of(odps, f"SHOW CREATE TABLE {name}") == shown
    table = odps.get_table(name)
    assert (table.primary_key, table.is_transactional, table.lifecycle) == (["k"], True, 3)


def test_defaults_fill_what_an_insert_leaves_out(odps: ODPS, name: str) -> None:
    """A column that an INSERT doesn't name has its default, and NULL when it names it so."""
    odps.execute_sql(
        f"CREATE TABLE {name} (k BIGINT, "
        "v STRING NOT NULL DEFAULT 'none', n DOUBLE DEFAULT -1.5, b BOOLEAN DEFAULT TRUE)"
    )
    odps.execute_sql(f"INSERT INTO {name} (k) VALUES (1), (2)")
    odps.execute_sql(f"INSERT INTO {name} SELECT 3, 'given', NULL, FALSE")
    with odps.execute_sql(f"SELECT * FROM {name} ORDER BY k").open_reader() as reader:
        rows = [record.values for record in reader]
    assert rows == [[1, "none", -1.5, True], [2, "none", -1.5, True], [3, "given", None, False]]


def test_columns_are_moved(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """CHANGE COLUMN … FIRST and AFTER move a column with its values."""
    make_table("a bigint, b string, c double")
    odps.write_table(name, [[1, "x", 0.5]])
    odps.execute_sql(f"ALTER TABLE {name} CHANGE COLUMN c c2 DOUBLE COMMENT 'moved' FIRST")
    odps.execute_sql(f"ALTER TABLE {name} CHANGE COLUMN a a BIGINT AFTER b")
    assert odps.get_table(name).table_schema.names == ["c2", "b", "a"]
    with odps.execute_sql(f"SELECT * FROM {name}").open_reader() as reader:
        assert [record.values for record in reader] == [[0.5, "x", 1]]


def test_properties_and_upkeep(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """Properties are set, unset and shown; statements about files and lifecycles are taken, for tables that exist."""
    table = make_table(("k bigint", "ds string"))
    table.create_partition("ds=a")
    odps.execute_sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('a'='1', 'b'='2')")
    odps.execute_sql(f"ALTER TABLE {name} UNSET TBLPROPERTIES ('a')")
    assert text_of(odps, f"SHOW TBLPROPERTIES {name}") == "b=2"
    assert text_of(odps, f"SHOW COLUMNS FROM {name}") == "k\nds"
    table.touch("ds=a")
    table.change_partition_spec("ds=a", "ds=b")
    table.set_owner("ALIYUN$other")
    for upkeep in (
        "PARTITION (ds='b') SET PARTITIONPROPERTIES ('a'='b')",
        "DISABLE LIFECYCLE",
        "PARTITION (ds='b') ENABLE LIFECYCLE",
    ):
        odps.execute_sql(f"ALTER TABLE {name} {upkeep}")
    table.reload()
    assert [partition.name for partition in table.partitions] == ["ds='b'"]
    assert table.owner == "ALIYUN$other"
    with pytest.raises(errors.NoSuchTable):
        odps.execute_sql("ALTER TABLE nowhere ENABLE LIFECYCLE")


def test_extended_descriptions_say_more(odps: ODPS, make_table: MakeTable, name: str) -> None:
    """DESC EXTENDED adds files, rows, keys and properties of a table, and of a partition."""
    make_table(("k bigint", "ds string"), table_properties={"note": "x"})
    odps.execute_sql(f"INSERT INTO {name} PARTITION (ds='a') VALUES (1), (2)")
    plain, extended = text_of(odps, f"DESC {name}"), text_of(odps, f"DESC EXTENDED {name}")
    assert "Extended Info" not in plain
    assert all(line in extended for line in ("Extended Info", "FileNum: 1", "Rows: 2", "Property: note=x", "TableID"))
    assert "FileNum: 1" in text_of(odps, f"DESC EXTENDED {name} PARTITION (ds='a')")


def test_generated_partitions_are_refused_by_name(odps: ODPS, name: str) -> None:
    """AUTO PARTITIONED BY, as PyODPS writes it, is an unsupported feature, and no table is made."""
    schema = TableSchema(
        columns=[Column("k", "bigint"), Column("t", "datetime")],
        partitions=[Column("p", "string", generate_expression="trunc_time(t, 'day')")],
    )
    with pytest.raises(errors.ODPSError, match=r"ODPS-0130141.*AUTO"):
        odps.create_table(name, schema)
    assert not odps.exist_table(name)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE MATERIALIZED VIEW v AS SELECT 1",
        "CREATE EXTERNAL TABLE t (a BIGINT) STORED AS PARQUET LOCATION 'oss://x'",
        "CREATE TABLE t (a BIGINT) STORED BY 'x' LOCATION 'oss://x'",
        "CREATE TABLE t (a BIGINT) INTO 3 SHARDS",
        "CREATE TABLE t (a DATETIME DEFAULT GETDATE())",
        "EXPLAIN DROP TABLE t",
        "UPDATE t SET (k, v) = (SELECT 1, 2)",
        "MERGE INTO t USING u ON t.k = u.k WHEN NOT MATCHED BY SOURCE THEN DELETE",
    ],
)
def test_what_is_not_there_is_an_unsupported_feature(odps: ODPS, statement: str) -> None:
    """Statements of the service that this endpoint lacks fail with the code for that, and name what is missing."""
    with pytest.raises(errors.ODPSError, match="ODPS-0130141"):
        odps.execute_sql(statement)
