package uwsgi

import (
	"context"
	"net"
	"net/http"
	"strconv"
)

// origin is where requests come in: a listener, and the address of this machine
// that their peers have connected to. It is the same for most of the requests of
// a core.
type origin struct {
	door    uint32
	local   string // "": the address that the listener is bound to
	context context.Context
}

// baseContext gives the context with what all requests from the origin of this
// one share.
func (c *core) baseContext() context.Context {
	ev, o := &c.ev, &c.origin
	local := bytesAt(&ev.local, ev.localLength)
	if o.context != nil && o.door == ev.door && o.local == string(local) {
		return o.context
	}
	o.door, o.local = ev.door, string(local)
	text := o.local
	if text == "" {
		text = boundAddress(ev.door)
	}
	o.context = context.WithValue(context.Background(), http.ServerContextKey, c.engine.server)
	o.context = context.WithValue(o.context, http.LocalAddrContextKey, addressOf(text))
	return o.context
}

// boundAddress gives the address that a door is bound to.
func boundAddress(door uint32) string {
	buffer := make([]byte, 256)
	n := abiLocalAddress(door, buffer)
	if n < 0 || n > int64(len(buffer)) {
		n = 0
	}
	return string(buffer[:n])
}

// addressOf understands an address that the server wrote.
func addressOf(text string) net.Addr {
	host, port, err := net.SplitHostPort(text)
	if ip := net.ParseIP(host); err == nil && ip != nil {
		number, _ := strconv.Atoi(port)
		return &net.TCPAddr{IP: ip, Port: number}
	}
	return &net.UnixAddr{Name: text, Net: "unix"}
}
