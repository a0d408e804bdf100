package uwsgi

import (
	"errors"
	"log"
	"os"
	"syscall"
)

// waiter lets a goroutine park on a descriptor of the server's.
type waiter struct {
	raw syscall.RawConn // it keeps the file from being collected
}

// newWaiter makes one for a descriptor, which Go's poller takes in as it would a
// connection.
func newWaiter(fd int64, name string) (*waiter, error) {
	file := os.NewFile(uintptr(fd), name)
	if file == nil {
		return nil, errors.New("there is no descriptor")
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &waiter{raw}, nil
}

// until asks, and parks as long as the answer is errAgain; it gives the answer. One
// goroutine at a time may call it.
func (w *waiter) until(ask func() int64) int64 {
	var n int64
	err := w.raw.Read(func(uintptr) bool {
		n = ask()
		return n != errAgain
	})
	if err != nil {
		log.Fatalf("uwsgi: %s cannot wait for the server: %v", whoAmI(), err)
	}
	return n
}
