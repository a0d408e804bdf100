package uwsgi

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"strconv"
	"time"
)

// callServer calls a function of another server.
func callServer(ctx context.Context, node, name string, args [][]byte) ([]byte, error) {
	p, err := peerAt(node)
	if err != nil {
		return nil, fmt.Errorf("uwsgi: calling %q: %w", name, err)
	}
	what := fmt.Sprintf("calling %q at %s", name, node)
	deadline, _ := ctx.Deadline()
	millis := time.Until(deadline) / time.Millisecond
	if millis < 1 {
		millis = 1
	}
	var more []byte
	for _, arg := range args {
		var length [4]byte
		binary.LittleEndian.PutUint32(length[:], uint32(len(arg)))
		more = append(append(more, length[:]...), arg...)
	}
	packet, err := packed(modifierRPC, modifierDictionary, []variable{
		{"name", name}, numbered("size", uint64(len(more))), numbered("millis", uint64(millis)),
	})
	if err != nil {
		return nil, fmt.Errorf("uwsgi: %s: the name has %d bytes", what, len(name))
	}
	var found answer
	err = p.exchange(ctx, deadline, packet, more, false, func(r *bufio.Reader) error {
		found, err = readAnswer(r, modifierRPC, longestResult)
		return err
	})
	switch {
	case err != nil:
		return nil, &remoteError{what, err}
	case found.status == "ok":
		return found.bytes, nil
	case found.status == "unknown":
		return nil, fmt.Errorf("uwsgi: %s: %w", what, ErrNoFunction)
	case found.status == "failed":
		return nil, &callError{what, found.reason}
	}
	return nil, &remoteError{what, errors.New("the answer is " + strconv.Quote(found.status) + ": " + found.reason)}
}

// callError is the error of a function elsewhere.
type callError struct{ what, reason string }

func (e *callError) Error() string { return "uwsgi: " + e.what + ": " + e.reason }

// Unwrap says that it is ErrCallFailed.
func (e *callError) Unwrap() error { return ErrCallFailed }

// serveCall is handle for a call from another server.
func (x *exchange) serveCall() {
	ctx, cancel := x.callContext()
	defer cancel()
	args, err := x.arguments()
	if err != nil {
		abiAbort(x.id) // the caller is gone, or something else than a caller
		return
	}
	name := x.request.RequestURI
	status, result := "unknown", []byte(nil)
	if f := functionNamed(name); f == nil {
		err = fmt.Errorf("calling %q: %w", name, ErrNoFunction)
	} else if result, err = f.call(ctx, name, args); err != nil {
		status = "failed"
	}
	var packet []byte
	if x.isArray {
		packet, err = arrayAnswer(result, err)
	} else {
		packet, err = dictionaryAnswer(status, result, err)
	}
	if err != nil {
		log.Printf("uwsgi: worker %d: a call from %s fails: %v", WorkerId(), x.request.RemoteAddr, err)
		abiAbort(x.id)
		return
	}
	abiRespond(x.id, 200, nil, append(packet, result...))
}

// callContext gives the context of a call, which ends when the caller's does.
func (x *exchange) callContext() (context.Context, context.CancelFunc) {
	ctx := x.request.Context()
	if millis, err := strconv.ParseInt(x.request.Header.Get("Millis"), 10, 64); err == nil && millis < int64(time.Hour) {
		return context.WithTimeout(ctx, time.Duration(millis)*time.Millisecond)
	}
	return context.WithCancel(ctx)
}

// arguments reads those of a call.
func (x *exchange) arguments() ([][]byte, error) {
	body, err := io.ReadAll(x.request.Body)
	if err != nil {
		return nil, err
	}
	width := 4
	if x.isArray {
		width = 2
	}
	args, err := unpacked(body, width)
	if err == nil {
		err = checkArguments(args)
	}
	return args, err
}

// dictionaryAnswer gives the packet that goes before the result of a call, or that says
// why there is none.
func dictionaryAnswer(status string, result []byte, err error) ([]byte, error) {
	variables := []variable{{"status", "ok"}, numbered("size", uint64(len(result)))}
	if err != nil {
		reason := err.Error()
		if len(reason) > 4<<10 {
			reason = reason[:4<<10]
		}
		variables = []variable{{"status", status}, {"reason", reason}}
	}
	return packed(modifierRPC, modifierDictionary, variables)
}

// arrayAnswer is the same in uWSGI's form, which has no room for a reason.
func arrayAnswer(result []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if n := len(result); n <= longestPacket {
		return []byte{modifierRPC, byte(n), byte(n >> 8), 0}, nil
	}
	return packed(modifierRPC, modifierLong, []variable{numbered("CONTENT_LENGTH", uint64(len(result)))})
}
