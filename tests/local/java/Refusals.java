// What the SDK makes of refusals, and the accounts it signs with.

import com.aliyun.odps.Odps;
import com.aliyun.odps.OdpsException;
import com.aliyun.odps.PartitionSpec;
import com.aliyun.odps.account.Account;
import com.aliyun.odps.account.AliyunAccount;
import com.aliyun.odps.account.StsAccount;
import com.aliyun.odps.tunnel.TableTunnel.UploadSession;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

final class Refusals {
    private final Connection connection;
    private final Tables tables;
    private final String id;
    private final String key;
    private final String prefix;

    Refusals(Connection connection, String id, String key, String prefix) {
        this.connection = connection;
        this.tables = new Tables(connection.of(new AliyunAccount(id, key)), prefix);
        this.id = id;
        this.key = key;
        this.prefix = prefix;
    }

    interface Connection {
        Odps of(Account account);
    }

    interface Attempt {
        void run() throws Exception;
    }

    Object tunnelErrors() throws Exception {
        tables.create("plain", Scenarios.NUMBER_AND_TEXT);
        tables.create("parted", Scenarios.NUMBER_AND_TEXT, "ds string");
        UploadSession upload = tables.upload("plain");
        Tables.write(upload, 0, new Object[] {1L, "once"});
        Map<String, Object> seen = new LinkedHashMap<>();
        seen.put("block 20000", of(() -> Tables.write(upload, 20000, new Object[] {1L, ""})));
        seen.put("blocks that were not sent", of(() -> upload.commit(new Long[] {0L, 1L})));
        upload.commit(new Long[] {0L});
        seen.put("second commit", of(() -> upload.commit(new Long[] {0L})));
        seen.put("write after commit", of(() -> Tables.write(upload, 1, new Object[] {1L, ""})));
        seen.put("table", of(() -> tables.upload("missing")));
        seen.put("project", of(() -> tables.tunnel.createUploadSession("no_project", tables.name("plain"))));
        seen.put("preview", of(() -> tables.tunnel.preview(
                tables.project(), "default", tables.name("missing"), null, 1L)));
        seen.put("partition", of(() -> tables.upload("parted", new PartitionSpec("ds=x"), false)));
        seen.put("no partition", of(() -> tables.upload("parted")));
        seen.put("partition of a plain table",
                of(() -> tables.upload("plain", new PartitionSpec("ds=x"), false)));
        seen.put("upload", of(() -> tables.tunnel.getUploadSession(
                tables.project(), tables.name("plain"), "20260101000000000000000000000000")));
        seen.put("download", of(() -> tables.tunnel.getDownloadSession(
                tables.project(), tables.name("plain"), "20260101000000000000000000000000")));
        seen.put("rows", Tables.read(tables.download("plain")));
        return seen;
    }

    /** Stream and upsert sessions are not part of the endpoint: an answer that Java retries would take minutes. */
    Object notBuilt() throws Exception {
        return Map.of(
                "stream",
                of(() -> tables.tunnel.buildStreamUploadSession(tables.project(), tables.name("plain")).build()),
                "upsert",
                of(() -> tables.tunnel.buildUpsertSession(tables.project(), tables.name("plain")).build()));
    }

    /** Loads into a table for which the endpoint was told to refuse one creation and to lose one answer of a commit. */
    Object flaky() throws Exception {
        UploadSession upload = tables.upload("flaky");
        Tables.write(upload, 0, new Object[] {1L, "once"});
        Map<String, Object> seen = new LinkedHashMap<>();
        seen.put("commit", of(() -> upload.commit(new Long[] {0L})));
        seen.put("status", upload.getStatus().name());
        seen.put("rows", Tables.read(tables.download("flaky")));
        return seen;
    }

    Object restErrors() throws Exception {
        Map<String, Object> seen = new LinkedHashMap<>();
        seen.put("table", of(() -> tables.odps.tables().get(tables.name("missing")).reload()));
        seen.put("project", of(() -> tables.odps.projects().get("no_project").reload()));
        seen.put("instance", of(() -> tables.odps.instances().get("20260101000000000g").getStatus()));
        seen.put("exists", tables.odps.tables().exists(tables.name("missing")));
        return seen;
    }

    Object accounts() throws Exception {
        Map<String, Object> seen = new LinkedHashMap<>();
        seen.put("V4", loadAs(new AliyunAccount(id, key, "cn-hangzhou")));
        seen.put("STS", loadAs(new StsAccount(id, key, "a token")));
        seen.put("STS V4", loadAs(new StsAccount(id, key, "a token", "cn-hangzhou")));
        for (String region : new String[] {null, "cn-hangzhou"}) {
            String scheme = region == null ? "V2" : "V4";
            seen.put(scheme + " wrong key", of(() -> ask(new AliyunAccount(id, key + "x", region))));
            seen.put(scheme + " unknown id", of(() -> ask(new AliyunAccount("nobody", key, region))));
        }
        return seen;
    }

    /** Creates, fills, reads and drops a table with an account, and gives its rows. */
    private Object loadAs(Account account) throws Exception {
        Tables own = new Tables(connection.of(account), prefix);
        own.create("account", Scenarios.NUMBER_AND_TEXT);
        UploadSession upload = own.upload("account");
        Tables.write(upload, 0, new Object[] {1L, "signed"});
        upload.commit(new Long[] {0L});
        List<Object> rows = Tables.read(own.download("account"));
        own.odps.tables().delete(own.name("account"));
        return rows;
    }

    /** Sends a request without a body: Java's HTTP client shows no error for a 401 to one that has a body. */
    private void ask(Account account) throws OdpsException {
        connection.of(account).projects().get().reload();
    }

    static Object of(Attempt attempt) {
        try {
            attempt.run();
            return "accepted";
        } catch (Exception failure) {
            OdpsException reason = null;
            for (Throwable cause = failure; cause != null && reason == null; cause = cause.getCause()) {
                reason = cause instanceof OdpsException found ? found : null;
            }
            Map<String, Object> seen = new LinkedHashMap<>();
            seen.put("class", (reason == null ? failure : reason).getClass().getSimpleName());
            seen.put("code", reason == null ? null : reason.getErrorCode());
            seen.put("message", String.valueOf((reason == null ? failure : reason).getMessage()));
            return seen;
        }
    }
}
