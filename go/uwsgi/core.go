package uwsgi

import (
	"log"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// core is a goroutine that handles one request at a time. What it owns is used
// for one request after another.
type core struct {
	engine *engine
	id     uint32
	turn   chan struct{} // a token is in it when the core has been woken
	ev     event
	park   func(uintptr) bool
	mode   uint32
	kind   uint32

	fields []byte   // the fields of the answer, as they cross to the server
	buffer []byte   // the beginning of the body, until it is sent
	keys   []string // the names of the answer's fields, being sorted
	origin origin   // where the last request came in
	sample []byte   // the beginning of the last body whose type was to be told
	typed  string   // the Content-Type that it looks like

	taking   sync.Mutex     // held while a request is taken that waits already
	exchange unsafe.Pointer // atomic *exchange: the one being handled, for wake-ups
}

func newCore(e *engine, id int) *core {
	c := &core{engine: e, id: uint32(id), turn: make(chan struct{}, 1)}
	c.park = func(uintptr) bool {
		c.kind = abiNext(c.id, c.mode, &c.ev)
		return c.kind != evNothing
	}
	return c
}

// wake lets the core run that waits for its turn.
func (c *core) wake() {
	select {
	case c.turn <- struct{}{}:
	default:
	}
}

// runWoken is run for a core that was started to be the woken follower.
func (c *core) runWoken() {
	atomic.StoreUint32(&c.engine.awake, 0)
	c.run()
}

// run leads, handles, and waits for its turn, for ever.
func (c *core) run() {
	defer func() { go c.run() }() // a handler has called runtime.Goexit: another goroutine goes on
	for {
		if c.takeRequest() {
			c.handle()
		}
	}
}

// takeRequest waits until this core has a request.
func (c *core) takeRequest() bool {
	e := c.engine
	if e.tryLead() {
		for c.poll(modeLead) != evRequest {
		}
		return true
	}
	if c.take() {
		return true
	}
	e.mu.Lock()
	e.idle = append(e.idle, c)
	e.mu.Unlock()
	if atomic.LoadUint32(&e.stewardLeads) == 1 {
		abiKick() // the steward is to let this core lead
	}
	<-c.turn
	atomic.StoreUint32(&e.awake, 0)
	return false
}

// take takes a request that waits already, if there is one.
func (c *core) take() bool {
	// A wake-up for the request may come before it is published: deliver waits.
	c.taking.Lock()
	defer c.taking.Unlock()
	if abiNext(c.id, modeTake, &c.ev) != evRequest {
		return false
	}
	c.begin()
	return true
}

// begin makes the request at hand the one that wake-ups are for. A core that does
// so as the leader is the one that delivers them, so that none comes too early.
func (c *core) begin() {
	atomic.StorePointer(&c.exchange, unsafe.Pointer(newExchange(c)))
}

// current gives the exchange that is being handled; nil: there is none.
func (c *core) current() *exchange {
	return (*exchange)(atomic.LoadPointer(&c.exchange))
}

// poll drives the reactor until there is an event, and sees to it. The caller
// leads, and leads no more if the event is a request.
func (c *core) poll(mode uint32) uint32 {
	c.mode = mode
	asked := c.engine.pace.mode(mode)
	c.kind = abiNext(c.id, asked, &c.ev)
	if c.kind == evNothing && asked == modeBusy && c.engine.waitBusily() {
		c.kind = abiNext(c.id, asked, &c.ev)
	}
	if c.kind == evNothing {
		asked = mode // after a park the server watches over nobody
		if err := c.engine.raw.Read(c.park); err != nil {
			log.Fatalf("uwsgi: cannot wait for requests: %v", err)
		}
	}
	switch c.kind {
	case evRequest:
		c.begin()
		c.engine.goOff(asked == modeBusy, c.ev.backlog)
	case evWake:
		c.engine.deliver(&c.ev)
	}
	return c.kind
}

// handle lets the application answer the request.
func (c *core) handle() {
	x := c.current()
	returned := false
	defer func() {
		if !returned {
			x.panicked(recover())
		}
		atomic.StorePointer(&c.exchange, nil)
		x.context.cancel()
		x.readable.signal() // who waits still learns that the exchange is over
		x.writable.signal()
	}()
	if x.isCall {
		x.serveCall()
		returned = true
		return
	}
	if x.refused == "" {
		c.engine.dispatch(&x.response, x.request)
	} else {
		x.response.Header().Set("Connection", "close")
		http.Error(&x.response, x.refused, http.StatusBadRequest)
	}
	x.response.finish()
	returned = true
}

// dispatch calls the application, as net/http's server does.
func (e *engine) dispatch(w http.ResponseWriter, r *http.Request) {
	if r.RequestURI == "*" && r.Method == http.MethodOptions {
		w.Header().Set("Content-Length", "0")
		return
	}
	e.handler.ServeHTTP(w, r)
}

// panicked ends an exchange whose handler has panicked (with reason), or has
// called runtime.Goexit (reason is nil).
func (x *exchange) panicked(reason interface{}) {
	if reason != nil && reason != http.ErrAbortHandler {
		abiPanicked()
		stack := make([]byte, 64<<10)
		stack = stack[:runtime.Stack(stack, false)]
		log.Printf("uwsgi: %s: panic serving %s %s for %s: %v\n%s",
			whoAmI(), x.request.Method, x.request.RequestURI, x.request.RemoteAddr, reason, stack)
	}
	if x.isCall {
		abiAbort(x.id) // the caller sees the end of the connection
		return
	}
	x.response.giveUp(reason == http.ErrAbortHandler)
}

// deliver passes a wake-up to the exchange that it is for, if that lasts still.
func (c *core) deliver(ev *event) {
	c.taking.Lock()
	x := c.current()
	c.taking.Unlock()
	if x == nil || x.id != ev.exchange {
		return
	}
	if ev.wake&wakeReadable != 0 {
		x.readable.signal()
	}
	if ev.wake&wakeWritable != 0 {
		x.writable.signal()
	}
	if ev.wake&wakeGone != 0 {
		x.peerGone()
	}
}
