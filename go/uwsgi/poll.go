package uwsgi

import (
	"runtime"
	"syscall"
	"unsafe"
)

// pollfd is struct pollfd of poll(2).
type pollfd struct {
	fd      int32
	events  int16
	revents int16
}

const pollIn = 1

// waitBusily waits until there may be an event, for no longer than busyWait, and
// says whether there may be.
//
// The system call is made behind the runtime's back, which would otherwise take the
// processor away, and give it back, at a cost that such a short wait is not worth.
// A signal of the runtime ends it, and now and then whoever else wants to run does
// so first.
func (e *engine) waitBusily() bool {
	if e.pace.waits++; e.pace.waits%yieldEvery == 0 {
		runtime.Gosched()
	}
	poll := pollfd{fd: e.events, events: pollIn}
	timeout := syscall.NsecToTimespec(int64(busyWait))
	n, _, errno := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1,
		uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
	return errno == 0 && n == 1
}
