package peers;

import java.util.ArrayList;
import java.util.List;

/** Rows to be written together. It is handed on within a task, never between two. */
public final class Totals {
    public List<Row> hours = new ArrayList<>();
    public List<Row> days = new ArrayList<>();
}
