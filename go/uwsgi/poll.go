package uwsgi

import (
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// pollfd is struct pollfd of poll(2).
type pollfd struct {
	fd      int32
	events  int16
	revents int16
}

const pollIn = 1

// waitFor waits until the descriptor is readable, for some microseconds, and says
// whether it is.
//
// The system call is made behind the runtime's back, which would otherwise take the
// processor away, and give it back, at a cost that such a short wait is not worth.
// So whoever else wants to run does so first, and a signal of the runtime ends the
// wait.
func waitFor(descriptor int32, d time.Duration) bool {
	runtime.Gosched()
	poll := pollfd{fd: descriptor, events: pollIn}
	timeout := syscall.NsecToTimespec(int64(d))
	n, _, errno := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1,
		uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
	return errno == 0 && n == 1
}
