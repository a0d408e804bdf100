package uwsgi

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// bufferSize is how much of an answer's body is kept back: an answer that is
// complete by then gets a Content-Length and leaves in one piece, a longer one
// goes out in parts of this size.
const bufferSize = 16 << 10

// response is the http.ResponseWriter of an exchange.
//
// Its lock guards the core's buffers: they are another exchange's as soon as the
// handler has returned, and what the handler left running may not know that yet.
type response struct {
	exchange *exchange
	header   http.Header

	mu            sync.Mutex
	status        int   // 0 until WriteHeader
	contentLength int64 // what the handler declared; -1: nothing
	written       int64
	typed         bool     // the handler settled the Content-Type, or that there is none
	trailing      bool     // trailer fields may follow the body
	trailers      []string // those that the head declares
	streaming     bool     // the head has gone to the server
	hijacked      bool
	over          bool // the handler has returned
	failed        error
}

// Header gives the fields of the answer, to be changed before WriteHeader.
func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header, 4)
	}
	return w.header
}

// WriteHeader settles the status and the fields of the answer. A status from 100
// to 199, but for 101, is an interim answer and goes out at once.
func (w *response) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.over:
		w.complain("WriteHeader(%d) after the handler has returned", status)
	case w.hijacked:
		w.complain("WriteHeader(%d) on a hijacked connection", status)
	case w.status != 0:
		w.complain("superfluous WriteHeader(%d)", status)
	case status < 200 && status != http.StatusSwitchingProtocols:
		c := w.exchange.core
		c.fields = c.appendHeader(c.fields[:0], w.header, status)
		if abiInterim(w.exchange.id, status, c.fields) == errFields {
			w.logMalformed()
		}
	default:
		w.settle(status)
	}
}

// complain logs a mistake of the handler with the place where it was made.
func (w *response) complain(format string, status int) {
	place := "an unknown place"
	if _, file, line, ok := runtime.Caller(2); ok {
		place = file + ":" + strconv.Itoa(line)
	}
	log.Printf("uwsgi: "+format+" for %s, called from %s", status, w.exchange.request.RequestURI, place)
}

// settle puts status and fields into the form in which they cross to the server.
func (w *response) settle(status int) {
	w.status = status
	c := w.exchange.core
	c.buffer = c.buffer[:0]
	c.fields = c.appendHeader(c.fields[:0], w.header, status)
	if declared := w.header["Content-Length"]; len(declared) > 0 {
		if n, err := strconv.ParseInt(strings.TrimSpace(declared[0]), 10, 64); err == nil && n >= 0 {
			w.contentLength = n
		}
	}
	_, w.typed = w.header["Content-Type"]
	if encoding := w.header["Content-Encoding"]; len(encoding) > 0 && encoding[0] != "" {
		w.typed = true // the bytes are not those of the type
	}
	w.declareTrailers()
}

// Write adds to the body. Nothing is deferred: with gccgo that costs more than all
// the rest.
func (w *response) Write(p []byte) (int, error) {
	w.mu.Lock()
	n, err := w.write(p)
	w.mu.Unlock()
	return n, err
}

func (w *response) write(p []byte) (int, error) {
	if err := w.admit(len(p)); err != nil {
		return 0, err
	}
	c := w.exchange.core
	if len(c.buffer)+len(p) <= bufferSize {
		c.buffer = append(c.buffer, p...)
		return len(p), nil
	}
	return w.stream(p)
}

// WriteString adds to the body.
func (w *response) WriteString(s string) (int, error) {
	w.mu.Lock()
	n, err := w.writeString(s)
	w.mu.Unlock()
	return n, err
}

func (w *response) writeString(s string) (int, error) {
	if err := w.admit(len(s)); err != nil {
		return 0, err
	}
	c := w.exchange.core
	if len(c.buffer)+len(s) <= bufferSize {
		c.buffer = append(c.buffer, s...)
		return len(s), nil
	}
	return w.stream([]byte(s))
}

var errOver = errors.New("uwsgi: the handler of this request has returned")

// open sees to it that the status is settled, unless nothing can be sent any more.
func (w *response) open() error {
	if w.over {
		return errOver
	}
	if w.hijacked {
		return http.ErrHijacked
	}
	if w.status == 0 {
		w.settle(http.StatusOK)
	}
	return nil
}

// admit counts n bytes more of the body, or says why they must not be.
func (w *response) admit(n int) error {
	if err := w.open(); err != nil {
		return err
	}
	if n == 0 {
		return w.failed
	}
	if !allowsBody(w.status) {
		return http.ErrBodyNotAllowed
	}
	w.written += int64(n)
	if w.contentLength >= 0 && w.written > w.contentLength {
		return http.ErrContentLength
	}
	return w.failed
}

// stream takes p, which together with what is kept back is more than fits: that
// goes to the server, and so does p unless it is kept back in turn.
func (w *response) stream(p []byte) (int, error) {
	if err := w.sendKept(p); err != nil {
		return 0, err
	}
	c := w.exchange.core
	if len(p) < bufferSize {
		c.buffer = append(c.buffer, p...)
		return len(p), nil
	}
	if err := w.send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// sendKept gives what was kept back to the server, after the head if that has not
// gone yet; p is what follows.
func (w *response) sendKept(p []byte) error {
	c := w.exchange.core
	if !w.streaming {
		sample := c.buffer
		if len(sample) == 0 {
			sample = p
		}
		if err := w.start(sample); err != nil {
			return err
		}
	}
	err := w.send(c.buffer)
	c.buffer = c.buffer[:0]
	return err
}

// start gives the head to the server; sample is the beginning of the body.
func (w *response) start(sample []byte) error {
	w.settleType(sample)
	w.streaming = true
	x := w.exchange
	if n := abiStart(x.id, w.status, x.core.fields); n != 0 {
		w.failed = http.ErrAbortHandler
		if n == errFields {
			w.logMalformed()
		}
	}
	return w.failed
}

func (w *response) logMalformed() {
	log.Printf("uwsgi: the answer to %s has a malformed field", w.exchange.request.RequestURI)
}

// settleType adds the Content-Type that the body's beginning looks like.
func (w *response) settleType(sample []byte) {
	if w.typed || len(sample) == 0 || !allowsBody(w.status) {
		return
	}
	w.typed = true
	c := w.exchange.core
	c.fields = appendField(c.fields, "Content-Type", c.typeOf(sample))
}

// typeOf gives the Content-Type that the beginning of a body looks like. Pages of
// one application tend to begin in the same way.
func (c *core) typeOf(sample []byte) string {
	if len(sample) > sniffSize {
		sample = sample[:sniffSize]
	}
	if c.typed == "" || !bytes.Equal(sample, c.sample) {
		c.sample = append(c.sample[:0], sample...)
		c.typed = http.DetectContentType(sample)
	}
	return c.typed
}

// send gives all of p to the server, waiting for the peer if need be.
func (w *response) send(p []byte) error {
	x := w.exchange
	for len(p) > 0 && w.failed == nil {
		n := x.writable.await(func() int64 { return abiWrite(x.id, p) })
		if n <= 0 {
			w.failed = writeError(n)
			break
		}
		p = p[n:]
	}
	return w.failed
}

// errPeerGone is what writing gives when the peer is gone, or was answered in the
// handler's stead.
var errPeerGone = errors.New("uwsgi: the connection has ended")

func writeError(n int64) error {
	if n == errDeadline {
		return os.ErrDeadlineExceeded
	}
	return errPeerGone
}

// Flush sends what was kept back.
func (w *response) Flush() {
	_ = w.FlushError()
}

// FlushError is Flush for http.ResponseController.
func (w *response) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

func (w *response) flush() error {
	if err := w.open(); err != nil {
		return err
	}
	if err := w.sendKept(nil); err != nil {
		return err
	}
	if w.writable().expired() {
		w.failed = os.ErrDeadlineExceeded
	} else if n := abiFlush(w.exchange.id); n != 0 && n != errAgain {
		w.failed = errPeerGone
	}
	return w.failed
}

func (w *response) writable() *signal {
	return &w.exchange.writable
}

// SetReadDeadline is for http.ResponseController: reads of the body fail after t.
func (w *response) SetReadDeadline(t time.Time) error {
	w.exchange.readable.setDeadline(t)
	return nil
}

// SetWriteDeadline is for http.ResponseController: what is not sent by t is not
// sent, and ends the connection.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.writable().setDeadline(t)
	return nil
}

// EnableFullDuplex is for http.ResponseController. A body can always be read while
// its answer is being written.
func (w *response) EnableFullDuplex() error {
	return nil
}

// finish ends the answer, when the handler has returned.
func (w *response) finish() {
	w.mu.Lock()
	w.end()
	w.mu.Unlock()
}

func (w *response) end() {
	x := w.exchange
	if w.hijacked {
		w.over = true
		abiFinish(x.id, nil)
		return
	}
	if w.status == 0 {
		w.settle(http.StatusOK)
	}
	w.declareLateTrailers()
	if w.streaming || w.trailing && w.contentLength < 0 {
		w.finishStream()
		return
	}
	w.over = true
	w.settleType(x.core.buffer)
	if w.writable().expired() {
		w.fail(true)
	} else if abiRespond(x.id, w.status, x.core.fields, x.core.buffer) == errFields {
		w.logMalformed()
		w.fail(false)
	}
}

// finishStream ends an answer in parts.
func (w *response) finishStream() {
	x := w.exchange
	err := w.sendKept(nil)
	w.over = true
	if err != nil || w.writable().expired() {
		w.fail(true)
		return
	}
	var trailers []byte
	if w.trailing {
		trailers = w.trailerFields(nil)
	}
	if abiFinish(x.id, trailers) == errFields {
		w.logMalformed()
		w.fail(true)
	}
}

// giveUp ends the answer of a handler that did not get to its end.
func (w *response) giveUp(cut bool) {
	w.writable().end() // another goroutine of the handler may write, and wait for the peer
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if w.hijacked {
		abiFinish(w.exchange.id, nil)
		return
	}
	w.fail(cut || w.streaming)
}

// fail ends an answer that cannot be what it should: with a 500, or by cutting it
// off.
func (w *response) fail(cut bool) {
	x := w.exchange
	if cut {
		abiAbort(x.id)
		return
	}
	text := strconv.Itoa(http.StatusInternalServerError) + " " + http.StatusText(http.StatusInternalServerError) + "\n"
	fields := appendField(nil, "Content-Type", "text/plain; charset=utf-8")
	fields = appendField(fields, "X-Content-Type-Options", "nosniff")
	abiRespond(x.id, http.StatusInternalServerError, fields, []byte(text))
}
