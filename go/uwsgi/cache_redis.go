package uwsgi

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// ErrUnreachable is in the errors of a cache in Redis that cannot be reached or does
// not answer in time, besides ErrRemote. Compare with errors.Is.
var ErrUnreachable = errors.New("it cannot be reached")

// Errors of the server's functions for caches that lie elsewhere.
const (
	errDenied      = -30
	errUnreachable = -31
)

// firstRemote is the number of the first cache that lies elsewhere.
const firstRemote = 65536

// What abiRemoteAsk asks for.
const (
	askGet    = 1
	askPut    = 2
	askAdd    = 3
	askDelete = 4
	askTTL    = 5
	askKeys   = 6
	askClear  = 7
)

// lateness is how much longer than the server itself a goroutine waits, which has
// less to say of what went wrong.
const lateness = 250 * time.Millisecond

// redisCache is a cache of this server that lies in Redis. A line takes one call at
// a time; the server works it off on a thread of its own, while the goroutine waits for
// the line's descriptor as it would for a connection. So no goroutine and no thread
// of Go's is ever in a call that blocks.
type redisCache struct {
	label    func() string
	number   uint32
	patience time.Duration
	unused   chan *redisLine // lines that were not opened yet
	free     chan *redisLine // lines that are open and have no call
}

// redisLine is a line, which is the only owner of its descriptor for ever.
type redisLine struct {
	number uint32
	file   *os.File
	raw    syscall.RawConn
}

// redisCaches has those of the process by their numbers: the first cache has two names,
// and its lines have one owner.
var redisCaches = make(map[uint32]*redisCache)

// redisCacheOf gives the cache with this number. The caller holds opened's lock.
func redisCacheOf(number uint32, label func() string) *redisCache {
	c := redisCaches[number]
	if c == nil {
		c = newRedisCache(number, label)
		redisCaches[number] = c
	}
	return c
}

func newRedisCache(number uint32, label func() string) *redisCache {
	lines := abiRemoteLines(number)
	c := &redisCache{
		label:    label,
		number:   number,
		patience: time.Duration(abiRemotePatience(number))*time.Millisecond + lateness,
		unused:   make(chan *redisLine, lines),
		free:     make(chan *redisLine, lines),
	}
	for i := uint32(0); i < uint32(lines); i++ {
		c.unused <- &redisLine{number: i}
	}
	return c
}

// redisError is what Redis, or the way to it, has said.
type redisError struct {
	label       string
	text        string
	unreachable bool
}

func (e *redisError) Error() string {
	kind := "it refuses"
	if e.unreachable {
		kind = ErrUnreachable.Error()
	}
	return fmt.Sprintf("uwsgi: %s: %s: %s", e.label, kind, e.text)
}

// Is says that it is ErrRemote, and ErrUnreachable if it is.
func (e *redisError) Is(target error) bool {
	return target == ErrRemote || target == ErrUnreachable && e.unreachable
}

// line gives a line that has no call, and waits for it if there is none.
func (c *redisCache) line(deadline time.Time) (*redisLine, error) {
	select {
	case l := <-c.free:
		return l, nil
	default:
	}
	select {
	case l := <-c.free:
		return l, nil
	case l := <-c.unused:
		return c.open(l)
	default:
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case l := <-c.free:
		return l, nil
	case l := <-c.unused: // one that could not be opened before
		return c.open(l)
	case <-timer.C:
		return nil, &redisError{c.label(), fmt.Sprintf("all %d connections were in use for %v (pool)",
			cap(c.free), c.patience), true}
	}
}

func (c *redisCache) open(l *redisLine) (*redisLine, error) {
	fd := abiRemoteLine(c.number, l.number)
	if fd >= 0 {
		l.file = os.NewFile(uintptr(fd), "goherd redis")
		var err error
		if l.raw, err = l.file.SyscallConn(); err == nil {
			return l, nil
		}
	}
	c.unused <- l
	return nil, &redisError{c.label(), "there is no room for another thread or descriptor", true}
}

// result is what has come of a call.
type result struct {
	bytes  []byte
	number int64
}

// call asks, and waits for the answer.
func (c *redisCache) call(what uint32, key string, value []byte, number int64, millis uint64) (result, error) {
	deadline := time.Now().Add(c.patience)
	l, err := c.line(deadline)
	if err != nil {
		return result{}, err
	}
	if code := abiRemoteAsk(c.number, l.number, what, key, value, number, millis); code < 0 {
		c.free <- l
		return result{}, c.failure(code, "", key, len(value))
	}
	l.file.SetReadDeadline(deadline)
	buffer := scratch.Get().(*[4096]byte)
	defer scratch.Put(buffer)
	found, code := c.wait(l, buffer[:])
	if code == errAgain {
		go c.mourn(l)
		return result{}, &redisError{c.label(), fmt.Sprintf("no answer within %v", c.patience), true}
	}
	reason := ""
	if code < 0 {
		reason = c.reason(l)
	}
	c.free <- l
	return found, c.failure(code, reason, key, len(value))
}

// wait waits for the answer to the call on a line, and takes it. The error is
// errAgain if the line's deadline has passed.
func (c *redisCache) wait(l *redisLine, buffer []byte) (result, int64) {
	n, number := int64(errAgain), int64(0)
	err := l.raw.Read(func(uintptr) bool {
		n = abiRemoteTake(c.number, l.number, buffer, &number)
		return n != errAgain
	})
	if err != nil && n == errAgain || n < 0 {
		return result{}, n
	}
	if n <= int64(len(buffer)) {
		return result{append(make([]byte, 0, n), buffer[:n]...), number}, 0
	}
	bytes := make([]byte, n)
	n = abiRemoteTake(c.number, l.number, bytes, &number)
	return result{bytes, number}, n
}

// mourn waits for the end of a call that nobody waits for any more, so that the
// line can have another.
func (c *redisCache) mourn(l *redisLine) {
	l.file.SetReadDeadline(time.Time{})
	c.wait(l, nil)
	c.free <- l
}

// reason gives what was said of the call that came to nothing.
func (c *redisCache) reason(l *redisLine) string {
	text := make([]byte, 512)
	n := abiRemoteReason(c.number, l.number, text)
	if n < 0 {
		n = 0
	} else if n > int64(len(text)) {
		n = int64(len(text))
	}
	return string(text[:n])
}

// failure makes an error of what a call has come to.
func (c *redisCache) failure(code int64, reason, key string, length int) error {
	switch code {
	case errDenied, errUnreachable:
		return &redisError{c.label(), reason, code == errUnreachable}
	case errFull:
		return fmt.Errorf("uwsgi: %s: %w: %s", c.label(), ErrFull, reason)
	case errKey:
		if key == "" {
			return fmt.Errorf("uwsgi: %s: the key is empty: %w", c.label(), ErrLength)
		}
		return fmt.Errorf("uwsgi: %s: the key has %d bytes, and keys may have %d (keysize): %w",
			c.label(), len(key), abiRemoteLongest(c.number, 0), ErrLength)
	case errValue:
		return fmt.Errorf("uwsgi: %s: the value has %d bytes, and Redis takes %d: %w",
			c.label(), length, abiRemoteLongest(c.number, 1), ErrLength)
	case errNumber:
		return fmt.Errorf("uwsgi: %s: key %q: %w", c.label(), key, ErrNotANumber)
	case errMissing:
		return ErrMissing
	case errExists:
		return ErrExists
	case errBusy:
		return fmt.Errorf("uwsgi: %s: %w", c.label(), ErrBusy)
	}
	if code < 0 {
		return fmt.Errorf("uwsgi: %s: error %d", c.label(), code)
	}
	return nil
}

func (c *redisCache) get(key string) ([]byte, error) {
	if value, has := c.near(key); has {
		return value, nil
	}
	found, err := c.call(askGet, key, nil, 0, 0)
	return found.bytes, err
}

// near gives the value of a key if shared memory has a good copy of it.
func (c *redisCache) near(key string) ([]byte, bool) {
	buffer := scratch.Get().(*[4096]byte)
	defer scratch.Put(buffer)
	n := abiRemoteNear(c.number, key, buffer[:])
	if n < 0 {
		return nil, false
	}
	if n <= int64(len(buffer)) {
		return append(make([]byte, 0, n), buffer[:n]...), true
	}
	value := make([]byte, n)
	if again := abiRemoteNear(c.number, key, value); again >= 0 && again <= n {
		return value[:again], true
	}
	return nil, false
}

func (c *redisCache) put(key string, value []byte, millis uint64, rule uint32) error {
	_, err := c.call(askPut, key, value, int64(rule), millis)
	return err
}

// act is for what has no answer but that it was done: "del", "exists", "clear".
func (c *redisCache) act(command, key string) error {
	var err error
	switch command {
	case "del":
		_, err = c.call(askDelete, key, nil, 0, 0)
	case "exists":
		_, err = c.call(askTTL, key, nil, 0, 0)
	case "clear":
		err = c.clear()
	}
	return err
}

func (c *redisCache) incr(key string, by int64, millis uint64) (int64, error) {
	found, err := c.call(askAdd, key, nil, by, millis)
	return found.number, err
}

func (c *redisCache) ttl(key string) (int64, error) {
	found, err := c.call(askTTL, key, nil, 0, 0)
	return found.number, err
}

// keys asks for one portion after the other. Redis may give a key twice.
func (c *redisCache) keys() ([]string, error) {
	var keys []string
	seen := make(map[string]struct{})
	for cursor := int64(0); ; {
		found, err := c.call(askKeys, "", nil, cursor, 0)
		if err != nil {
			return keys, err
		}
		for rest := found.bytes; len(rest) > 0; {
			length := 4 + int(byteOrder.Uint32(rest))
			key := string(rest[4:length])
			if _, has := seen[key]; !has {
				seen[key] = struct{}{}
				keys = append(keys, key)
			}
			rest = rest[length:]
		}
		if cursor = found.number; cursor == 0 {
			return keys, nil
		}
	}
}

func (c *redisCache) clear() error {
	for cursor := int64(0); ; {
		found, err := c.call(askClear, "", nil, cursor, 0)
		if err != nil {
			return err
		}
		if cursor = found.number; cursor == 0 {
			return nil
		}
	}
}
