// Tables, partitions and SQL jobs, as the SDK's REST client sees them.

import com.aliyun.odps.Instance;
import com.aliyun.odps.OdpsException;
import com.aliyun.odps.PartitionSpec;
import com.aliyun.odps.Table;
import com.aliyun.odps.task.SQLTask;
import com.aliyun.odps.tunnel.TableTunnel.UploadSession;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.vector.ipc.ArrowStreamReader;

final class Catalog {
    private final Tables tables;

    Catalog(Tables tables) {
        this.tables = tables;
    }

    Object partitions() throws Exception {
        tables.create("parts", Scenarios.NUMBER_AND_TEXT, "ds string", "hh bigint");
        Table table = tables.odps.tables().get(tables.name("parts"));
        PartitionSpec first = new PartitionSpec("ds='a',hh='1'");
        PartitionSpec second = new PartitionSpec("ds='grün b',hh='2'");
        table.createPartition(first);
        table.createPartition(first, true);
        table.createPartition(second);
        for (PartitionSpec partition : List.of(first, second)) {
            UploadSession upload = tables.upload("parts", partition, false);
            Tables.write(upload, 0, new Object[] {1L, partition.get("ds")});
            upload.commit(new Long[] {0L});
        }
        Map<String, Object> seen = new LinkedHashMap<>();
        seen.put("names", table.getPartitionSpecs().stream().map(PartitionSpec::toString).sorted().toList());
        seen.put("partitions", table.getPartitions().stream().map(each -> each.getPartitionSpec().toString())
                .sorted().toList());
        seen.put("exists", table.hasPartition(first));
        seen.put("rows", Tables.read(tables.download("parts", second)));
        table.deletePartition(first);
        seen.put("deleted", !table.hasPartition(first));
        return seen;
    }

    Object metadata() throws Exception {
        tables.create("meta", Scenarios.EVERY_TYPE, "ds string");
        Table table = tables.odps.tables().get(tables.name("meta"));
        Map<String, Object> seen = new LinkedHashMap<>();
        table.reload();
        seen.put("types", table.getSchema().getColumns().stream().map(each -> each.getTypeInfo().toString()).toList());
        seen.put("partition column", table.getSchema().getPartitionColumn(0).getName());
        seen.put("comment", table.getComment());
        seen.put("lifecycle", table.getLife());
        seen.put("owner", table.getOwner());
        seen.put("created", table.getCreatedTime().getTime() > 0);
        seen.put("columns", tables.download("every").getSchema().getColumns().size());
        List<String> names = new ArrayList<>();
        tables.odps.tables().iterator().forEachRemaining(each -> names.add(each.getName()));
        seen.put("listed", names.contains(tables.name("meta")));
        seen.put("project", tables.odps.projects().exists(tables.project()));
        tables.odps.tables().delete(tables.name("meta"));
        seen.put("dropped", !tables.odps.tables().exists(tables.name("meta")));
        tables.odps.tables().delete(tables.name("meta"), true);
        return seen;
    }

    Object sql() throws Exception {
        String name = tables.name("sql");
        execute("CREATE TABLE " + name + " (k BIGINT, v STRING, d DECIMAL(10,2));");
        execute("INSERT INTO " + name + " VALUES (1, 'it\\'s, \"quoted\" <&>', 1.5), (2, NULL, NULL);");
        Instance select = execute("SELECT k, v, d FROM " + name + " ORDER BY k LIMIT 10;");
        Map<String, Object> seen = new LinkedHashMap<>();
        seen.put("status", select.getTaskStatus().values().stream().map(each -> each.getStatus().name()).toList());
        seen.put("csv", SQLTask.getResult(select).stream().map(Plain::ofRecord).toList());
        seen.put("tunnel", SQLTask.getResultByInstanceTunnel(select).stream().map(Plain::ofRecord).toList());
        List<Object> rows = new ArrayList<>();
        SQLTask.getResultSet(select).forEachRemaining(each -> rows.add(Plain.ofRecord(each)));
        seen.put("set", rows);
        seen.put("missing table", Refusals.of(() -> execute("SELECT * FROM " + name + "_missing;")));
        seen.put("second create", Refusals.of(() -> execute("CREATE TABLE " + name + " (k BIGINT);")));
        seen.put("syntax", Refusals.of(() -> execute("SELEC 1;")));
        return seen;
    }

    private Instance execute(String text) throws OdpsException {
        Instance instance = SQLTask.run(tables.odps, text);
        instance.waitForSuccess(50);
        return instance;
    }

    Object preview() throws Exception {
        tables.create("preview", Scenarios.NUMBER_AND_TEXT);
        UploadSession upload = tables.upload("preview");
        Tables.write(upload, 0, new Object[] {1L, "first"}, new Object[] {2L, "second"});
        upload.commit(new Long[] {0L});
        try (ArrowStreamReader reader = tables.tunnel.preview(
                tables.project(), "default", tables.name("preview"), null, 1L)) {
            return reader.loadNextBatch() ? Plain.ofBatch(reader.getVectorSchemaRoot()) : null;
        }
    }
}
