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

const (
	pollIn = 1
	// yields is how often other processes go first, before a short wait. Measured with
	// two workers and a client on two processors: none gave 1.2 times the requests of
	// net/http, one 1.45, two 1.57, four 1.47.
	yields = 2
)

// waitBusily waits until there may be an event, for no longer than busyWait, and
// says whether there may be.
//
// The system call is made behind the runtime's back, which would otherwise take the
// processor away, and give it back, at a cost that such a short wait is not worth.
// A signal of the runtime ends it, and now and then whoever else wants to run does
// so first.
//
// Other processes go first too. Where processors are scarce, the clients of the
// machine, a proxy or a neighbour are about to send more, and a few requests at a
// time cost less than each alone; where they are not, nobody waits and a yield is over
// at once.
func (e *engine) waitBusily() bool {
	if e.pace.waits++; e.pace.waits%yieldEvery == 0 {
		runtime.Gosched()
	}
	for i := 0; i < yields; i++ {
		syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
	}
	poll := pollfd{fd: e.events, events: pollIn}
	timeout := syscall.NsecToTimespec(int64(busyWait))
	n, _, errno := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1,
		uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
	return errno == 0 && n == 1
}
