package uwsgi

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// signal is a wake-up that one goroutine waits for, and until when it does. It
// costs nothing until somebody waits, or says for how long.
type signal struct {
	detail unsafe.Pointer // atomic *waiting: nil until then
}

// waiting is what a signal has that somebody uses.
type waiting struct {
	ch       chan struct{} // a token is in it when a wake-up has come
	ended    uint32        // atomic: 1 once nobody is to wait any more
	mu       sync.Mutex
	deadline time.Time // the zero time: none
}

// inUse gives what the signal has, if somebody has used it.
func (s *signal) inUse() *waiting {
	return (*waiting)(atomic.LoadPointer(&s.detail))
}

// use gives what the signal has. Wake-ups are kept from now on.
func (s *signal) use() *waiting {
	if w := s.inUse(); w != nil {
		return w
	}
	w := &waiting{ch: make(chan struct{}, 1)}
	if !atomic.CompareAndSwapPointer(&s.detail, nil, unsafe.Pointer(w)) {
		return s.inUse()
	}
	return w
}

// signal wakes who waits. Whoever begins to wait will try once more first.
func (s *signal) signal() {
	if w := s.inUse(); w != nil {
		w.wake()
	}
}

func (w *waiting) wake() {
	select {
	case w.ch <- struct{}{}:
	default:
	}
}

// end lets nobody wait any more, who waits already included.
func (s *signal) end() {
	w := s.use()
	atomic.StoreUint32(&w.ended, 1)
	w.wake()
}

// setDeadline settles until when is waited, also for who waits already.
func (s *signal) setDeadline(t time.Time) {
	w := s.use()
	w.mu.Lock()
	w.deadline = t
	w.mu.Unlock()
	w.wake()
}

// left says how much time there is, if that is limited.
func (w *waiting) left() (left time.Duration, limited bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deadline.IsZero() {
		return 0, false
	}
	return time.Until(w.deadline), true
}

// expired says whether the deadline has passed.
func (s *signal) expired() bool {
	w := s.inUse()
	if w == nil {
		return false
	}
	left, limited := w.left()
	return limited && left <= 0
}

// errDeadline is what await gives when the deadline has passed.
const errDeadline = -100

// await calls try until it gives something other than errAgain, waiting for a
// wake-up before each further time. The exchange's end is a wake-up too; that the
// peer has ended its side is none: it may still take the answer.
func (s *signal) await(try func() int64) int64 {
	if s.expired() {
		return errDeadline
	}
	n := try()
	if n != errAgain {
		return n
	}
	// The wake-up for that try may have come before they were kept, so each wait
	// follows a try that was made since.
	w := s.use()
	for n = try(); n == errAgain; n = try() {
		if atomic.LoadUint32(&w.ended) == 1 {
			return errEnded
		}
		if !w.wait() {
			return errDeadline
		}
	}
	return n
}

// wait waits for a wake-up; false: the deadline has passed.
func (w *waiting) wait() bool {
	left, limited := w.left()
	if !limited {
		<-w.ch
		return true
	}
	if left <= 0 {
		return false
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-w.ch:
	case <-timer.C:
	}
	return true // what comes of it, the next try tells, or the next wait
}
