package peers;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/** The two tables of counters in PostgreSQL, written in one transaction with one statement for each. */
public final class Tables implements AutoCloseable {
    private static final List<String> COUNTERS = List.of(
            "orders_created", "payments_total", "payments_successful", "workflows_total", "workflows_failed",
            "total_execution_time_ms", "messages_sent", "messages_delivered");

    private final Connection connection;
    private final PreparedStatement hours;
    private final PreparedStatement days;

    public Tables(String url) throws SQLException {
        connection = DriverManager.getConnection(url);
        connection.setAutoCommit(false);
        hours = connection.prepareStatement(upsert("org_hourly_metrics", "hour_bucket"));
        days = connection.prepareStatement(upsert("org_daily_metrics", "day_bucket"));
    }

    /** Writes totals, in place of what the rows had. */
    public void write(Collection<Row> hourRows, Collection<Row> dayRows) throws SQLException {
        write(hours, hourRows);
        write(days, dayRows);
        connection.commit();
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }

    private void write(PreparedStatement statement, Collection<Row> rows) throws SQLException {
        Row[] sorted = rows.toArray(new Row[0]);
        if (sorted.length == 0) {
            return;
        }
        Arrays.sort(sorted);
        Object[] organizations = Arrays.stream(sorted).map(Row::organization).toArray(String[]::new);
        statement.setArray(1, connection.createArrayOf("text", organizations));
        statement.setObject(2, Arrays.stream(sorted).mapToLong(Row::bucket).toArray());
        for (int place = 0; place < COUNTERS.size(); place++) {
            int counter = place;
            long[] values = Arrays.stream(sorted).mapToLong(row -> row.counters()[counter]).toArray();
            statement.setObject(3 + place, values);
        }
        statement.executeUpdate();
    }

    private static String upsert(String table, String bucket) {
        String columns = String.join(", ", COUNTERS);
        String arrays = String.join(", ", Collections.nCopies(COUNTERS.size(), "?::bigint[]"));
        String sets = COUNTERS.stream().map(name -> name + " = excluded." + name)
                .collect(Collectors.joining(", "));
        return "insert into " + table + " (organization_id, " + bucket + ", " + columns + ")"
                + " select organization_id, to_timestamp(bucket), " + columns
                + " from unnest(?::text[], ?::bigint[], " + arrays + ")"
                + " as w (organization_id, bucket, " + columns + ")"
                + " on conflict (organization_id, " + bucket + ") do update set " + sets + ", updated_at = now()";
    }
}
