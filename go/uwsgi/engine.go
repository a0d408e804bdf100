package uwsgi

import (
	"errors"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// engine runs the cores: goroutines that take turns at leading, that is, at
// driving the server's reactor (leader/followers; Schmidt et al., POSA 2). The
// leader polls; as soon as it has a request it lets another lead and handles the
// request itself, so that nothing is handed from one goroutine to another on the
// common way. A core is started when all others are busy, up to the limit.
//
// The steward is one goroutine more. It leads only while every core is busy: it
// delivers wake-ups, and takes no request.
//
// Invariant, but for moments inside lead and release: somebody leads (lead is 1),
// or somebody has been woken to do so and has not run yet (awake is 1), or a
// leader has gone off alone and the server watches over it (pace.go).
type engine struct {
	handler http.Handler
	server  *http.Server // what http.ServerContextKey gives
	raw     syscall.RawConn
	events  int32 // a descriptor that is readable when there may be an event

	lead         uint32 // atomic: 1 while a goroutine leads
	awake        uint32 // atomic: 1 while a woken follower has not run yet
	stewardLeads uint32 // atomic: 1 while the leader is the steward

	mu      sync.Mutex
	idle    []*core // those that wait for their turn; the last one in is woken first
	cores   []*core // all that were started, by number
	limit   int     // how many cores there may be
	steward *core

	pace pace
}

// serve runs the engine on the calling goroutine's behalf and does not return,
// unless it cannot begin.
func serve(handler http.Handler) error {
	if err := hearPost(); err != nil { // before anybody knows that this process is ready
		return err
	}
	limit := int(abiCores())
	fd := abiRun()
	if fd < 0 || limit < 1 {
		return errors.New("this process is not a worker")
	}
	// The descriptors are the reactor's own, an epoll set and an eventfd, which Go's
	// poller takes in as it would a connection: that is how a goroutine parks on them.
	file, alarm := os.NewFile(uintptr(fd), "goherd"), os.NewFile(uintptr(abiAlarm()), "goherd alarm")
	if file == nil || alarm == nil {
		return errors.New("the reactor has no descriptors")
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	e := &engine{handler: handler, raw: raw, events: int32(abiEvents()), limit: limit, server: &http.Server{Handler: handler}}
	e.steward = newCore(e, limit)
	go e.hearAlarm(alarm)
	go e.runSteward()
	go e.newCore().run()
	select {}
}

// newCore makes the next core. The engine is not locked, or has not begun.
func (e *engine) newCore() *core {
	c := newCore(e, len(e.cores))
	e.cores = append(e.cores, c)
	return c
}

// tryLead makes the caller the leader, if there is none.
func (e *engine) tryLead() bool {
	return atomic.CompareAndSwapUint32(&e.lead, 0, 1)
}

// release ends the caller's lead and sees to it that another can take it.
func (e *engine) release() {
	atomic.StoreUint32(&e.lead, 0)
	e.wakeFollower()
}

// goOff is release for a leader that has a request to handle and leaves backlog
// events behind. Only a leader that the server watches may go off alone.
func (e *engine) goOff(watched bool, backlog uint32) {
	alone := e.pace.mayGoAlone(backlog) && watched
	atomic.StoreUint32(&e.lead, 0)
	if !alone {
		e.wakeFollower()
	}
}

// wakeFollower wakes one goroutine to lead, unless one is awake already.
func (e *engine) wakeFollower() {
	if !atomic.CompareAndSwapUint32(&e.awake, 0, 1) {
		return
	}
	e.mu.Lock()
	if n := len(e.idle); n > 0 {
		c := e.idle[n-1]
		e.idle = e.idle[:n-1]
		e.mu.Unlock()
		c.wake()
		return
	}
	if len(e.cores) < e.limit {
		c := e.newCore()
		e.mu.Unlock()
		go c.runWoken()
		return
	}
	e.mu.Unlock()
	e.steward.wake()
}

// hasIdle says whether a core waits for its turn, or could be started.
func (e *engine) hasIdle() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.idle) > 0 || len(e.cores) < e.limit
}

// runSteward leads while nobody else can.
func (e *engine) runSteward() {
	s := e.steward
	for {
		<-s.turn
		atomic.StoreUint32(&e.awake, 0)
		if !e.tryLead() {
			continue
		}
		atomic.StoreUint32(&e.stewardLeads, 1)
		for !e.hasIdle() {
			s.poll(modeSteward)
		}
		atomic.StoreUint32(&e.stewardLeads, 0)
		e.release()
	}
}

// deliver passes a wake-up to the exchange that waits for it.
func (e *engine) deliver(ev *event) {
	e.mu.Lock()
	var c *core
	if int(ev.core) < len(e.cores) {
		c = e.cores[ev.core]
	}
	e.mu.Unlock()
	if c != nil {
		c.deliver(ev)
	}
}
