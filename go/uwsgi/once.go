package uwsgi

import (
	"fmt"
	"sync"
	"time"
)

// onces has the names that goroutines of this process are at, or that are done.
var onces struct {
	sync.Mutex
	made map[string]*localOnce
}

// localOnce is what one process knows of a name.
type localOnce struct {
	turn chan struct{} // a token is in it while a goroutine of this process is at it
	done bool          // changed by who has the token
}

// Once runs f unless it was run under this name before, by any worker process since
// the server was started: reloads and upgrades do not run it anew. Who comes while f
// runs waits for its end. If f fails or panics, or its process dies, the next one
// runs it; within f nobody may call Once with the same name, who would wait for ever.
// The error is f's own, or that the name is none: names have 1 to 63 letters, digits or
// any of _ . : / -, and a server has room for 1024 of them.
//
// Outside a server f is run once in the process.
func Once(name string, f func() error) error {
	if !isName(name) {
		return badName("once", name)
	}
	onces.Lock()
	o := onces.made[name]
	if o == nil {
		o = &localOnce{turn: make(chan struct{}, 1)}
		if onces.made == nil {
			onces.made = make(map[string]*localOnce)
		}
		onces.made[name] = o
	}
	onces.Unlock()
	o.turn <- struct{}{}
	defer func() { <-o.turn }()
	if o.done {
		return nil
	}
	if hasServer() {
		return o.runShared(name, f)
	}
	err := f()
	o.done = err == nil
	return err
}

// runShared runs f if no other process does.
func (o *localOnce) runShared(name string, f func() error) error {
	for d := time.Duration(0); ; d = nap(d) {
		switch code := abiOnceBegin(name); code {
		case 1:
			return o.run(name, f)
		case 0:
			o.done = true
			return nil
		case errAgain:
		case errFull:
			return fmt.Errorf("uwsgi: once %q: there are too many names: %w", name, ErrFull)
		case errBusy:
			return fmt.Errorf("uwsgi: once %q: %w", name, ErrBusy)
		default:
			return fmt.Errorf("uwsgi: once %q: error %d", name, code)
		}
	}
}

// run runs f, and tells the other processes how it went.
func (o *localOnce) run(name string, f func() error) error {
	defer func() {
		done := uint32(0)
		if o.done {
			done = 1
		}
		abiOnceEnd(name, done)
	}()
	err := f()
	o.done = err == nil
	return err
}

// isName says whether the server takes this name of a metric, or of what is done
// once.
func isName(name string) bool {
	if len(name) == 0 || len(name) > 63 {
		return false
	}
	for i := 0; i < len(name); i++ {
		switch b := name[i]; {
		case b >= '0' && b <= '9', b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z':
		case b == '_', b == '.', b == ':', b == '/', b == '-':
		default:
			return false
		}
	}
	return true
}

func badName(what, name string) error {
	return fmt.Errorf("uwsgi: %s: %q is no name: 1 to 63 letters, digits or any of _ . : / - make one", what, name)
}
