package uwsgi

import (
	"errors"
	"fmt"
	"log"
	"path/filepath"
	"sync"
	"time"
)

// RegisterSignal has handler called with every signal of the number signum that is
// raised by any process of the server: by Signal, by a timer or cron entry, by a
// file that changes, or from outside. The receiver says in which processes:
//
//	"worker" or ""    one of the workers, the one with the least to do
//	"workers"         every worker
//	"active-workers"  every worker that takes requests
//	"worker3"         this worker
//	"mule"            one of the mules
//	"mules"           every mule
//	"mule2"           this mule
//	"farm_NAME"       one of the mules of this farm; "farm1": of the first farm
//	"spooler"         one of the spoolers
//
// Every process that runs main registers the same, and it is there once: what
// counts is what was said last. It ends with the code that says it: after a reload,
// what the new main does not register is gone. A mule or farm that the configuration
// does not have is refused, like everything else that is no receiver.
//
// Handlers run one after another, on one goroutine, in the order of the signals,
// from when Run is called; requests do not wait for them, nor they for requests. One
// that panics is logged and survived. A process in which 128 signals wait gets no
// more: they are dropped, and counted.
//
// It says whether the signal is registered; if not, the log says why. It may be
// called at any time and from any goroutine. Outside a server all handlers are those
// of the process itself.
func RegisterSignal(signum uint8, receiver string, handler func(uint8)) bool {
	return said(signals.register(signum, receiver, handler), "RegisterSignal(%d, %q)", signum, receiver)
}

// Signal raises the signal with this number, from 0 to 255: the server sends it to
// whoever receives it, which may be this process. It says whether the server has
// been told; if not, the log says why: nobody has registered it, or the server has
// so much to do that it has not heard the last hundred after a second. It may be
// called at any time and from any goroutine.
func Signal(sig int) bool {
	return said(signals.raise(sig), "Signal(%d)", sig)
}

// SignalRegistered says whether anybody has registered the signal with this number.
func SignalRegistered(sig int) bool {
	return sig >= 0 && sig <= lastSignal && table().registered(uint8(sig))
}

// AddTimer raises the signal with this number every secs seconds, once for the whole
// server, however many processes ask for it. It goes on while workers are replaced,
// and ends with the code that asks for it. It says whether there is such a timer; if
// not, the log says why.
func AddTimer(sig, secs int) bool {
	err := signals.add(sig, source{kind: sourceTimer, every: seconds(secs)})
	return said(err, "AddTimer(%d, %d)", sig, secs)
}

// AddRbTimer is AddTimer: the server has one kind of timers.
func AddRbTimer(sig, secs int) bool {
	err := signals.add(sig, source{kind: sourceRbTimer, every: seconds(secs)})
	return said(err, "AddRbTimer(%d, %d)", sig, secs)
}

// seconds gives so many of them, or, if there cannot be so many, as many as there can be.
func seconds(n int) time.Duration {
	const most = int64(Forever / time.Second)
	switch secs := int64(n); {
	case secs > most:
		return Forever
	case secs < -most:
		return -Forever
	default:
		return time.Duration(secs) * time.Second
	}
}

// Timer has f called every so often, a millisecond at least, in one of the workers.
// The timer is there once for the whole server, and goes on while workers are replaced,
// and over reloads as long as main asks for the same: with the n-th of its calls with
// this time. Its signal is chosen by the server, from 255 down; f runs as the handlers
// of RegisterSignal do.
//
// The error says what is wrong: a time that is none, or that all signals are taken.
// Outside a server f is called in the process itself.
func Timer(every time.Duration, f func()) error {
	return named(signals.addNamed("timer", every.String(), source{kind: sourceTimer, every: every}, f), "Timer(%v)", every)
}

// Cron is Timer, but f is called at the times that spec tells: five fields, minute,
// hour, day, month and weekday, with names (jan, mon), ranges (1-5), steps (*/5) and
// lists (1,15), or @hourly, @daily, @weekly, @monthly, @yearly. If both day and weekday
// are restricted, either will do. The option cron-timezone of the server has the time
// zone; docs/signals.md says what happens when clocks change.
//
// Outside a server it is an error.
func Cron(spec string, f func()) error {
	return named(signals.addNamed("cron", spec, source{kind: sourceCron, text: spec}, f), "Cron(%q)", spec)
}

// FileMonitor is Timer, but f is called when the file at path changes, which need not
// be there yet: when it is written to, made, removed, or replaced by another one; or
// when entries of the folder at path do, but not those of folders in it. What happens
// within a moment makes one call.
//
// Outside a server it is an error.
func FileMonitor(path string, f func()) error {
	err := errors.New("the path is empty")
	if path != "" {
		var whole string
		if whole, err = filepath.Abs(path); err == nil {
			err = signals.addNamed("monitor", whole, source{kind: sourceMonitor, text: whole}, f)
		}
	}
	return named(err, "FileMonitor(%q)", path)
}

// said tells the log of an error, and its caller whether there was none.
func said(err error, format string, args ...interface{}) bool {
	if err != nil {
		log.Printf("uwsgi: %s: %v", fmt.Sprintf(format, args...), err)
	}
	return err == nil
}

// named tells of what an error is.
func named(err error, format string, args ...interface{}) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("uwsgi: %s: %w", fmt.Sprintf(format, args...), err)
}

// lastSignal is the greatest number of a signal.
const lastSignal = 255

// longestTime is the longest time between two signals.
const longestTime = 100 * 366 * 24 * time.Hour

// source is what raises a signal.
type source struct {
	kind  uint32
	every time.Duration // of timers
	text  string        // the fields of cron, or the path of a monitor
}

// millis gives the time between two signals, rounded up; or an error.
func (s source) millis() (uint64, error) {
	if s.kind != sourceTimer && s.kind != sourceRbTimer {
		return 0, nil
	}
	if s.every <= 0 {
		return 0, fmt.Errorf("%v is no time between two signals: it is a millisecond at least", s.every)
	}
	if s.every > longestTime {
		return 0, fmt.Errorf("%v is no time between two signals: it is %v at most, 100 years", s.every, longestTime)
	}
	return uint64((s.every-1)/time.Millisecond) + 1, nil
}

// signalTable is where signals are registered: the server's, or that of a process
// without one.
type signalTable interface {
	register(signal uint8, receiver string) error
	check(s source, millis uint64) error // whether there can be one like it
	allot(name string) (uint32, error)   // noSignal: newer code is in force, whose signals are others
	add(signal uint8, s source, millis uint64) error
	registered(signal uint8) bool
	raise(signal uint8) error
	next() int64 // the next signal to handle; negative: there is none
}

// table gives the one that this process has.
func table() signalTable {
	if hasServer() {
		return sharedSignals{}
	}
	return &localSignals
}

// signals has the handlers of this process.
var signals = handlers{woken: make(chan struct{}, 1)}

// handlers runs what is to be done about signals.
type handlers struct {
	mu      sync.Mutex
	by      map[uint8]func(uint8)
	unknown map[uint8]bool // the log knows that this process has no handler for it
	count   map[string]int // how many sources have been added that are called so
	woken   chan struct{}  // a token is in it when there may be signals
}

// set makes f the handler, and gives the one before.
func (h *handlers) set(signal uint8, f func(uint8)) func(uint8) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.by[signal]
	if h.by == nil {
		h.by = make(map[uint8]func(uint8))
	}
	h.by[signal] = f
	return before
}

func (h *handlers) register(signal uint8, receiver string, f func(uint8)) error {
	if f == nil {
		return errors.New("the handler is nil")
	}
	before := h.set(signal, f) // a signal may come at once
	err := table().register(signal, receiver)
	if err != nil {
		h.set(signal, before)
	}
	return err
}

// number gives the number of a signal, or an error.
func number(sig int) (uint8, error) {
	if sig < 0 || sig > lastSignal {
		return 0, fmt.Errorf("there is no signal %d: they are numbered from 0 to %d", sig, lastSignal)
	}
	return uint8(sig), nil
}

func (h *handlers) raise(sig int) error {
	signal, err := number(sig)
	if err != nil {
		return err
	}
	if !table().registered(signal) {
		return errors.New("nobody has registered it")
	}
	return table().raise(signal)
}

func (h *handlers) add(sig int, s source) error {
	signal, err := number(sig)
	if err != nil {
		return err
	}
	millis, err := s.millis()
	if err != nil {
		return err
	}
	return table().add(signal, s, millis)
}

// addNamed finds a signal for a source, and has f called for it. Every process that
// runs the same main calls the n-th source of a kind and text by the same name.
func (h *handlers) addNamed(kind, text string, s source, f func()) error {
	if f == nil {
		return errors.New("the function is nil")
	}
	millis, err := s.millis()
	if err != nil {
		return err
	}
	t := table()
	if err := t.check(s, millis); err != nil {
		return err
	}
	name := kind + " " + text
	h.mu.Lock()
	if h.count == nil {
		h.count = make(map[string]int)
	}
	h.count[name]++
	name = fmt.Sprintf("%s #%d", name, h.count[name])
	h.mu.Unlock()
	signal, err := t.allot(name)
	if err != nil || signal == noSignal {
		return err
	}
	h.set(uint8(signal), func(uint8) { f() })
	return t.add(uint8(signal), s, millis)
}

// wake has the handlers run of signals that wait.
func (h *handlers) wake() {
	select {
	case h.woken <- struct{}{}:
	default:
	}
}

// run runs handlers, one after another, for ever.
func (h *handlers) run() {
	defer func() { go h.run() }() // a handler has called runtime.Goexit: another goroutine goes on
	for {
		for n := table().next(); n >= 0; n = table().next() {
			h.handle(uint8(n))
		}
		<-h.woken
	}
}

// handle runs the handler of one signal.
func (h *handlers) handle(signal uint8) {
	h.mu.Lock()
	f := h.by[signal]
	known := f != nil || h.unknown[signal]
	if !known {
		if h.unknown == nil {
			h.unknown = make(map[uint8]bool)
		}
		h.unknown[signal] = true
	}
	h.mu.Unlock()
	if !known {
		log.Printf("uwsgi: %s: there is no handler here for signal %d, which another process has registered",
			whoAmI(), signal)
	}
	if f == nil {
		return
	}
	defer func() {
		if reason := recover(); reason != nil {
			logPanic(fmt.Sprintf("handling signal %d", signal), reason)
		}
	}()
	f(signal)
}
