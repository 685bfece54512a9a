package config

// StoreMetrics are options that list figures of the store below the keyed state of backend pebble, by the name of the figure. Flink's names are kept, as are its
// defaults: each costs a little.
var StoreMetrics = map[string]*Option[bool]{}

func storeMetric(name, doc string) *Option[bool] {
	o := declare(StateData, "state.backend.rocksdb.metrics."+name, false, boolean(),
		"List `rocksdb."+name+"` of each operator with keyed state in the backend pebble: "+doc)
	StoreMetrics[name] = o
	return o
}

// Figures of the store below keyed state.
var (
	StoreLiveBytes     = storeMetric("estimate-live-data-size", "bytes of the tables in use.")
	StoreDiskBytes     = storeMetric("total-sst-files-size", "bytes of all its files, those that wait to be removed included.")
	StoreBufferBytes   = storeMetric("cur-size-all-mem-tables", "bytes of its write buffers.")
	StorePendingBytes  = storeMetric("estimate-pending-compaction-bytes", "bytes that are yet to be merged.")
	StoreCacheUsage    = storeMetric("block-cache-usage", "bytes in its cache.")
	StoreCacheCapacity = storeMetric("block-cache-capacity", "bytes that its cache may have.")
	StoreCacheHit      = storeMetric("block-cache-hit", "reads that its cache has served.")
	StoreCacheMiss     = storeMetric("block-cache-miss", "reads that its cache could not serve.")
	StoreCompactions   = storeMetric("num-running-compactions", "merges of tables under way.")
	StoreFlushes       = storeMetric("num-running-flushes", "write buffers that are being written out.")
)
