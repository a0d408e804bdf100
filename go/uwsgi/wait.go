package uwsgi

import (
	"sync"
	"sync/atomic"
	"time"
)

// signal is a wake-up that one goroutine waits for, and until when it does. It
// costs nothing until somebody waits.
type signal struct {
	used     uint32 // atomic: 1 once somebody has waited
	mu       sync.Mutex
	ch       chan struct{}
	ended    uint32    // atomic: 1 once nobody is to wait any more
	limited  uint32    // atomic: 1 once there has been a deadline
	deadline time.Time // the zero time: none
}

// channel gives the channel on which wake-ups come from now on.
func (s *signal) channel() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{}, 1)
		atomic.StoreUint32(&s.used, 1)
	}
	return s.ch
}

func (s *signal) signal() {
	if atomic.LoadUint32(&s.used) == 0 {
		return // nobody waits: who wants to will try once more first
	}
	select {
	case s.channel() <- struct{}{}:
	default:
	}
}

// end lets nobody wait any more, who waits already included.
func (s *signal) end() {
	atomic.StoreUint32(&s.ended, 1)
	s.signal()
}

// setDeadline settles until when is waited, also for who waits already.
func (s *signal) setDeadline(t time.Time) {
	s.mu.Lock()
	s.deadline = t
	atomic.StoreUint32(&s.limited, 1)
	s.mu.Unlock()
	s.signal()
}

// left says how much time there is, if that is limited.
func (s *signal) left() (left time.Duration, limited bool) {
	if atomic.LoadUint32(&s.limited) == 0 {
		return 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deadline.IsZero() {
		return 0, false
	}
	return time.Until(s.deadline), true
}

// expired says whether the deadline has passed.
func (s *signal) expired() bool {
	left, limited := s.left()
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
	// The wake-up for that try may have come before there was a channel, so each
	// wait follows a try that was made with it.
	ch := s.channel()
	for n = try(); n == errAgain; n = try() {
		if atomic.LoadUint32(&s.ended) == 1 {
			return errEnded
		}
		if !s.wait(ch) {
			return errDeadline
		}
	}
	return n
}

// wait waits for a wake-up; false: the deadline has passed.
func (s *signal) wait(ch chan struct{}) bool {
	left, limited := s.left()
	if !limited {
		<-ch
		return true
	}
	if left <= 0 {
		return false
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ch:
	case <-timer.C:
	}
	return true // what comes of it, the next try tells, or the next wait
}
