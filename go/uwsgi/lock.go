package uwsgi

import (
	"fmt"
	"sync"
	"time"
)

// How long a goroutine sleeps until it asks again for what another process holds:
// longer each time.
const (
	firstNap = 50 * time.Microsecond
	lastNap  = 2 * time.Millisecond
)

// nap sleeps, and gives the time to sleep next.
func nap(d time.Duration) time.Duration {
	if d == 0 {
		d = firstNap
	}
	time.Sleep(d)
	if d *= 2; d > lastNap {
		d = lastNap
	}
	return d
}

// sharedMutex is a lock of the server, with a place in front of it for the
// goroutines of this process.
type sharedMutex struct {
	number uint32
	turn   chan struct{} // a token is in it while a goroutine of this process holds the lock
	shared bool
}

// mutexes has those that were asked for, by their numbers.
var mutexes struct {
	sync.Mutex
	made map[int]*sharedMutex
}

// Mutex gives a lock that excludes the goroutines of all worker processes. Lock 0
// is always there, and the option locks makes more, numbered from 1. What a process
// holds that dies is free for the next. Any goroutine of the process that locked it
// may unlock it; to unlock what is not locked panics.
//
// Outside a server a lock is the process's own, and has any number from 0 on.
func Mutex(n int) (sync.Locker, error) {
	m, err := mutex(n)
	if err != nil {
		return nil, err // not a sync.Locker that holds nil
	}
	return m, nil
}

func mutex(n int) (*sharedMutex, error) {
	mutexes.Lock()
	defer mutexes.Unlock()
	if m := mutexes.made[n]; m != nil {
		return m, nil
	}
	shared := hasServer()
	if count := int64(1 << 16); n < 0 || int64(n) >= count || shared && int64(n) >= abiLocks() {
		if shared {
			count = abiLocks()
		}
		return nil, fmt.Errorf("uwsgi: there is no lock %d: the last one is lock %d (option locks): %w",
			n, count-1, ErrMissing)
	}
	m := &sharedMutex{number: uint32(n), turn: make(chan struct{}, 1), shared: shared}
	if mutexes.made == nil {
		mutexes.made = make(map[int]*sharedMutex)
	}
	mutexes.made[n] = m
	return m, nil
}

// Lock waits until the lock is free, and takes it.
func (m *sharedMutex) Lock() {
	m.turn <- struct{}{}
	for d := time.Duration(0); m.shared && abiLock(m.number) < 0; {
		d = nap(d)
	}
}

// Unlock gives it back.
func (m *sharedMutex) Unlock() {
	if !m.tryUnlock() {
		panic(fmt.Sprintf("uwsgi: unlock of lock %d, which this process does not hold", m.number))
	}
}

func (m *sharedMutex) tryUnlock() bool {
	if m.shared && abiUnlock(m.number) < 0 {
		return false
	}
	select {
	case <-m.turn:
		return true
	default:
		return false
	}
}

// lockTrouble is for locks that there are not.
var lockTrouble trouble

// mutexQuietly is mutex for functions that have no error to give: the log has it, and the
// lock is nil.
func mutexQuietly(n int) *sharedMutex {
	m, err := mutex(n)
	if err != nil {
		lockTrouble.tell(err)
	}
	return m
}

// Lock takes the lock with this number, as Mutex describes it. It says whether
// there is such a lock; if not, the log says so, at most once a second.
func Lock(n int) bool {
	m := mutexQuietly(n)
	if m == nil {
		return false
	}
	m.Lock()
	return true
}

// Unlock gives back the lock with this number. It says whether this process held it; if
// there is no such lock, the log says so, at most once a second.
func Unlock(n int) bool {
	m := mutexQuietly(n)
	return m != nil && m.tryUnlock()
}
