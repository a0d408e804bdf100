package uwsgi

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"unsafe"
)

// bufferSize is how much of an answer's body is kept back: an answer that is
// complete by then gets a Content-Length and leaves in one piece.
const bufferSize = 16 << 10

// response is the http.ResponseWriter of an exchange.
type response struct {
	exchange      *exchange
	header        http.Header
	status        int   // 0 until WriteHeader
	contentLength int64 // what the handler declared; -1: nothing
	written       int64
	typed         bool // the handler settled the Content-Type, or that there is none
	streaming     bool // the head has gone to the server
	failed        error
	over          int32 // atomic: the answer is complete, and the core's buffers are another's
}

// Header gives the fields of the answer, to be changed before WriteHeader.
func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header, 4)
	}
	return w.header
}

// WriteHeader settles the status and the fields of the answer.
func (w *response) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	}
	if w.isOver() {
		log.Printf("uwsgi: WriteHeader(%d) after the handler for %s returned", status, w.exchange.request.RequestURI)
		return
	}
	if w.status != 0 {
		log.Printf("uwsgi: superfluous WriteHeader(%d) in a handler for %s", status, w.exchange.request.RequestURI)
		return
	}
	if status < 200 {
		return // an interim answer; only final ones are sent
	}
	w.status = status
	w.settleFields()
}

// settleFields puts the fields into the form in which they cross to the server.
func (w *response) settleFields() {
	c := w.exchange.core
	c.buffer = c.buffer[:0]
	c.fields = c.fields[:0]
	c.keys = c.keys[:0]
	for key := range w.header {
		c.keys = append(c.keys, key)
	}
	sortStrings(c.keys)
	for _, key := range c.keys {
		if !isToken(key) || unfit(key, w.status) {
			continue
		}
		for _, value := range w.header[key] {
			c.fields = appendField(c.fields, key, clean(value))
		}
	}
	if declared := w.header["Content-Length"]; len(declared) > 0 {
		if n, err := strconv.ParseInt(strings.TrimSpace(declared[0]), 10, 64); err == nil && n >= 0 {
			w.contentLength = n
		}
	}
	_, w.typed = w.header["Content-Type"]
	if encoding := w.header["Content-Encoding"]; len(encoding) > 0 && encoding[0] != "" {
		w.typed = true // the bytes are not those of the type
	}
}

// unfit says whether a field has no place in an answer without a body.
func unfit(key string, status int) bool {
	return !allowsBody(status) && (key == "Content-Length" || key == "Content-Type" && status == http.StatusNotModified)
}

// sortStrings sorts few strings without an allocation.
func sortStrings(s []string) {
	for i := 1; i < len(s); i++ {
		for j := i; j > 0 && s[j] < s[j-1]; j-- {
			s[j], s[j-1] = s[j-1], s[j]
		}
	}
}

// appendField appends a field in the form of goherd_respond's blocks.
func appendField(block []byte, name, value string) []byte {
	var lengths [8]byte
	*(*uint32)(unsafe.Pointer(&lengths[0])) = uint32(len(name))
	*(*uint32)(unsafe.Pointer(&lengths[4])) = uint32(len(value))
	block = append(block, lengths[:]...)
	block = append(block, name...)
	return append(block, value...)
}

// clean makes a value fit for one line, as net/http does.
func clean(value string) string {
	for i := 0; i < len(value); i++ {
		if value[i] == '\r' || value[i] == '\n' {
			value = strings.NewReplacer("\n", " ", "\r", " ").Replace(value)
			break
		}
	}
	return strings.Trim(value, " \t")
}

// isToken says whether name can be the name of a field (RFC 9110, 5.6.2).
func isToken(name string) bool {
	for i := 0; i < len(name); i++ {
		b := name[i]
		letter := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
		if !letter && (b == 0 || !strings.Contains("!#$%&'*+-.^_`|~", string(rune(b)))) {
			return false
		}
	}
	return name != ""
}

// allowsBody says whether an answer with this status may have a body.
func allowsBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// Write adds to the body.
func (w *response) Write(p []byte) (int, error) {
	if err := w.admit(len(p)); err != nil {
		return 0, err
	}
	c := w.exchange.core
	if len(c.buffer)+len(p) <= bufferSize && !w.streaming {
		c.buffer = append(c.buffer, p...)
		return len(p), nil
	}
	return w.stream(p)
}

// WriteString adds to the body.
func (w *response) WriteString(s string) (int, error) {
	c := w.exchange.core
	if w.isOver() || w.streaming || len(c.buffer)+len(s) > bufferSize {
		return w.Write([]byte(s))
	}
	if err := w.admit(len(s)); err != nil {
		return 0, err
	}
	c.buffer = append(c.buffer, s...)
	return len(s), nil
}

// isOver says whether the handler has returned: what it left running must not
// touch the core's buffers any more.
func (w *response) isOver() bool {
	return atomic.LoadInt32(&w.over) != 0
}

var errOver = errors.New("uwsgi: the handler of this request has returned")

// open sees to it that the status is settled, unless the answer is complete.
func (w *response) open() error {
	if w.isOver() {
		return errOver
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
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

// stream sends what was kept back, then p. From now on nothing is kept back.
func (w *response) stream(p []byte) (int, error) {
	c := w.exchange.core
	if !w.streaming {
		sample := c.buffer
		if len(sample) == 0 {
			sample = p
		}
		if err := w.start(sample); err != nil {
			return 0, err
		}
		if err := w.send(c.buffer); err != nil {
			return 0, err
		}
		c.buffer = c.buffer[:0]
	}
	if err := w.send(p); err != nil {
		return 0, err
	}
	return len(p), nil
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
	c.fields = appendField(c.fields, "Content-Type", http.DetectContentType(sample))
}

// send gives all of p to the server, waiting for the peer if need be.
func (w *response) send(p []byte) error {
	x := w.exchange
	for len(p) > 0 && w.failed == nil {
		n := x.await(&x.writable, func() int64 { return abiWrite(x.id, p) })
		if n <= 0 {
			w.failed = errPeerGone
			break
		}
		p = p[n:]
	}
	return w.failed
}

// errPeerGone is what writing gives when the peer is gone.
var errPeerGone = errors.New("uwsgi: the peer has closed the connection")

// Flush sends what was kept back.
func (w *response) Flush() {
	_ = w.FlushError()
}

// FlushError is Flush for http.ResponseController.
func (w *response) FlushError() error {
	if err := w.open(); err != nil {
		return err
	}
	if _, err := w.stream(nil); err != nil {
		return err
	}
	if n := abiFlush(w.exchange.id); n != 0 && n != errAgain {
		w.failed = errPeerGone
	}
	return w.failed
}

// finish ends the answer, when the handler has returned.
func (w *response) finish() {
	x := w.exchange
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	atomic.StoreInt32(&w.over, 1)
	if w.streaming {
		abiFinish(x.id)
		return
	}
	w.settleType(x.core.buffer)
	if abiRespond(x.id, w.status, x.core.fields, x.core.buffer) == errFields {
		w.logMalformed()
		w.fail(false)
	}
}

// fail ends the answer of a handler that did not get to its end: with a 500 if
// nothing was sent yet, else, or if the handler wants it so, by cutting it off.
func (w *response) fail(cut bool) {
	x := w.exchange
	atomic.StoreInt32(&w.over, 1)
	if cut || w.streaming {
		abiAbort(x.id)
		return
	}
	text := strconv.Itoa(http.StatusInternalServerError) + " " + http.StatusText(http.StatusInternalServerError) + "\n"
	fields := appendField(nil, "Content-Type", "text/plain; charset=utf-8")
	fields = appendField(fields, "X-Content-Type-Options", "nosniff")
	abiRespond(x.id, http.StatusInternalServerError, fields, []byte(text))
}
