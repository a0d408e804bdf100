package uwsgi

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"time"
)

// SetHarakiri gives the request r the time d, counted from when a worker took it,
// in place of what the server's option harakiri gives to all: more for a route that
// is known to be slow, or less. With 0 it may take as long as it likes; if d is
// over already, so is its time. Of several calls the last one counts.
//
// When the time is over, the context of the request is cancelled, reading its body
// and writing its answer fail, and the client is answered 504, or cut off if it has
// a part of the answer. A handler that does not return soon after costs its worker,
// which is replaced by another.
//
// SetHarakiri may be called with r or a copy of it (WithContext, Clone), from any
// goroutine. It says whether that has settled the time: not outside a server, when
// the handler has returned or its time was over, nor when it has taken the
// connection over (http.Hijacker), whose time has no end.
func SetHarakiri(r *http.Request, d time.Duration) bool {
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return x != nil && abiHarakiri(x.id, limitOf(d)) == 0
}

// limitOf gives a time as it crosses to the server, in milliseconds, of which 0
// means no limit.
func limitOf(d time.Duration) uint64 {
	switch {
	case d == 0:
		return 0
	case d < time.Millisecond:
		return 1
	default:
		return uint64(d / time.Millisecond)
	}
}

// mostOfStacks is how much is written of them at most.
const mostOfStacks = 16 << 20

// writeStacks writes what every goroutine does to the standard error.
func writeStacks() {
	stacks := make([]byte, 64<<10)
	n := runtime.Stack(stacks, true)
	for n == len(stacks) && n < mostOfStacks {
		stacks = make([]byte, 4*n)
		n = runtime.Stack(stacks, true)
	}
	fmt.Fprintf(os.Stderr, "uwsgi: %s: what all goroutines do:\n%s\n", whoAmI(), stacks[:n])
	abiStacksTold()
}
