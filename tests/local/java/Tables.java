// Tables of the endpoint through the SDK's tunnel: rows written and read, as records and as Arrow.

import com.aliyun.odps.Column;
import com.aliyun.odps.Odps;
import com.aliyun.odps.PartitionSpec;
import com.aliyun.odps.TableSchema;
import com.aliyun.odps.data.ArrowRecordReader;
import com.aliyun.odps.data.ArrowRecordWriter;
import com.aliyun.odps.data.Record;
import com.aliyun.odps.data.RecordReader;
import com.aliyun.odps.data.RecordWriter;
import com.aliyun.odps.tunnel.TableTunnel;
import com.aliyun.odps.tunnel.TableTunnel.DownloadSession;
import com.aliyun.odps.tunnel.TableTunnel.UploadSession;
import com.aliyun.odps.tunnel.io.CompressOption;
import com.aliyun.odps.tunnel.io.CompressOption.CompressAlgorithm;
import com.aliyun.odps.type.TypeInfoParser;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;

final class Tables {
    final Odps odps;
    final TableTunnel tunnel;
    private final String prefix;

    Tables(Odps odps, String prefix) {
        this.odps = odps;
        this.tunnel = new TableTunnel(odps);
        this.prefix = prefix;
    }

    String project() {
        return odps.getDefaultProject();
    }

    String name(String suffix) {
        return prefix + suffix;
    }

    /** Creates a table of "name type" columns; those in `partitions` become partition columns. */
    void create(String suffix, List<String> columns, String... partitions) throws Exception {
        TableSchema schema = new TableSchema();
        columns.forEach(column -> schema.addColumn(parsed(column)));
        List.of(partitions).forEach(column -> schema.addPartitionColumn(parsed(column)));
        odps.tables().create(project(), name(suffix), schema, "made \"in\" Java's way", false, 7L, null, null);
    }

    UploadSession upload(String suffix) throws Exception {
        return upload(suffix, null, false);
    }

    UploadSession upload(String suffix, PartitionSpec partition, boolean overwrite) throws Exception {
        return partition == null
                ? tunnel.createUploadSession(project(), name(suffix), overwrite)
                : tunnel.createUploadSession(project(), name(suffix), partition, overwrite);
    }

    DownloadSession download(String suffix) throws Exception {
        return download(suffix, null);
    }

    DownloadSession download(String suffix, PartitionSpec partition) throws Exception {
        return tunnel.buildDownloadSession(project(), name(suffix)).setPartitionSpec(partition).build();
    }

    static CompressOption by(CompressAlgorithm algorithm) {
        return new CompressOption(algorithm, 1, 0);
    }

    static void write(UploadSession session, long block, CompressOption compression, Object[]... rows)
            throws Exception {
        try (RecordWriter writer = session.openRecordWriter(block, compression)) {
            for (Object[] row : rows) {
                Record record = session.newRecord();
                for (int at = 0; at < row.length; at++) {
                    record.set(at, row[at]);
                }
                writer.write(record);
            }
        }
    }

    static void write(UploadSession session, long block, Object[]... rows) throws Exception {
        write(session, block, by(CompressAlgorithm.ODPS_RAW), rows);
    }

    static List<Object> read(DownloadSession session) throws Exception {
        return read(session.openRecordReader(0, session.getRecordCount()));
    }

    static List<Object> read(RecordReader reader) throws Exception {
        List<Object> rows = new ArrayList<>();
        try (reader) {
            for (Record record = reader.read(); record != null; record = reader.read()) {
                rows.add(Plain.ofRecord(record));
            }
        }
        return rows;
    }

    static List<Object> readArrow(DownloadSession session, List<Column> columns, CompressOption compression)
            throws Exception {
        List<Object> rows = new ArrayList<>();
        try (BufferAllocator memory = new RootAllocator();
                ArrowRecordReader reader = session.openArrowRecordReader(
                        0, session.getRecordCount(), columns, memory, compression)) {
            for (VectorSchemaRoot batch = reader.read(); batch != null; batch = reader.read()) {
                rows.addAll(Plain.ofBatch(batch));
                batch.close();
            }
        }
        return rows;
    }

    /** Sends what Arrow batches of `from` hold to a block, batch by batch, and gives the number of rows. */
    static long copyArrow(DownloadSession from, UploadSession to, long block, CompressOption compression)
            throws Exception {
        long rows = 0;
        try (BufferAllocator memory = new RootAllocator();
                ArrowRecordReader reader =
                        from.openArrowRecordReader(0, from.getRecordCount(), null, memory, compression);
                ArrowRecordWriter writer = to.openArrowRecordWriter(block, compression)) {
            for (VectorSchemaRoot batch = reader.read(); batch != null; batch = reader.read()) {
                writer.write(batch);
                rows += batch.getRowCount();
                batch.close();
            }
        }
        return rows;
    }

    private static Column parsed(String column) {
        String[] parts = column.split(" ", 2);
        return new Column(parts[0], TypeInfoParser.getTypeInfoFromTypeString(parts[1]));
    }
}
