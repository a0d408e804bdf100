package uwsgi

import (
	"fmt"
	"log"
	"os"
	"runtime"
	"sync"
)

// LongestMessage is how many bytes a message to a mule may have.
const LongestMessage = 65536

// MuleId gives the number of the mule process that calls it, from 1, or 0 in any
// other process: a mule runs the same main as a worker. It may be called at any time
// and from any goroutine.
func MuleId() int {
	if hasServer() && abiRole() == roleMule {
		return int(abiNumber())
	}
	return 0
}

// OnMule lets f handle the messages that SendMule has sent to this process, if it is
// a mule; in other processes nothing comes. Call it before Run, at the best, and once:
// of several functions the last one counts.
//
// Messages are handled one after another on a goroutine of their own, in the order in
// which each sender has sent them to the same name. A panic is logged, and the next
// message comes. f may keep the message.
//
// A mule that is replaced, or told to end, finishes the message at hand within the
// time of the option mule-reload-mercy. If it crashes or is killed, that message is
// lost; those that wait are handled by the mule that takes its place. At the end of
// the server what waits is handled first, within the same time.
func OnMule(f func(message []byte)) {
	mule.Lock()
	defer mule.Unlock()
	mule.handler = f
	mule.changed.Broadcast()
}

// SendMule sends a message to a mule, and does not wait until that handles it. The
// mule is
//
//   - "" or "mule": whichever is free first;
//   - "mule2": the one with this number;
//   - "farm_mail": one of the farm with this name; "farm1": of the first farm.
//
// It never blocks. Errors wrap ErrMissing (the server has no such mule or farm), ErrFull
// (too many messages wait there) or ErrLength (the message has more than
// LongestMessage bytes); then nothing was sent. The message may be changed as soon as
// SendMule returns. It may be called from any goroutine of any process of the server,
// a mule's own among them.
//
// Outside a server the process is a mule to itself, of any name: its own OnMule
// function handles the message on a goroutine.
func SendMule(to string, message []byte) error {
	var sent int64
	if hasServer() {
		sent = abiSend(to, message)
	} else {
		sent = localMule.send(to, message)
	}
	switch sent {
	case errMissing:
		return fmt.Errorf("uwsgi: the server has no mule called %q: those are mule, mule1, farm_NAME and their like "+
			"(options mules, farm): %w", to, ErrMissing)
	case errFull:
		return fmt.Errorf("uwsgi: too many messages wait for %q: %w", to, ErrFull)
	case errValue:
		return fmt.Errorf("uwsgi: the message has %d bytes, and may have %d: %w", len(message), LongestMessage, ErrLength)
	}
	return nil
}

// mule is what the process does with messages.
var mule = newMuleState()

type muleState struct {
	sync.Mutex
	changed *sync.Cond
	handler func(message []byte)
}

func newMuleState() *muleState {
	m := new(muleState)
	m.changed = sync.NewCond(m)
	return m
}

// current gives the function that handles messages; nil: there is none.
func (m *muleState) current() func(message []byte) {
	m.Lock()
	defer m.Unlock()
	return m.handler
}

// wait gives it as soon as there is one.
func (m *muleState) wait() func(message []byte) {
	m.Lock()
	defer m.Unlock()
	for m.handler == nil {
		m.changed.Wait()
	}
	return m.handler
}

// messages is the mule's inbox.
type messages struct {
	wait   *waiter
	buffer []byte
	warned bool
}

// hearMessages handles messages for as long as the process lives, if it is a mule.
func hearMessages() {
	fd := abiMessages()
	if fd < 0 {
		return
	}
	wait, err := newWaiter(fd, "goherd messages")
	if err != nil {
		log.Fatalf("uwsgi: %s cannot wait for messages: %v", whoAmI(), err)
	}
	m := &messages{wait: wait, buffer: make([]byte, LongestMessage)}
	go m.run()
}

// run takes one message after another.
func (m *messages) run() {
	defer func() { go m.run() }() // the function has called runtime.Goexit: another goroutine goes on
	for {
		m.next()
	}
}

// next waits for a message and handles it.
func (m *messages) next() {
	var f func(message []byte)
	n := m.wait.until(func() int64 {
		if f = mule.current(); f == nil {
			return abiMessage(nil) // it stays where it is
		}
		return abiMessage(m.buffer)
	})
	switch {
	case n == errEnded:
		select {} // the process ends when all of its work has
	case f == nil:
		if !m.warned {
			m.warned = true
			fmt.Fprintf(os.Stderr, "uwsgi: %s has messages and no function for them (OnMule): they wait\n", whoAmI())
		}
		mule.wait()
	case n >= 0:
		defer abiWorkEnded()
		callMule(f, append([]byte(nil), m.buffer[:n]...))
	}
}

// callMule lets f handle a message, and survives its panic.
func callMule(f func(message []byte), message []byte) {
	defer func() {
		if reason := recover(); reason != nil {
			logPanic(fmt.Sprintf("handling a message of %d bytes", len(message)), reason)
		}
	}()
	f(message)
}

// logPanic writes why a goroutine of the application has panicked, and where. Call it
// from the function that has recovered.
func logPanic(what string, reason interface{}) {
	stack := make([]byte, 64<<10)
	stack = stack[:runtime.Stack(stack, false)]
	log.Printf("uwsgi: %s: panic %s: %v\n%s", whoAmI(), what, reason, stack)
}
