package uwsgi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Errors of a cache. Those that the methods give wrap them, and say more: compare
// with errors.Is.
var (
	// ErrMissing: there is no entry with this key, or no cache with this name.
	ErrMissing = errors.New("it is not there")
	// ErrExists: there is an entry with this key.
	ErrExists = errors.New("there is an entry with this key")
	// ErrFull: all items or too many blocks are in use, and nothing may be dropped.
	ErrFull = errors.New("it is full")
	// ErrLength: the key is empty or longer than keysize, or the value is longer
	// than all blocks together. Where an entry with such a key is looked for, the
	// error is ErrMissing, too.
	ErrLength = errors.New("its length is wrong")
	// ErrNotANumber: the entry is not a whole number of 64 bits in decimal, or the
	// sum would not be one.
	ErrNotANumber = errors.New("it is not a number of 64 bits")
	// ErrBusy: another process holds what is needed and does not go on, though it
	// lives.
	ErrBusy = errors.New("another process does not go on")
)

// Forever is the time of an entry that lives until it is deleted.
const Forever = time.Duration(1<<63 - 1)

// Cache is a cache of the server, by the name that the option cache2 or cache
// gives it: keys and values that all worker processes share. Its methods may be
// called at any time and from any goroutine, and copy what they are given and
// what they give.
//
// Times to live are rounded up to milliseconds. 0 is the time that the option
// cache2 gives the entries of this cache (its key expires), or else Forever.
//
// Outside a server a cache is the process's own, has any name, and is never full.
//
// A name with an @ in it means a cache of another server, name@host:port or
// name@/path/of.sock, that serves it on a cache-socket; without a name before the @
// it is the first one there. Each operation asks that server, and takes at most five
// seconds (WithTimeout). What goes wrong on the way is an error that errors.Is finds
// ErrRemote in. Connections are kept for the next operations.
//
// A cache may lie in Redis (cache2 with backend). Its operations ask that, or serve Get
// from copies in shared memory for as long as its key near says, and take no longer than
// its keys connect and timeout together. What goes wrong on the way is an error that
// errors.Is finds ErrRemote in, and ErrUnreachable if Redis does not answer. Goroutines
// that wait keep no thread.
type Cache struct {
	name   string
	store  cacheStore
	remote elsewhere // in place of store: a cache that lies elsewhere
}

// cacheStore is where the entries are. The numbers that it gives are those of the
// server's functions.
type cacheStore interface {
	get(key string, b []byte) int64
	put(key string, value []byte, millis uint64, rule uint32) int64
	add(key string, by int64, millis uint64, sum *int64) int64
	del(key string) int64
	ttl(key string) int64
	clear() int64
	keys(portion uint32, b []byte) int64
	longest(ofValues uint32) int64
}

// sharedCache is a cache of the server, by its number.
type sharedCache uint32

func (c sharedCache) get(key string, b []byte) int64 { return abiCacheGet(uint32(c), key, b) }
func (c sharedCache) put(key string, value []byte, millis uint64, rule uint32) int64 {
	return abiCachePut(uint32(c), key, value, millis, rule)
}
func (c sharedCache) add(key string, by int64, millis uint64, sum *int64) int64 {
	return abiCacheAdd(uint32(c), key, by, millis, sum)
}
func (c sharedCache) del(key string) int64                { return abiCacheDelete(uint32(c), key) }
func (c sharedCache) ttl(key string) int64                { return abiCacheTTL(uint32(c), key) }
func (c sharedCache) clear() int64                        { return abiCacheClear(uint32(c)) }
func (c sharedCache) keys(portion uint32, b []byte) int64 { return abiCacheKeys(uint32(c), portion, b) }
func (c sharedCache) longest(ofValues uint32) int64       { return abiCacheLongest(uint32(c), ofValues) }

// opened has the caches that were opened, by their names: what is found once
// stays for the life of the process. CacheGet looks here with every call, so nobody
// locks to look: whoever opens one more puts a new map in the place of the old one.
var opened struct {
	sync.Mutex
	caches atomic.Value // of type map[string]*Cache
}

// alreadyOpen gives a cache that was opened, or nil.
func alreadyOpen(name string) *Cache {
	caches, _ := opened.caches.Load().(map[string]*Cache)
	return caches[name]
}

// OpenCache gives the cache with this name, or the first one if the name is empty.
// It does not ask another server whether it has that cache: the operations do.
func OpenCache(name string) (*Cache, error) {
	if c := alreadyOpen(name); c != nil {
		return c, nil
	}
	opened.Lock()
	defer opened.Unlock()
	if c := alreadyOpen(name); c != nil {
		return c, nil
	}
	c := &Cache{name: name}
	if at := strings.IndexByte(name, '@'); at >= 0 {
		p, err := peerAt(name[at+1:])
		if err != nil {
			return nil, fmt.Errorf("uwsgi: cache %q: %w", name, err)
		}
		c.remote = &remoteCache{name: name[:at], peer: p, timeout: remoteTimeout}
	} else if hasServer() {
		number := abiCacheFind(name)
		if number < 0 && name == "" {
			return nil, fmt.Errorf("uwsgi: the server has no cache (option cache2): %w", ErrMissing)
		}
		if number < 0 {
			return nil, fmt.Errorf("uwsgi: the server has no cache called %q (option cache2): %w", name, ErrMissing)
		}
		if number >= firstRemote {
			c.remote = redisCacheOf(uint32(number), c.label)
		} else {
			c.store = sharedCache(number)
		}
	} else {
		c.store = newLocalCache()
	}
	before, _ := opened.caches.Load().(map[string]*Cache)
	after := make(map[string]*Cache, len(before)+1)
	for name, c := range before {
		after[name] = c
	}
	after[name] = c
	opened.caches.Store(after)
	return c, nil
}

// scratch has buffers for values whose length is not known yet.
var scratch = sync.Pool{New: func() interface{} { return new([4096]byte) }}

// Get gives the value of a key. The error of one that is not there is ErrMissing
// itself; an empty value is not nil. That of a key which no entry can have says so: it
// is ErrLength as well as ErrMissing.
func (c *Cache) Get(key string) ([]byte, error) {
	if c.remote != nil {
		value, err := c.remote.get(key)
		return value, sought(err)
	}
	buffer := scratch.Get().(*[4096]byte)
	n := c.store.get(key, buffer[:])
	if n >= 0 && n <= int64(len(buffer)) {
		value := make([]byte, n)
		copy(value, buffer[:n])
		scratch.Put(buffer)
		return value, nil
	}
	scratch.Put(buffer)
	return c.getLong(key, n)
}

// getText is Get for a string.
func (c *Cache) getText(key string) string {
	buffer := scratch.Get().(*[4096]byte)
	n := c.store.get(key, buffer[:])
	if n >= 0 && n <= int64(len(buffer)) {
		text := string(buffer[:n])
		scratch.Put(buffer)
		return text
	}
	scratch.Put(buffer)
	value, err := c.getLong(key, n)
	quietly(err)
	return string(value)
}

// getLong gives the value of a key, which had n bytes when it was looked at; or the
// error that n is.
func (c *Cache) getLong(key string, n int64) ([]byte, error) {
	for n >= 0 {
		value := make([]byte, n)
		if n = c.store.get(key, value); n >= 0 && n <= int64(len(value)) {
			return value[:n], nil
		}
	}
	return nil, sought(c.failure(n, key, 0))
}

// Set puts an entry, in place of one with the same key if there is one.
func (c *Cache) Set(key string, value []byte, ttl time.Duration) error {
	return c.put(key, value, ttl, putAlways)
}

// Add puts an entry if there is none with this key; else the error is ErrExists.
func (c *Cache) Add(key string, value []byte, ttl time.Duration) error {
	return c.put(key, value, ttl, putIfAbsent)
}

// Update puts an entry in place of the one with this key; if there is none the
// error is ErrMissing.
func (c *Cache) Update(key string, value []byte, ttl time.Duration) error {
	return c.put(key, value, ttl, putIfPresent)
}

func (c *Cache) put(key string, value []byte, ttl time.Duration, rule uint32) error {
	millis, err := c.millis(ttl)
	if err != nil {
		return err
	}
	if c.remote != nil {
		return c.remote.put(key, value, millis, rule)
	}
	return c.failure(c.store.put(key, value, millis, rule), key, len(value))
}

// Delete deletes an entry; if there is none the error is ErrMissing.
func (c *Cache) Delete(key string) error {
	if c.remote != nil {
		return sought(c.remote.act("del", key))
	}
	return sought(c.failure(c.store.del(key), key, 0))
}

// Exists says whether there is an entry with this key. Where another server cannot be
// asked, or no entry can have such a key, it is false, with a line in the log.
func (c *Cache) Exists(key string) bool {
	if c.remote != nil {
		return quietly(c.remote.act("exists", key))
	}
	left := c.store.ttl(key)
	return left >= 0 || quietly(c.failure(left, key, 0))
}

// Incr adds by to the number that the entry is, text in decimal, and gives the sum:
// at once, as seen from all processes. An entry that is not there counts from 0
// and lives for ttl; one that is there lives as long as it would have.
func (c *Cache) Incr(key string, by int64, ttl time.Duration) (int64, error) {
	millis, err := c.millis(ttl)
	if err != nil {
		return 0, err
	}
	if c.remote != nil {
		return c.remote.incr(key, by, millis)
	}
	var sum int64
	err = c.failure(c.store.add(key, by, millis, &sum), key, 0)
	return sum, err
}

// Decr is Incr with -by.
func (c *Cache) Decr(key string, by int64, ttl time.Duration) (int64, error) {
	if by == -1<<63 {
		return 0, c.failure(errOverflow, key, 0)
	}
	return c.Incr(key, -by, ttl)
}

// TTL gives how long an entry lives on, or Forever; if there is none the error is
// ErrMissing.
func (c *Cache) TTL(key string) (time.Duration, error) {
	var millis int64
	if c.remote != nil {
		var err error
		if millis, err = c.remote.ttl(key); err != nil {
			return 0, sought(err)
		}
	} else if millis = c.store.ttl(key); millis < 0 {
		return 0, sought(c.failure(millis, key, 0))
	}
	if millis > int64(Forever/time.Millisecond) {
		return Forever, nil
	}
	return time.Duration(millis) * time.Millisecond, nil
}

// Keys gives the keys of all entries, in no order. Nobody has to wait for it: what
// comes or goes meanwhile may be among them or not. Where another server cannot be
// asked there are none, or only some, with a line in the log.
func (c *Cache) Keys() []string {
	if c.remote != nil {
		keys, err := c.remote.keys()
		quietly(err)
		return keys
	}
	var keys []string
	buffer := make([]byte, 64<<10)
	for portion := uint32(0); ; portion++ {
		n := c.store.keys(portion, buffer)
		for n > int64(len(buffer)) {
			buffer = make([]byte, 2*n)
			n = c.store.keys(portion, buffer)
		}
		if n < 0 {
			return keys
		}
		for rest := buffer[:n]; len(rest) > 0; {
			length := 4 + int(byteOrder.Uint32(rest))
			keys = append(keys, string(rest[4:length]))
			rest = rest[length:]
		}
	}
}

// Clear deletes all entries.
func (c *Cache) Clear() error {
	if c.remote != nil {
		return c.remote.act("clear", "")
	}
	return c.failure(c.store.clear(), "", 0)
}

// WithTimeout gives the same cache with another time that each operation may take
// where another server is asked; 0 is five seconds. For other caches nothing changes.
func (c *Cache) WithTimeout(timeout time.Duration) *Cache {
	asked, ok := c.remote.(*remoteCache)
	if !ok {
		return c
	}
	if timeout <= 0 {
		timeout = remoteTimeout
	}
	remote := *asked
	remote.timeout = timeout
	return &Cache{name: c.name, remote: &remote}
}

// byteOrder is the machine's.
var byteOrder = func() binary.ByteOrder {
	one := uint16(1)
	if *(*byte)(unsafe.Pointer(&one)) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}()

// millis gives a time as the server takes it.
func (c *Cache) millis(ttl time.Duration) (uint64, error) {
	switch {
	case ttl < 0:
		return 0, fmt.Errorf("uwsgi: %s: an entry cannot live for %v", c.label(), ttl)
	case ttl == 0:
		return ttlUsual, nil
	case ttl == Forever:
		return ttlEndless, nil
	}
	return uint64((ttl-1)/time.Millisecond) + 1, nil
}

// label names the cache in errors.
func (c *Cache) label() string {
	if c.name == "" {
		return "the first cache"
	}
	return fmt.Sprintf("cache %q", c.name)
}

// impossible is the error of a key that no entry can have, where one was looked for:
// there is none.
type impossible struct{ error }

// Unwrap gives what is wrong with the key.
func (e impossible) Unwrap() error { return e.error }

// Is says that it is ErrMissing, too.
func (impossible) Is(target error) bool { return target == ErrMissing }

// sought gives the error of whoever has looked for an entry.
func sought(err error) error {
	if errors.Is(err, ErrLength) {
		return impossible{err}
	}
	return err
}

// failure makes an error of what a function has given.
func (c *Cache) failure(code int64, key string, length int) error {
	switch code {
	case errMissing:
		return ErrMissing
	case errExists:
		return ErrExists
	case errFull:
		return fmt.Errorf("uwsgi: %s: %w (items, blocks, purge_lru)", c.label(), ErrFull)
	case errKey:
		if key == "" {
			return fmt.Errorf("uwsgi: %s: the key is empty: %w", c.label(), ErrLength)
		}
		return fmt.Errorf("uwsgi: %s: the key has %d bytes, and keys may have %d (keysize): %w",
			c.label(), len(key), c.store.longest(0), ErrLength)
	case errValue:
		return fmt.Errorf("uwsgi: %s: the value has %d bytes, and all blocks together have %d "+
			"(blocks, blocksize): %w", c.label(), length, c.store.longest(1), ErrLength)
	case errNumber, errOverflow:
		return fmt.Errorf("uwsgi: %s: key %q: %w", c.label(), key, ErrNotANumber)
	case errBusy:
		return fmt.Errorf("uwsgi: %s: %w", c.label(), ErrBusy)
	case errDamaged:
		return fmt.Errorf("uwsgi: %s: its memory is damaged", c.label())
	}
	if code < 0 {
		return fmt.Errorf("uwsgi: %s: error %d", c.label(), code)
	}
	return nil
}
