package uwsgi

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// sharedSignals is the table of the server.
type sharedSignals struct{}

// patience is how long to wait for a server that has a lot to hear.
const patience = time.Second

// refusal gives the error that a function of the server has put into why.
func refusal(code int64, why []byte) error {
	if code >= 0 {
		return nil
	}
	if n := bytes.IndexByte(why, 0); code == errRefused && n > 0 {
		return errors.New(string(why[:n]))
	}
	return fmt.Errorf("error %d", code)
}

// sentence gives room for the reason why something is refused.
func sentence() []byte { return make([]byte, 512) }

func (sharedSignals) register(signal uint8, receiver string) error {
	why := sentence()
	return refusal(abiSignalRegister(uint32(signal), receiver, why), why)
}

func (sharedSignals) allot(name string) (uint32, error) {
	why := sentence()
	signal := abiSignalAllot(name, "worker", why)
	return uint32(signal), refusal(signal, why)
}

func (sharedSignals) add(signal uint8, s source, millis uint64) error {
	why := sentence()
	return refusal(abiSignalAdd(s.kind, uint32(signal), millis, 0, s.text, why), why)
}

func (sharedSignals) check(s source, millis uint64) error {
	why := sentence()
	return refusal(abiSignalAdd(s.kind, noSignal, millis, 0, s.text, why), why)
}

func (sharedSignals) registered(signal uint8) bool { return abiSignalRegistered(uint32(signal)) == 1 }

func (sharedSignals) raise(signal uint8) error {
	code := abiSignalRaise(uint32(signal))
	for d, end := time.Duration(0), time.Now().Add(patience); code == errAgain; code = abiSignalRaise(uint32(signal)) {
		if time.Now().After(end) {
			return errors.New("the server has so much to do that it does not hear it")
		}
		d = nap(d)
	}
	return refusal(code, nil)
}

func (sharedSignals) next() int64 { return abiSignalNext() }
