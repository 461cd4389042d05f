package peers;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple5;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Counts by organization: ids in keyed state, and totals that are brought up to date in batches, as Flink's own
 * mini-batch aggregation does it. What a batch holds enters the state before every checkpoint, so nothing is lost with
 * it, and the totals handed on are whole, so that writing them again after a failure does no harm.
 */
final class Counting extends AbstractStreamOperator<Totals>
        implements OneInputStreamOperator<Tuple5<String, String, Long, Integer, Long>, Totals> {
    private static final long serialVersionUID = 1;
    /** How long a record may wait to be seen in PostgreSQL. */
    private static final long WRITE_EVERY_MS = 500;

    private transient MapState<String, Boolean> ids;
    private transient MapState<Long, long[]> hours;
    private transient MapState<Long, long[]> days;
    /** By organization and hour, what is not in the state yet. */
    private transient Map<String, Map<Long, long[]>> batch;

    @Override
    public void open() throws Exception {
        super.open();
        batch = new HashMap<>();
        ids = getRuntimeContext().getMapState(new MapStateDescriptor<>("ids", Types.STRING, Types.BOOLEAN));
        hours = getRuntimeContext().getMapState(totals("hours"));
        days = getRuntimeContext().getMapState(totals("days"));
        getProcessingTimeService().scheduleWithFixedDelay(time -> finishBatch(), WRITE_EVERY_MS, WRITE_EVERY_MS);
    }

    @Override
    public void processElement(StreamRecord<Tuple5<String, String, Long, Integer, Long>> element) throws Exception {
        Tuple5<String, String, Long, Integer, Long> counted = element.getValue();
        if (ids.contains(counted.f1)) {
            return;
        }
        ids.put(counted.f1, true);
        long hour = Buckets.start(counted.f2, Buckets.HOUR);
        long[] counters = batch.computeIfAbsent(counted.f0, name -> new HashMap<>())
                .computeIfAbsent(hour, start -> new long[8]);
        Change.ALL[counted.f3].addTo(counters, counted.f4);
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpoint) throws Exception {
        finishBatch();
    }

    @Override
    public void finish() throws Exception {
        finishBatch();
        super.finish();
    }

    private void finishBatch() throws Exception {
        if (batch.isEmpty()) {
            return;
        }
        Totals totals = new Totals();
        for (Map.Entry<String, Map<Long, long[]>> entry : batch.entrySet()) {
            String organization = entry.getKey();
            setCurrentKey(organization);
            Map<Long, long[]> changedDays = new HashMap<>();
            for (Map.Entry<Long, long[]> change : entry.getValue().entrySet()) {
                totals.hours.add(new Row(organization, change.getKey(), added(hours, change)));
                add(changedDays.computeIfAbsent(Buckets.start(change.getKey(), Buckets.DAY), day -> new long[8]),
                        change.getValue());
            }
            for (Map.Entry<Long, long[]> change : changedDays.entrySet()) {
                totals.days.add(new Row(organization, change.getKey(), added(days, change)));
            }
        }
        batch.clear();
        output.collect(new StreamRecord<>(totals));
    }

    /** The current organization's total with the change, which it has from now on. */
    private static long[] added(MapState<Long, long[]> totals, Map.Entry<Long, long[]> change) throws Exception {
        long[] known = totals.get(change.getKey());
        long[] total = known == null ? new long[8] : known.clone();
        add(total, change.getValue());
        totals.put(change.getKey(), total);
        return total;
    }

    private static void add(long[] sum, long[] counters) {
        for (int place = 0; place < sum.length; place++) {
            sum[place] += counters[place];
        }
    }

    private static MapStateDescriptor<Long, long[]> totals(String name) {
        return new MapStateDescriptor<>(name, Types.LONG, PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO);
    }
}
