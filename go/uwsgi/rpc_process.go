package uwsgi

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// What the first byte of an answer says of the rest.
const (
	answerResult  = 'r' // the result
	answerUnknown = 'u' // there is no such function
	answerFailed  = 'f' // why it failed
)

// callProcess calls a function of another process of this server.
//
// The question is how many milliseconds the caller waits, in eight bytes, then the
// name and the arguments, each behind its length in four; all little endian.
func callProcess(ctx context.Context, node, name string, args [][]byte) ([]byte, error) {
	what := fmt.Sprintf("calling %q at %s", name, node)
	question := make([]byte, 8)
	if deadline, limited := ctx.Deadline(); limited {
		if left := time.Until(deadline) / time.Millisecond; left > 0 {
			binary.LittleEndian.PutUint64(question, uint64(left))
		}
	}
	question = appendPart(question, []byte(name))
	for _, arg := range args {
		question = appendPart(question, arg)
	}
	answer, err := askProcess(ctx, node, question)
	if err != nil {
		return nil, fmt.Errorf("uwsgi: %s: %w", what, err)
	}
	if len(answer) > 0 {
		switch rest := answer[1:]; answer[0] {
		case answerResult:
			return rest, nil
		case answerUnknown:
			return nil, fmt.Errorf("uwsgi: %s: %w", what, ErrNoFunction)
		case answerFailed:
			return nil, &callError{what, string(rest)}
		}
	}
	return nil, fmt.Errorf("uwsgi: %s: what it answers is no answer", what)
}

// appendPart appends a part behind its length.
func appendPart(b, part []byte) []byte {
	var length [4]byte
	binary.LittleEndian.PutUint32(length[:], uint32(len(part)))
	return append(append(b, length[:]...), part...)
}

// answerProcess answers what callProcess asks; nil: it is no question. It is called
// on a goroutine of its own. The context ends when the one who asks is gone.
func answerProcess(ctx context.Context, question []byte) (answer []byte) {
	if len(question) < 8 {
		return nil
	}
	parts, err := unpacked(question[8:], 4)
	if err != nil || len(parts) == 0 || checkArguments(parts[1:]) != nil {
		return nil
	}
	if millis := binary.LittleEndian.Uint64(question); millis > 0 && millis < uint64(time.Hour) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(millis)*time.Millisecond)
		defer cancel()
	}
	name := string(parts[0])
	f := functionNamed(name)
	if f == nil {
		return []byte{answerUnknown}
	}
	result, err := f.call(ctx, name, parts[1:])
	if err != nil {
		return append([]byte{answerFailed}, err.Error()...)
	}
	return append([]byte{answerResult}, result...)
}
