package uwsgi

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// exchange is a request and its answer.
type exchange struct {
	id       uint64
	core     *core
	request  *http.Request
	response response
	cancel   context.CancelFunc
	refused  string // why the application does not get to see the request
	readable signal
	writable signal
}

// signal is a wake-up that one goroutine waits for. It costs nothing until
// somebody waits.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// channel gives the channel on which wake-ups come from now on.
func (s *signal) channel() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{}, 1)
	}
	return s.ch
}

func (s *signal) signal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		return // nobody waits: who wants to will try once more first
	}
	select {
	case s.ch <- struct{}{}:
	default:
	}
}

// await calls try until it gives something other than errAgain, waiting for a
// wake-up before each further time. The exchange's end is a wake-up too; that the
// peer has ended its side is none: it may still take the answer.
func (x *exchange) await(s *signal, try func() int64) int64 {
	n := try()
	if n != errAgain {
		return n
	}
	// The wake-up for that try may have come before there was a channel, so each
	// wait follows a try that was made with it.
	ch := s.channel()
	for n = try(); n == errAgain; n = try() {
		<-ch
	}
	return n
}

// empty is what requests are made from: WithContext is the one way to give a
// request its context.
var empty http.Request

// newExchange takes a request out of the server's memory, with one copy of its
// head, of which all its strings are parts.
func newExchange(c *core) *exchange {
	ev := &c.ev
	x := &exchange{id: ev.exchange, core: c}
	x.response.exchange = x
	x.response.contentLength = -1
	var ctx context.Context
	ctx, x.cancel = context.WithCancel(c.engine.baseContext(ev.door))
	r := empty.WithContext(ctx)
	x.request = r
	head := string(bytesAt(&ev.head, ev.headLength))
	r.Method = head[ev.method.start:ev.method.end]
	r.RequestURI = head[ev.target.start:ev.target.end]
	r.Host = head[ev.host.start:ev.host.end]
	r.RemoteAddr = string(bytesAt(&ev.peer, ev.peerLength))
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	if ev.minor == 0 {
		r.Proto, r.ProtoMinor = "HTTP/1.0", 0
	}
	r.Header = headerOf(head, ev.fieldsOf())
	r.Close = wantsClose(r)
	r.Body = http.NoBody
	switch ev.contentLength {
	case 0:
	case chunked:
		r.ContentLength = -1
		r.TransferEncoding = []string{"chunked"}
		delete(r.Header, "Transfer-Encoding")
		r.Body = &body{exchange: x}
	default:
		r.ContentLength = int64(ev.contentLength)
		r.Body = &body{exchange: x}
	}
	var err error
	if r.URL, err = url.ParseRequestURI(r.RequestURI); err != nil {
		r.URL = &url.URL{Path: "/"}
		x.refused = "400 Bad Request: malformed request target"
	}
	if ev.wake&wakeGone != 0 {
		x.cancel()
	}
	return x
}

// headerOf makes the fields of a request, but for Host, into a Header.
func headerOf(head string, fields []field) http.Header {
	header := make(http.Header, len(fields))
	values := make([]string, len(fields))
	for i := range fields {
		f := &fields[i]
		name, value := head[f.name.start:f.name.end], head[f.value.start:f.value.end]
		if name == "Host" {
			continue
		}
		if others, has := header[name]; has {
			header[name] = append(others, value)
			continue
		}
		values[i] = value
		header[name] = values[i : i+1 : i+1]
	}
	// As net/http: a request of HTTP/1.0's days says no-cache in this way.
	if pragma, has := header["Pragma"]; has && pragma[0] == "no-cache" {
		if _, has := header["Cache-Control"]; !has {
			header["Cache-Control"] = []string{"no-cache"}
		}
	}
	return header
}

// wantsClose says what http.Request.Close is: the peer will send no more.
func wantsClose(r *http.Request) bool {
	connection := r.Header["Connection"]
	if r.ProtoMinor == 0 {
		return !hasToken(connection, "keep-alive")
	}
	return hasToken(connection, "close")
}

func hasToken(values []string, token string) bool {
	for _, value := range values {
		for _, part := range strings.Split(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// baseContexts holds the contexts that requests' own are made from, by door.
var baseContexts sync.Map

// baseContext gives the context with what all requests through a door share.
func (e *engine) baseContext(door uint32) context.Context {
	if known, has := baseContexts.Load(door); has {
		return known.(context.Context)
	}
	ctx := context.WithValue(context.Background(), http.ServerContextKey, e.server)
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, localAddress(door))
	baseContexts.Store(door, ctx)
	return ctx
}

// localAddress gives the address that a door is bound to.
func localAddress(door uint32) net.Addr {
	buffer := make([]byte, 256)
	n := abiLocalAddress(door, buffer)
	if n < 0 || n > int64(len(buffer)) {
		n = 0
	}
	text := string(buffer[:n])
	host, port, err := net.SplitHostPort(text)
	if ip := net.ParseIP(host); err == nil && ip != nil {
		number, _ := strconv.Atoi(port)
		return &net.TCPAddr{IP: ip, Port: number}
	}
	return &net.UnixAddr{Name: text, Net: "unix"}
}

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
	n := x.await(&x.readable, func() int64 { return abiRead(x.id, p) })
	switch {
	case n > 0:
		return int(n), nil
	case n == 0:
		b.ended = io.EOF
	case n == errShort:
		b.ended = io.ErrUnexpectedEOF
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
