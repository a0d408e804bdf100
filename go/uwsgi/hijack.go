package uwsgi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
)

var errNotHTTP = errors.New("uwsgi: only a connection that speaks HTTP with its peer can be hijacked")

// Hijack takes the connection over, for another protocol: see http.Hijacker. The
// handler, or whom it gives the connection to, closes it.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.over:
		panic("uwsgi: Hijack called after the handler has returned")
	case w.hijacked:
		return nil, nil, http.ErrHijacked
	case w.status != 0:
		if err := w.flush(); err != nil {
			return nil, nil, err
		}
	}
	unread := w.exchange.unread()
	fd := w.writable().await(func() int64 { return abiHijack(w.exchange.id) })
	if fd == errTurn {
		return nil, nil, errNotHTTP
	}
	if fd < 0 {
		return nil, nil, writeError(fd)
	}
	w.hijacked = true
	file := os.NewFile(uintptr(fd), "hijacked")
	defer file.Close() // the connection has a descriptor of its own
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, nil, err
	}
	return conn, bufio.NewReadWriter(readerAfter(unread, conn), bufio.NewWriter(conn)), nil
}

// unread takes what the peer has sent beyond the head, and nobody has read.
func (x *exchange) unread() []byte {
	var all []byte
	for buffer := make([]byte, 4096); ; {
		n := abiUnread(x.id, buffer)
		if n <= 0 {
			return all
		}
		all = append(all, buffer[:n]...)
	}
}

// readerAfter gives a reader of conn that has buffered unread already.
func readerAfter(unread []byte, conn net.Conn) *bufio.Reader {
	if len(unread) == 0 {
		return bufio.NewReader(conn)
	}
	size := len(unread)
	if size < 4096 {
		size = 4096
	}
	reader := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(unread), conn), size)
	_, _ = reader.Peek(len(unread))
	return reader
}

// CloseNotify gives a channel that gets a value when the peer ends its side: see
// http.CloseNotifier.
func (w *response) CloseNotify() <-chan bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		panic("uwsgi: CloseNotify called after the handler has returned")
	}
	closed := make(chan bool, 1)
	x := w.exchange
	go func() {
		<-x.request.Context().Done() // ends with the handler at the latest
		if atomic.LoadInt32(&x.gone) != 0 {
			closed <- true
		}
	}()
	return closed
}
