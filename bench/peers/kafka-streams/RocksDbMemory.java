package peers;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.WriteBufferManager;

/** One bound on the memory of all stores, as Kafka's documentation advises: "Memory Management", RocksDB. */
public final class RocksDbMemory implements RocksDBConfigSetter {
    private static final long TOTAL = 512L << 20;
    private static final long WRITE_BUFFERS = 256L << 20;
    private static final double INDEX_AND_FILTERS = 0.3;
    private static final int BLOOM_BITS = 10;
    private static final double MEMTABLE_BLOOM = 0.1;

    private static final Cache CACHE = new LRUCache(TOTAL, -1, false, INDEX_AND_FILTERS);
    private static final WriteBufferManager BUFFERS = new WriteBufferManager(WRITE_BUFFERS, CACHE);
    private static final BloomFilter FILTER = new BloomFilter(BLOOM_BITS, false);

    @Override
    public void setConfig(String store, Options options, Map<String, Object> settings) {
        BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
        table.setBlockCache(CACHE);
        table.setCacheIndexAndFilterBlocks(true);
        table.setCacheIndexAndFilterBlocksWithHighPriority(true);
        table.setPinTopLevelIndexAndFilter(true);
        table.setFilterPolicy(FILTER);
        table.setBlockSize(16 << 10);
        options.setTableFormatConfig(table);
        options.setWriteBufferManager(BUFFERS);
        options.setWriteBufferSize(16 << 20);
        options.setMaxWriteBufferNumber(3);
        // Most ids that are looked for are in no buffer either.
        options.setMemtablePrefixBloomSizeRatio(MEMTABLE_BLOOM);
        options.setMemtableWholeKeyFiltering(true);
    }

    @Override
    public void close(String store, Options options) {
        // What is shared by all stores stays.
    }
}
