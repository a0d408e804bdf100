package uwsgi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// requestIDs is what the names of requests are made of.
var requestIDs struct {
	once   sync.Once
	prefix string // of this process
	last   uint64 // atomic: the number of the last one that was named
}

// aloneKey is the key by which a connection is found without a server.
type aloneKey struct{}

// aloneConn is a connection without a server, on which there is one request at a time.
type aloneConn struct {
	mu     sync.Mutex
	number *uint64 // of the request
}

// RequestID gives a name for the request r, for logs and for tracing it through
// other services: the same with every call for the same request, also by copies of it (WithContext,
// Clone), and another one for any other request, of any worker, server or time. It has letters, digits
// and one "-", and is at most 33 bytes long. What the client sends has no part in it.
//
// It costs nothing until it is asked for, and little then. It may be called from
// any goroutine; outside a server, until the handler has returned. A request that has not come through Run, such as one of
// httptest.NewRequest, gets a new name with every call.
func RequestID(r *http.Request) string {
	if x, _ := r.Context().Value(exchangeKey{}).(*exchange); x != nil {
		return requestName(&x.number)
	}
	if c, _ := r.Context().Value(aloneKey{}).(*aloneConn); c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		return requestName(c.number)
	}
	return requestName(new(uint64))
}

// requestName gives the name of the request whose number this is, which it gets now
// if it has none.
func requestName(number *uint64) string {
	n := atomic.LoadUint64(number)
	if n == 0 {
		n = atomic.AddUint64(&requestIDs.last, 1)
		if !atomic.CompareAndSwapUint64(number, 0, n) {
			n = atomic.LoadUint64(number)
		}
	}
	requestIDs.once.Do(func() { requestIDs.prefix = processName() })
	return requestIDs.prefix + strconv.FormatUint(n, 16)
}

// processName gives what tells this process from all others: 64 random bits, or, if
// there are none, its number and the time.
func processName() string {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return fmt.Sprintf("%x%x-", os.Getpid(), time.Now().UnixNano()&(1<<32-1))
	}
	return hex.EncodeToString(random[:]) + "-"
}

// withNumbers makes server give requests what RequestID needs, where Goherd does not.
// They stay who they are: net/http would put trailers into the original of a copy.
func withNumbers(server *http.Server) *http.Server {
	handler := server.Handler
	server.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, aloneKey{}, new(aloneConn))
	}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, _ := r.Context().Value(aloneKey{}).(*aloneConn); c != nil {
			c.mu.Lock()
			c.number = new(uint64)
			c.mu.Unlock()
		}
		handler.ServeHTTP(w, r)
	})
	return server
}
