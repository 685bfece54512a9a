package pebble

// Figures are what there is to see of the store below a database; all are 0 while nothing has left memory.
type Figures struct {
	LiveBytes, DiskBytes, MemTableBytes, PendingBytes int64
	CacheBytes, CacheCapacity, CacheHits, CacheMisses int64
	RunningCompactions, RunningFlushes                int64
}

// Figures looks at the store. The owner of the database calls it, not often: it takes some microseconds.
func (d *Database) Figures() *Figures {
	if d.engine == nil {
		return new(Figures)
	}
	m, cache := d.engine.db.Metrics(), d.engine.cache
	total := m.Total()
	return &Figures{
		LiveBytes: total.TablesSize, DiskBytes: int64(m.DiskSpaceUsage()), MemTableBytes: int64(m.MemTable.Size), PendingBytes: int64(m.Compact.EstimatedDebt),
		CacheBytes: m.BlockCache.Size, CacheCapacity: cache.MaxSize(), CacheHits: m.BlockCache.Hits, CacheMisses: m.BlockCache.Misses,
		RunningCompactions: m.Compact.NumInProgress, RunningFlushes: m.Flush.NumInProgress,
	}
}

// FigureNames are the figures under the names that Flink has for those of RocksDB.
var FigureNames = map[string]func(*Figures) int64{
	"estimate-live-data-size":           func(f *Figures) int64 { return f.LiveBytes },
	"total-sst-files-size":              func(f *Figures) int64 { return f.DiskBytes },
	"cur-size-all-mem-tables":           func(f *Figures) int64 { return f.MemTableBytes },
	"estimate-pending-compaction-bytes": func(f *Figures) int64 { return f.PendingBytes },
	"block-cache-usage":                 func(f *Figures) int64 { return f.CacheBytes },
	"block-cache-capacity":              func(f *Figures) int64 { return f.CacheCapacity },
	"block-cache-hit":                   func(f *Figures) int64 { return f.CacheHits },
	"block-cache-miss":                  func(f *Figures) int64 { return f.CacheMisses },
	"num-running-compactions":           func(f *Figures) int64 { return f.RunningCompactions },
	"num-running-flushes":               func(f *Figures) int64 { return f.RunningFlushes },
}
