// Named scenarios, one static method each, against one endpoint: what the SDK sees is printed as one JSON line.

import com.aliyun.odps.Column;
import com.aliyun.odps.Odps;
import com.aliyun.odps.account.Account;
import com.aliyun.odps.account.AliyunAccount;
import com.aliyun.odps.data.ArrowRecordWriter;
import com.aliyun.odps.data.Binary;
import com.aliyun.odps.data.Char;
import com.aliyun.odps.data.Record;
import com.aliyun.odps.data.RecordWriter;
import com.aliyun.odps.data.SimpleJsonValue;
import com.aliyun.odps.data.SimpleStruct;
import com.aliyun.odps.data.Varchar;
import com.aliyun.odps.tunnel.TableTunnel.DownloadSession;
import com.aliyun.odps.tunnel.TableTunnel.UploadSession;
import com.aliyun.odps.tunnel.io.CompressOption.CompressAlgorithm;
import com.aliyun.odps.type.StructTypeInfo;
import com.aliyun.odps.type.TypeInfoParser;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZonedDateTime;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;

public final class Scenarios {
    private static final Gson JSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    private static final List<CompressAlgorithm> RECORD_CODECS = List.of(
            CompressAlgorithm.ODPS_RAW, CompressAlgorithm.ODPS_ZLIB, CompressAlgorithm.ODPS_SNAPPY,
            CompressAlgorithm.ODPS_ZSTD, CompressAlgorithm.ODPS_LZ4_FRAME);
    private static final List<CompressAlgorithm> ARROW_CODECS = List.of(
            CompressAlgorithm.ODPS_RAW, CompressAlgorithm.ODPS_ZLIB, CompressAlgorithm.ODPS_SNAPPY,
            CompressAlgorithm.ODPS_ARROW_LZ4_FRAME);
    static final List<String> NUMBER_AND_TEXT = List.of("k bigint", "v string");
    private static final String STRUCT = "struct<a:bigint,b:string>";
    static final List<String> EVERY_TYPE = List.of(
            "c_bigint bigint", "c_int int", "c_smallint smallint", "c_tinyint tinyint", "c_float float",
            "c_double double", "c_boolean boolean", "c_string string", "c_binary binary", "c_varchar varchar(10)",
            "c_char char(4)", "c_decimal decimal(38,10)", "c_date date", "c_datetime datetime",
            "c_timestamp timestamp", "c_ntz timestamp_ntz", "c_json json", "c_array array<string>",
            "c_map map<string,bigint>", "c_struct " + STRUCT);

    private final Tables tables;
    private final String[] arguments;

    private Scenarios(String[] arguments) {
        this.arguments = arguments;
        this.tables = new Tables(connect(new AliyunAccount(arguments[2], arguments[3])), arguments[4]);
    }

    /** Takes endpoint, project, access id, access key and the prefix of all table names. */
    public static void main(String[] arguments) {
        Scenarios all = new Scenarios(arguments);
        Catalog catalog = new Catalog(all.tables);
        Refusals refusals = new Refusals(all::connect, arguments[2], arguments[3], arguments[4]);
        all.run("everyType", all::everyType);
        all.run("nothing", all::nothing);
        all.run("arrow", all::arrow);
        all.run("fromPython", all::fromPython);
        all.run("columnsAndRanges", all::columnsAndRanges);
        all.run("blocks", all::blocks);
        all.run("buffered", all::buffered);
        all.run("partitions", catalog::partitions);
        all.run("overwrite", all::overwrite);
        all.run("metadata", catalog::metadata);
        all.run("sql", catalog::sql);
        all.run("preview", catalog::preview);
        all.run("tunnelErrors", refusals::tunnelErrors);
        all.run("notBuilt", refusals::notBuilt);
        all.run("flaky", refusals::flaky);
        all.run("restErrors", refusals::restErrors);
        all.run("accounts", refusals::accounts);
        System.exit(0);
    }

    private interface Scenario {
        Object run() throws Exception;
    }

    private void run(String name, Scenario scenario) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("scenario", name);
        try {
            line.put("seen", scenario.run());
        } catch (Exception | LinkageError failure) {
            failure.printStackTrace();
            line.put("failed", failure.toString());
        }
        System.out.println(JSON.toJson(line));
    }

    private Odps connect(Account account) {
        Odps odps = new Odps(account);
        odps.setEndpoint(arguments[0]);
        odps.setDefaultProject(arguments[1]);
        return odps;
    }

    private Object everyType() throws Exception {
        tables.create("every", EVERY_TYPE);
        UploadSession upload = tables.upload("every");
        for (CompressAlgorithm codec : RECORD_CODECS) {
            Tables.write(upload, codec.ordinal(), Tables.by(codec), everyValue());
        }
        upload.commit();
        DownloadSession download = tables.download("every");
        Map<String, Object> seen = new LinkedHashMap<>();
        for (CompressAlgorithm codec : RECORD_CODECS) {
            seen.put(codec.name(), Tables.read(
                    download.openRecordReader(0, download.getRecordCount(), Tables.by(codec))));
        }
        return seen;
    }

    private static Object[] everyValue() {
        StructTypeInfo struct = (StructTypeInfo) TypeInfoParser.getTypeInfoFromTypeString(STRUCT);
        return new Object[] {
            Long.MIN_VALUE + 1, Integer.MIN_VALUE, Short.MIN_VALUE, Byte.MIN_VALUE, 0.5f,
            -1e300, true, "grün \uD83D\uDE00", new Binary(new byte[] {0, (byte) 0xff}), new Varchar("varchar", 10),
            new Char("char", 4), new BigDecimal("-1234567890123456789012345678.0123456789"),
            LocalDate.of(1582, 10, 4), ZonedDateTime.parse("1969-07-20T20:17:40.123Z"),
            Instant.parse("1969-12-31T23:59:59.123456789Z"), LocalDateTime.parse("2026-11-22T10:00:00.987654321"),
            new SimpleJsonValue("{\"a\": [1, null]}"), Arrays.asList("x", null, ""),
            Map.of("one", 1L), new SimpleStruct(struct, Arrays.asList(5L, null)),
        };
    }

    private Object nothing() throws Exception {
        tables.create("nothing", EVERY_TYPE);
        UploadSession upload = tables.upload("nothing");
        Tables.write(upload, 0, new Object[EVERY_TYPE.size()]);
        Tables.write(upload, 1);
        upload.openArrowRecordWriter(2).close();
        upload.commit(new Long[] {0L, 1L, 2L});
        DownloadSession download = tables.download("nothing");
        return Map.of(
                "records", Tables.read(download),
                "arrow", Tables.readArrow(download, null, Tables.by(CompressAlgorithm.ODPS_RAW)));
    }

    private Object arrow() throws Exception {
        tables.create("arrow", NUMBER_AND_TEXT);
        UploadSession upload = tables.upload("arrow");
        for (CompressAlgorithm codec : ARROW_CODECS) {
            writeArrow(upload, codec);
        }
        upload.commit();
        DownloadSession download = tables.download("arrow");
        Map<String, Object> seen = new LinkedHashMap<>();
        for (CompressAlgorithm codec : ARROW_CODECS) {
            seen.put(codec.name(), Tables.readArrow(download, null, Tables.by(codec)));
        }
        return seen;
    }

    private static void writeArrow(UploadSession upload, CompressAlgorithm codec) throws Exception {
        try (BufferAllocator memory = new RootAllocator();
                VectorSchemaRoot batch = VectorSchemaRoot.create(upload.getArrowSchema(), memory);
                ArrowRecordWriter writer = upload.openArrowRecordWriter(codec.ordinal(), Tables.by(codec))) {
            ((BigIntVector) batch.getVector("k")).setSafe(0, codec.ordinal());
            ((VarCharVector) batch.getVector("v")).setSafe(0, codec.name().getBytes(StandardCharsets.UTF_8));
            ((BigIntVector) batch.getVector("k")).setNull(1);
            ((VarCharVector) batch.getVector("v")).setNull(1);
            batch.setRowCount(2);
            writer.write(batch);
            writer.write(batch);
        }
    }

    /** Reads what PyODPS wrote, by records and by Arrow, and writes it back for PyODPS, also both ways. */
    private Object fromPython() throws Exception {
        DownloadSession download = tables.download("python");
        UploadSession upload = tables.upload("python_copy");
        for (CompressAlgorithm codec : ARROW_CODECS) {
            Tables.copyArrow(download, upload, codec.ordinal(), Tables.by(codec));
        }
        try (var reader = download.openRecordReader(0, download.getRecordCount());
                RecordWriter writer = upload.openRecordWriter(100)) {
            for (Record record = reader.read(); record != null; record = reader.read()) {
                writer.write(record);
            }
        }
        upload.commit();
        return Map.of(
                "records", Tables.read(download),
                "arrow", Tables.readArrow(download, null, Tables.by(CompressAlgorithm.ODPS_RAW)));
    }

    private Object columnsAndRanges() throws Exception {
        tables.create("ranges", List.of("a bigint", "b string", "c double"));
        UploadSession upload = tables.upload("ranges");
        Object[][] rows = new Object[1000][];
        for (int row = 0; row < rows.length; row++) {
            rows[row] = new Object[] {(long) row, "row " + row, row / 2.0};
        }
        Tables.write(upload, 0, rows);
        upload.commit(new Long[] {0L});
        DownloadSession download = tables.download("ranges");
        Column first = download.getSchema().getColumn("a");
        Column last = download.getSchema().getColumn("c");
        var raw = Tables.by(CompressAlgorithm.ODPS_RAW);
        return Map.of(
                "count", download.getRecordCount(),
                "columns", Tables.read(download.openRecordReader(997, 3, raw, List.of(last, first))),
                "range", Tables.read(download.openRecordReader(500, 2)),
                // Arrow columns come in the table's order, which is how PyODPS reads them.
                "arrow", Tables.readArrow(download, List.of(first, last), raw).subList(998, 1000),
                "attached", tables.tunnel.getDownloadSession(
                        tables.project(), tables.name("ranges"), download.getId()).getRecordCount());
    }

    private Object blocks() throws Exception {
        tables.create("blocks", NUMBER_AND_TEXT);
        UploadSession upload = tables.upload("blocks");
        Tables.write(upload, 3, new Object[] {1L, "replaced"});
        Tables.write(upload, 3, new Object[] {2L, "kept"});
        UploadSession attached = tables.tunnel.getUploadSession(
                tables.project(), tables.name("blocks"), upload.getId());
        Tables.write(attached, 19999, new Object[] {3L, "last"});
        Map<String, Object> seen = new LinkedHashMap<>();
        seen.put("blocks", upload.getBlockList());
        seen.put("before", upload.getStatus().name());
        attached.commit(new Long[] {3L, 19999L});
        seen.put("after", upload.getStatus().name());
        seen.put("rows", Tables.read(tables.download("blocks")));
        return seen;
    }

    private Object buffered() throws Exception {
        tables.create("buffered", NUMBER_AND_TEXT);
        UploadSession upload = tables.upload("buffered");
        try (RecordWriter writer = upload.openBufferedWriter(Tables.by(CompressAlgorithm.ODPS_ZLIB))) {
            for (long row = 0; row < 20_000; row++) {
                Record record = upload.newRecord();
                record.set(0, row);
                record.set(1, "x".repeat((int) (row % 100)));
                writer.write(record);
            }
        }
        upload.commit();
        return tables.download("buffered").getRecordCount();
    }

    private Object overwrite() throws Exception {
        tables.create("over", NUMBER_AND_TEXT);
        Map<String, Object> seen = new LinkedHashMap<>();
        for (boolean overwrite : new boolean[] {false, false, true}) {
            UploadSession upload = tables.upload("over", null, overwrite);
            Tables.write(upload, 0, new Object[] {1L, "overwrite " + overwrite});
            upload.commit(new Long[] {0L});
            seen.put("rows " + seen.size(), tables.download("over").getRecordCount());
        }
        return seen;
    }
}
