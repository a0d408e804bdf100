package uwsgi

import (
	"fmt"
	"time"
)

// The bits of the flags that CacheSetFlags takes, with uWSGI's numbers.
const (
	// CacheFlagUpdate lets an entry replace the one with the same key.
	CacheFlagUpdate = 2
	// CacheFlagLocal tells no other server of the entry, which is so in any case.
	CacheFlagLocal = 4
	// CacheFlagAbsExpire says that expires is a time, in seconds since 1970.
	CacheFlagAbsExpire = 8
)

// openQuietly is OpenCache for functions that have no error to give: the log has it, and
// the cache is nil.
func openQuietly(name string) *Cache {
	c, err := OpenCache(name)
	if err != nil {
		cacheTrouble.tell(err)
	}
	return c
}

// CacheGet gives the value of a key in the cache with this name, or in the first
// one if the name is empty; "" when there is none. The name may be that of a cache of
// another server, as Cache says, or of one in Redis: "" also when that cannot be asked,
// with a line in the log, at most one a second. Cache.Get tells what is missing from what
// is empty.
func CacheGet(key, cache string) string {
	c := openQuietly(cache)
	if c == nil {
		return ""
	}
	if c.remote != nil {
		value, err := c.Get(key)
		quietly(err)
		return string(value)
	}
	return c.getText(key)
}

// CacheSet puts an entry that is not there yet, for so many seconds, or for ever if
// expires is 0. It says whether it did: false also for a cache that there is not,
// one that is full, or a key or value that it does not take.
func CacheSet(key string, value []byte, expires uint64, cache string) bool {
	return CacheSetFlags(key, value, expires, 0, cache)
}

// CacheUpdate is CacheSet, but it replaces an entry that is there.
func CacheUpdate(key string, value []byte, expires uint64, cache string) bool {
	return CacheSetFlags(key, value, expires, CacheFlagUpdate, cache)
}

// CacheSetFlags is CacheSet with flags (CacheFlagUpdate and its like, added up).
// False also, with a line in the log, for flags that there are not.
func CacheSetFlags(key string, value []byte, expires, flags uint64, cache string) bool {
	c := openQuietly(cache)
	if c == nil {
		return false
	}
	if flags&^(CacheFlagUpdate|CacheFlagLocal|CacheFlagAbsExpire) != 0 {
		cacheTrouble.tell(fmt.Errorf("uwsgi: %s: CacheSetFlags has no flags %d", c.label(), flags))
		return false
	}
	ttl := time.Duration(0)
	if expires > 0 {
		if flags&CacheFlagAbsExpire != 0 {
			now := uint64(time.Now().Unix())
			if expires <= now {
				return false
			}
			expires -= now
		}
		ttl = Forever
		if expires < uint64(Forever/time.Second) {
			ttl = time.Duration(expires) * time.Second
		}
	}
	if flags&CacheFlagUpdate != 0 {
		return quietly(c.Set(key, value, ttl))
	}
	return quietly(c.Add(key, value, ttl))
}

// CacheDel deletes an entry, and says whether there was one.
func CacheDel(key, cache string) bool {
	c := openQuietly(cache)
	return c != nil && quietly(c.Delete(key))
}

// CacheExists says whether there is an entry.
func CacheExists(key, cache string) bool {
	c := openQuietly(cache)
	return c != nil && c.Exists(key)
}
