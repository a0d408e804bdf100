package uwsgi

import (
	"errors"
	"log"
	"sync"
	"time"
)

// ErrRemote is in every error of another server that does not do what it is asked
// for: it cannot be reached, does not answer in time, refuses, or has no such cache. Compare with
// errors.Is; what lies behind, such as os.ErrDeadlineExceeded or
// syscall.ECONNREFUSED, is found in the same way.
var ErrRemote = errors.New("another server does not do it")

// elsewhere is a cache that does not lie in the memory of this machine's processes.
type elsewhere interface {
	get(key string) ([]byte, error)
	put(key string, value []byte, millis uint64, rule uint32) error
	// act is for orders to which the status is the whole answer: "del", "exists",
	// "clear".
	act(command, key string) error
	incr(key string, by int64, millis uint64) (int64, error)
	ttl(key string) (int64, error)
	keys() ([]string, error)
}

// trouble tells the log of errors that nobody else hears of, at most once a second.
type trouble struct {
	mu   sync.Mutex
	next time.Time
}

func (t *trouble) tell(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); !now.Before(t.next) {
		t.next = now.Add(time.Second)
		log.Print(err)
	}
}

// cacheTrouble is for what goes wrong with caches.
var cacheTrouble trouble

// quietly says whether err is nil. Where it is of another server, or of a key or value
// that no entry can have, of which who asks in this way hears nothing, the log does.
func quietly(err error) bool {
	if errors.Is(err, ErrRemote) || errors.Is(err, ErrLength) {
		cacheTrouble.tell(err)
	}
	return err == nil
}
