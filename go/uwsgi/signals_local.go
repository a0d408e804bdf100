package uwsgi

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// mostLocal is how many signals wait at most.
const mostLocal = 128

// localTable is the table of a process without a server: it has the process's own
// signals and timers.
type localTable struct {
	mu      sync.Mutex
	known   [lastSignal + 1]bool
	names   map[string]uint32
	timers  map[localTimer]bool
	waiting []uint8
	begin   sync.Once
}

// localTimer is a timer that is there once.
type localTimer struct {
	signal uint8
	every  time.Duration
}

var localSignals localTable

func (t *localTable) register(signal uint8, receiver string) error {
	if !isReceiver(receiver) {
		return fmt.Errorf("%q is no receiver: there are worker, workers, active-workers, worker1, mule, mules, mule1, "+
			"farm_NAME, farm1 and spooler", receiver)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[signal] = true
	t.start()
	return nil
}

// start has the handlers run. Nobody else does, without a server.
func (t *localTable) start() {
	t.begin.Do(func() { go signals.run() })
}

func (t *localTable) allot(name string) (uint32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if signal, has := t.names[name]; has {
		return signal, nil
	}
	for n := lastSignal; n >= 0; n-- {
		if !t.known[n] {
			if t.names == nil {
				t.names = make(map[string]uint32)
			}
			t.known[n], t.names[name] = true, uint32(n)
			t.start()
			return uint32(n), nil
		}
	}
	return 0, fmt.Errorf("all %d signals are taken", lastSignal+1)
}

func (t *localTable) add(signal uint8, s source, millis uint64) error {
	if err := t.check(s, millis); err != nil {
		return err
	}
	timer := localTimer{signal, time.Duration(millis) * time.Millisecond}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timers[timer] {
		return nil
	}
	if t.timers == nil {
		t.timers = make(map[localTimer]bool)
	}
	t.timers[timer] = true
	go func() {
		for range time.Tick(timer.every) {
			t.raise(signal) // one that finds no room is dropped
		}
	}()
	return nil
}

func (t *localTable) check(s source, _ uint64) error {
	switch s.kind {
	case sourceCron:
		return errors.New("there is no server around, and cron needs one")
	case sourceMonitor:
		return errors.New("there is no server around, and file monitors need one")
	}
	return nil
}

func (t *localTable) registered(signal uint8) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.known[signal]
}

func (t *localTable) raise(signal uint8) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) >= mostLocal {
		return fmt.Errorf("%d signals wait already", mostLocal)
	}
	t.waiting = append(t.waiting, signal)
	signals.wake()
	return nil
}

func (t *localTable) next() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		return errAgain
	}
	signal := t.waiting[0]
	t.waiting = t.waiting[1:]
	return int64(signal)
}

// isReceiver says whether the server takes this receiver.
func isReceiver(text string) bool {
	switch text {
	case "", "worker", "worker0", "workers", "active-workers", "mules", "spooler":
		return true
	}
	if digits := strings.TrimPrefix(text, "worker"); digits != text {
		return isNumber(digits)
	}
	return isMule(text)
}

// isNumber says whether text is the number of a process or a farm, from 1.
func isNumber(text string) bool {
	n, err := strconv.ParseUint(text, 10, 32)
	return err == nil && n > 0 && text[0] != '0' && text[0] != '+'
}
