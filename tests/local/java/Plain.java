// Values of the SDK's records and of Arrow's vectors, as JSON has them.

import com.aliyun.odps.OdpsType;
import com.aliyun.odps.data.AbstractChar;
import com.aliyun.odps.data.Binary;
import com.aliyun.odps.data.Record;
import com.aliyun.odps.data.Struct;
import java.math.BigDecimal;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;

final class Plain {
    private Plain() {}

    /** Gives numbers, booleans, lists and maps as they are, bytes in hex, instants in UTC, the rest as text. */
    static Object of(Object value) {
        return switch (value) {
            case null -> null;
            case BigDecimal number -> number.toPlainString();
            case Number number -> number;
            case Boolean truth -> truth;
            case byte[] bytes -> HexFormat.of().formatHex(bytes);
            case Binary binary -> HexFormat.of().formatHex(binary.data());
            case AbstractChar<?> text -> text.getValue();
            case Date date -> date.toInstant().toString();
            case ZonedDateTime time -> time.toInstant().toString();
            case Struct struct -> ofAll(struct.getFieldValues());
            case Collection<?> values -> ofAll(values);
            case Map<?, ?> map -> ofEach(map);
            default -> value.toString();
        };
    }

    static List<Object> ofRecord(Record record) {
        List<Object> values = new ArrayList<>();
        for (int at = 0; at < record.getColumnCount(); at++) {
            // A string's own form is bytes: the reader does not know that they are text.
            boolean text = record.getColumns()[at].getTypeInfo().getOdpsType() == OdpsType.STRING;
            values.add(of(text ? record.getString(at) : record.get(at)));
        }
        return values;
    }

    static List<Object> ofBatch(VectorSchemaRoot batch) {
        List<Object> rows = new ArrayList<>();
        for (int row = 0; row < batch.getRowCount(); row++) {
            List<Object> values = new ArrayList<>();
            for (FieldVector vector : batch.getFieldVectors()) {
                values.add(of(vector.getObject(row)));
            }
            rows.add(values);
        }
        return rows;
    }

    private static List<Object> ofAll(Collection<?> values) {
        List<Object> plain = new ArrayList<>();
        values.forEach(value -> plain.add(of(value)));
        return plain;
    }

    private static Map<String, Object> ofEach(Map<?, ?> map) {
        Map<String, Object> plain = new LinkedHashMap<>();
        map.forEach((key, value) -> plain.put(String.valueOf(of(key)), of(value)));
        return plain;
    }
}
