package uwsgi

import (
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
)

// body is what a handler reads a request's body from.
type body struct {
	exchange *exchange
	mu       sync.Mutex // reads come one after another
	closed   int32      // atomic
	ended    error      // what reads give from now on
}

// Read reads from the body, waiting for the peer if need be.
func (b *body) Read(p []byte) (int, error) {
	if atomic.LoadInt32(&b.closed) != 0 {
		return 0, http.ErrBodyReadAfterClose
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended != nil {
		return 0, b.ended
	}
	if len(p) == 0 {
		return 0, nil
	}
	x := b.exchange
	n := x.readable.await(func() int64 { return abiRead(x.id, p) })
	switch {
	case n > 0:
		return int(n), nil
	case n == 0:
		x.takeTrailers()
		b.ended = io.EOF
	case n == errShort:
		b.ended = io.ErrUnexpectedEOF
	case n == errDeadline:
		abiRead(x.id, nil)               // nobody waits for the peer any more
		return 0, os.ErrDeadlineExceeded // it may be extended
	default:
		b.ended = http.ErrBodyReadAfterClose
	}
	return 0, b.ended
}

// Close ends the reading; the server discards what was not read.
func (b *body) Close() error {
	atomic.StoreInt32(&b.closed, 1)
	return nil
}
