package uwsgi

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// ErrNoServer is the error of what only a server can do, in a process that is not a
// worker of one. What the functions give wraps it: compare with errors.Is.
var ErrNoServer = errors.New("there is no server around")

// Version gives the version of the server, such as "0.1.0", or "" in a program
// without one. It may be called at any time and from any goroutine.
func Version() string {
	if !abiPresent() || abiVersion() != abiExpected {
		return ""
	}
	return abiServerVersion()
}

// options has what Options copies.
var options struct {
	sync.Once
	values map[string][]string
}

// Options gives the server's configuration: the values of each option by its name
// (its first one in docs/options.md), as they were written, in their order; and of
// options that were not given the default, if there is one. Passwords in addresses
// (redis://user:password@host) are masked. The map is the caller's own.
//
// It may be called at any time and from any goroutine. What it gives is what this
// worker was made from: it stays the same for the life of the process. Outside a
// server the map is empty.
func Options() map[string][]string {
	options.Do(func() {
		options.values = make(map[string][]string)
		if !hasServer() {
			return
		}
		words := strings.Split(abiOptions(), "\x00")
		for i := 0; i+1 < len(words); i += 2 {
			options.values[words[i]] = append(options.values[words[i]], words[i+1])
		}
	})
	copied := make(map[string][]string, len(options.values))
	for name, values := range options.values {
		copied[name] = append([]string(nil), values...)
	}
	return copied
}

// Phase is the stage of a worker's life.
type Phase uint32

// The stages.
const (
	// Starting: it loads the application, and has not come to Run.
	Starting Phase = 1
	// Ready: it takes requests.
	Ready Phase = 2
	// Draining: it takes nothing new, finishes what it has, and ends.
	Draining Phase = 3
)

// String names the stage: "starting", "ready" or "draining".
func (p Phase) String() string {
	switch p {
	case Starting:
		return "starting"
	case Ready:
		return "ready"
	case Draining:
		return "draining"
	}
	return fmt.Sprintf("Phase(%d)", uint32(p))
}

// Worker describes a worker process.
type Worker struct {
	Id         int       // the worker's number, from 1; while it is being replaced two processes have the same
	Pid        int       // the process
	Phase      Phase     // the stage of its life
	Generation int       // from which reading of the configuration it was made, counted from 1; 0: by a program before this one
	Requests   uint64    // requests that it has taken
	Busy       uint64    // those of them that are under way
	Started    time.Time // when the process was forked
}

// workerLine is goherd_worker, number by number.
type workerLine struct {
	number     uint32
	pid        uint32
	phase      uint32
	generation uint32
	requests   uint64
	busy       uint64
	born       uint64
}

// Workers gives what all worker processes of the server are about, by the numbers
// that they write down for each other; nobody is asked or waits. The numbers of
// different processes may be of different moments. It may be called at any time and
// from any goroutine. Outside a server it gives nil.
func Workers() []Worker {
	if !hasServer() {
		return nil
	}
	lines := make([]workerLine, 16)
	n := abiWorkers(lines)
	for n > int64(len(lines)) {
		lines = make([]workerLine, n+16)
		n = abiWorkers(lines)
	}
	if n < 0 {
		return nil
	}
	workers := make([]Worker, 0, n)
	for _, line := range lines[:n] {
		workers = append(workers, Worker{
			Id:         int(line.number),
			Pid:        int(line.pid),
			Phase:      Phase(line.phase),
			Generation: int(line.generation),
			Requests:   line.requests,
			Busy:       line.busy,
			Started:    time.Unix(int64(line.born/1000), int64(line.born%1000)*int64(time.Millisecond)),
		})
	}
	return workers
}

// Log writes text to the server's log, as the server writes there itself: behind
// the number of the worker. Each line of text becomes a line; control characters are
// shown as \u{1b} and the like. A log that nobody reads is not waited for, but for a
// few milliseconds: lines that find no room are lost, and counted. (The standard error is the
// same log, and does wait.) It may be called at any time and from any goroutine.
//
// Outside a server it writes the text to the standard error.
func Log(text string) {
	if !hasServer() {
		fmt.Fprintln(os.Stderr, strings.TrimSuffix(text, "\n"))
		return
	}
	abiLog(text)
}

// Reload asks the server to read its configuration and the application anew, and to
// replace all workers, this one too: as SIGHUP does. It returns at once. Requests
// that are under way, such as the one that asks, are answered as ever. Whether the
// reload succeeds is in the log. It may be called from any goroutine.
//
// The error says that the server cannot be asked; outside a server it is ErrNoServer.
func Reload() error {
	if !hasServer() {
		return fmt.Errorf("uwsgi: reload: %w", ErrNoServer)
	}
	return asked("reload", abiReload())
}

// Stop asks the server to finish what is under way and to end: as SIGTERM does. It
// returns at once. Requests that are under way, such as the one that asks, are
// answered as ever. It may be called from any goroutine.
//
// The error says that the server cannot be asked; outside a server it is ErrNoServer.
func Stop() error {
	if !hasServer() {
		return fmt.Errorf("uwsgi: stop: %w", ErrNoServer)
	}
	return asked("stop", abiStop())
}

// asked makes an error of what the master was told.
func asked(what string, code int64) error {
	switch {
	case code >= 0:
		return nil
	case code == errBusy:
		return fmt.Errorf("uwsgi: %s: the server has too much to read just now: try again", what)
	case code == errEnded:
		return fmt.Errorf("uwsgi: %s: the server's master is gone", what)
	}
	return fmt.Errorf("uwsgi: %s: error %d", what, code)
}

// Alarm raises the alarm of this name: what that does (a command, a line in the log)
// the option alarm of the server says, for instance
//
//	alarm = disk cmd:mail -s disk admin
//
// with the message as the command's input. The master does it, so nobody waits
// here. An alarm that has gone off is quiet for the time of the option alarm-freq. That there
// is no alarm of this name, and what else goes wrong, is written to the log. Messages are cut
// at about 4000 bytes. It may be called at any time and from any goroutine.
//
// Outside a server the message is written to the standard error.
func Alarm(name, message string) {
	if !hasServer() {
		fmt.Fprintf(os.Stderr, "uwsgi: alarm %s: %s\n", name, message)
		return
	}
	switch code := abiRaiseAlarm(name, message); code {
	case 0:
	case errName:
		Log(fmt.Sprintf("alarm %q: that is no name: %s", name, message))
	default:
		Log(fmt.Sprintf("%v: %s", asked(fmt.Sprintf("alarm %s", name), code), message))
	}
}
