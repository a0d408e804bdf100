package uwsgi

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"unsafe"
)

// exchange is a request and its answer.
type exchange struct {
	id       uint64
	core     *core
	request  *http.Request
	url      url.URL // the request's, if its target is a plain path
	response response
	context  requestContext
	refused  string // why the application does not get to see the request
	isCall   bool   // it is a call of a function: rpc_serve.go
	isArray  bool   // in uWSGI's form
	readable signal
	writable signal
	number   uint64 // atomic: what RequestID has named it by; 0: nothing yet
	gone     int32  // atomic: the peer has ended its side, or was answered already
}

// peerGone tells the handler that nobody waits for its answer any more.
func (x *exchange) peerGone() {
	atomic.StoreInt32(&x.gone, 1)
	x.context.cancel()
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
	x.context.exchange, x.context.base = x, c.baseContext()
	r := empty.WithContext(&x.context)
	x.request = r
	text := joined(bytesAt(&ev.head, ev.headLength), bytesAt(&ev.peer, ev.peerLength))
	head := text[:ev.headLength]
	r.Method = head[ev.method.start:ev.method.end]
	r.RequestURI = head[ev.target.start:ev.target.end]
	r.Host = head[ev.host.start:ev.host.end]
	r.RemoteAddr = text[ev.headLength:]
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
		x.announceTrailers()
		r.Body = &body{exchange: x}
	default:
		r.ContentLength = int64(ev.contentLength)
		r.Body = &body{exchange: x}
	}
	if ev.flags&flagRPC != 0 {
		x.isCall, x.isArray = true, ev.flags&flagRPCArray != 0
		if ev.wake&wakeGone != 0 {
			x.peerGone()
		}
		return x
	}
	var err error
	if r.URL, err = x.parseTarget(r.RequestURI); err != nil {
		r.URL = &url.URL{Path: "/"}
		x.refused = "400: the request has a malformed target"
	}
	if ev.flags&flagHTTPS != 0 {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true} // as net/http/cgi has it
	}
	if ev.wake&wakeGone != 0 {
		x.peerGone()
	}
	return x
}

// joined gives one string of both.
func joined(a, b []byte) string {
	text := make([]byte, len(a)+len(b))
	copy(text[copy(text, a):], b)
	return *(*string)(unsafe.Pointer(&text)) // nobody else has these bytes
}

// headerOf makes the fields of a request, but for Host, into a Header.
func headerOf(head string, fields []field) http.Header {
	header := make(http.Header, len(fields))
	var values []string // those of all fields, made when the first one needs it
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
		if values == nil {
			values = make([]string, 0, len(fields)-i)
		}
		values = append(values, value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
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
	return hasToken(connection, "close") || r.ProtoMinor == 0 && !hasToken(connection, "keep-alive")
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
