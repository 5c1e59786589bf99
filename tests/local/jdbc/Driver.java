// What the JDBC driver sees of an endpoint: one line per check, "name<TAB>what was seen", or "name<TAB>failed: why".

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

public final class Driver {
    private interface Check {
        Object see() throws Exception;
    }

    private final Connection connection;

    private Driver(Connection connection) {
        this.connection = connection;
    }

    public static void main(String[] arguments) throws Exception {
        Class.forName("com.aliyun.odps.jdbc.OdpsDriver");
        try (Connection connection = DriverManager.getConnection(arguments[0], arguments[1], arguments[2])) {
            new Driver(connection).everything();
        }
    }

    private void everything() {
        check("create", () -> update("CREATE TABLE j (k BIGINT, v STRING, d DATETIME) TBLPROPERTIES ('transactional'='true')"));
        check("insert", () -> update("INSERT INTO j VALUES (1, 'a', DATETIME'2024-01-02 03:04:05'), (2, NULL, NULL)"));
        check("select", () -> rows("SELECT k, v FROM j ORDER BY k LIMIT 10"));
        check("update", () -> update("UPDATE j SET v = 'b' WHERE k = 2"));
        check("delete", () -> update("DELETE FROM j WHERE k = 1"));
        check("merge", () -> update("MERGE INTO j USING (SELECT 7 AS k) s ON j.k = s.k "
                + "WHEN NOT MATCHED THEN INSERT (k, v, d) VALUES (s.k, 'm', NULL)"));
        check("view", () -> update("CREATE OR REPLACE VIEW jv AS SELECT k FROM j"));
        check("select view", () -> rows("SELECT k FROM jv ORDER BY k LIMIT 10"));
        check("explain", () -> rows("EXPLAIN SELECT k FROM jv").toString().contains("root Tasks"));
        check("aggregate", () -> rows("SELECT COUNT(*), SUM(k) FROM j"));
        check("many rows", () -> rows("SELECT x FROM (SELECT EXPLODE(SEQUENCE(1, 20000)) AS x) s").size());
        check("prepared", this::prepared);
        check("batch", this::batch);
        check("tables", () -> names(meta().getTables(null, null, "j%", null), "TABLE_NAME"));
        check("table types", () -> names(meta().getTables(null, null, "j%", new String[] {"VIEW"}), "TABLE_NAME"));
        check("columns", () -> names(meta().getColumns(null, null, "j", "%"), "COLUMN_NAME"));
        check("schemas", () -> names(meta().getSchemas(), "TABLE_SCHEM"));
        check("product", () -> meta().getDatabaseProductName());
        check("error", () -> {
            try {
                return rows("SELECT nothing FROM j");
            } catch (SQLException refused) {
                return refused.getMessage().contains("ODPS-0130071");
            }
        });
        check("drop view", () -> update("DROP VIEW jv"));
        check("drop", () -> update("DROP TABLE j"));
    }

    private static void check(String name, Check check) {
        Object seen;
        try {
            seen = check.see();
        } catch (Exception | AssertionError failure) {
            seen = "failed: " + failure;
        }
        System.out.println(name + "\t" + String.valueOf(seen).replace('\n', ' '));
    }

    private DatabaseMetaData meta() throws SQLException {
        return connection.getMetaData();
    }

    private int update(String text) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return statement.executeUpdate(text);
        }
    }

    private List<List<String>> rows(String text) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            try (ResultSet found = statement.executeQuery(text)) {
                return read(found);
            }
        }
    }

    private static List<List<String>> read(ResultSet found) throws SQLException {
        List<List<String>> rows = new ArrayList<>();
        while (found.next()) {
            List<String> row = new ArrayList<>();
            for (int at = 1; at <= found.getMetaData().getColumnCount(); at++) {
                row.add(found.getString(at));
            }
            rows.add(row);
        }
        return rows;
    }

    private static List<String> names(ResultSet found, String column) throws SQLException {
        List<String> names = new ArrayList<>();
        while (found.next()) {
            names.add(found.getString(column));
        }
        return names;
    }

    private Object prepared() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT k FROM j WHERE k = ? AND v = ?")) {
            statement.setLong(1, 7);
            statement.setString(2, "m");
            try (ResultSet found = statement.executeQuery()) {
                return read(found);
            }
        }
    }

    private Object batch() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO jb VALUES (?, ?)")) {
            update("CREATE TABLE IF NOT EXISTS jb (k BIGINT, v STRING)");
            for (long k = 0; k < 100; k++) {
                statement.setLong(1, k);
                statement.setString(2, "v" + k);
                statement.addBatch();
            }
            statement.executeBatch();
        }
        return rows("SELECT COUNT(*), MAX(k) FROM jb");
    }
}
