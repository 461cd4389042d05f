package peers;

import java.io.IOException;
import java.sql.SQLException;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/** Writes totals as they come. They are whole, so writing at least once is enough for exact tables. */
final class TablesSink implements Sink<Totals> {
    private static final long serialVersionUID = 1;

    private final String url;

    TablesSink(String url) {
        this.url = url;
    }

    @Override
    public SinkWriter<Totals> createWriter(WriterInitContext context) throws IOException {
        try {
            return new Writer(new Tables(url));
        } catch (SQLException error) {
            throw new IOException(error);
        }
    }

    private record Writer(Tables tables) implements SinkWriter<Totals> {
        @Override
        public void write(Totals totals, Context context) throws IOException {
            try {
                tables.write(totals.hours, totals.days);
            } catch (SQLException error) {
                throw new IOException(error);
            }
        }

        @Override
        public void flush(boolean endOfInput) {
            // Every write is committed.
        }

        @Override
        public void close() throws SQLException {
            tables.close();
        }
    }
}
