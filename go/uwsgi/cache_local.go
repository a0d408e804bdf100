package uwsgi

import (
	"strconv"
	"sync"
	"time"
)

// The limits of keys and values of a cache that has no sizes of its own: those of
// a server's.
const (
	localKey   = 65535
	localValue = 1<<32 - 1
)

// sweepAfter is how many times, at least, something is put until what has expired is
// dropped.
const sweepAfter = 1024

// localCache is a cache of a process without a server.
type localCache struct {
	mu      sync.Mutex
	entries map[string]localEntry
	puts    int // until the next sweep
	now     func() time.Time
}

// localEntry is an entry of it.
type localEntry struct {
	value   []byte
	expires time.Time // zero: never
}

func newLocalCache() *localCache {
	return &localCache{entries: make(map[string]localEntry), puts: sweepAfter, now: time.Now}
}

// find gives an entry that has not expired. The caller holds the lock.
func (c *localCache) find(key string) (localEntry, bool) {
	entry, has := c.entries[key]
	if has && !entry.expires.IsZero() && !c.now().Before(entry.expires) {
		delete(c.entries, key)
		return localEntry{}, false
	}
	return entry, has
}

func canBeKey(key string) bool { return len(key) > 0 && len(key) <= localKey }

// noEntry says why there is no entry with this key.
func noEntry(key string) int64 {
	if !canBeKey(key) {
		return errKey
	}
	return errMissing
}

func (c *localCache) get(key string, b []byte) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, has := c.find(key)
	if !has {
		return noEntry(key)
	}
	copy(b, entry.value)
	return int64(len(entry.value))
}

func (c *localCache) put(key string, value []byte, millis uint64, rule uint32) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.putEntry(key, localEntry{append([]byte(nil), value...), c.end(millis)}, rule)
}

// end gives the time at which so many milliseconds are over.
func (c *localCache) end(millis uint64) time.Time {
	if millis == ttlUsual || millis >= uint64(Forever/time.Millisecond) {
		return time.Time{}
	}
	return c.now().Add(time.Duration(millis) * time.Millisecond)
}

func (c *localCache) putEntry(key string, entry localEntry, rule uint32) int64 {
	if !canBeKey(key) {
		return errKey
	}
	if uint64(len(entry.value)) > localValue {
		return errValue
	}
	_, has := c.find(key)
	if has && rule == putIfAbsent {
		return errExists
	}
	if !has && rule == putIfPresent {
		return errMissing
	}
	c.entries[key] = entry
	if c.puts--; c.puts <= 0 {
		for key := range c.entries {
			c.find(key)
		}
		c.puts = sweepAfter + len(c.entries)
	}
	return 0
}

func (c *localCache) add(key string, by int64, millis uint64, sum *int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, has := c.find(key)
	number := int64(0)
	if has {
		var err error
		if number, err = strconv.ParseInt(string(entry.value), 10, 64); err != nil {
			return errNumber
		}
	} else {
		entry.expires = c.end(millis)
	}
	total := number + by
	if (total > number) != (by > 0) && by != 0 {
		return errOverflow
	}
	*sum = total
	entry.value = strconv.AppendInt(nil, total, 10)
	return c.putEntry(key, entry, putAlways)
}

func (c *localCache) del(key string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, has := c.find(key); !has {
		return noEntry(key)
	}
	delete(c.entries, key)
	return 0
}

func (c *localCache) ttl(key string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, has := c.find(key)
	if !has {
		return noEntry(key)
	}
	if entry.expires.IsZero() {
		return ttlEndless
	}
	return int64(entry.expires.Sub(c.now()) / time.Millisecond)
}

func (c *localCache) clear() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = make(map[string]localEntry)
	return 0
}

func (c *localCache) keys(portion uint32, b []byte) int64 {
	if portion > 0 {
		return errMissing
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var block []byte
	for key := range c.entries {
		if _, has := c.find(key); has {
			var length [4]byte
			byteOrder.PutUint32(length[:], uint32(len(key)))
			block = append(append(block, length[:]...), key...)
		}
	}
	if len(block) <= len(b) {
		copy(b, block)
	}
	return int64(len(block))
}

func (c *localCache) longest(ofValues uint32) int64 {
	if ofValues == 0 {
		return localKey
	}
	return localValue
}
