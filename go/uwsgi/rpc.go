package uwsgi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Limits of calls.
const (
	mostArguments   = 254
	longestArgument = 65535
	longestResult   = 16 << 20
	longestName     = 255
)

// callTimeout is how long a call of another process or server may take, where its
// context has no deadline.
const callTimeout = time.Minute

// ErrNoFunction is in the error of a call of a function that nobody has registered
// there. Compare with errors.Is.
var ErrNoFunction = errors.New("there is no function with this name")

// ErrCallFailed is in the error of a call whose function has given an error, or has
// panicked, in another process or server; its text is that of the function's error.
var ErrCallFailed = errors.New("the function failed")

// function is what RegisterRPC takes.
type function func(ctx context.Context, args ...[]byte) ([]byte, error)

// functions has those that can be called.
var functions struct {
	sync.RWMutex
	byName map[string]function
}

// RegisterRPC lets f be called by its name with CallRPC: from this process, from the
// other processes of the server, and from other servers if the option rpc-socket opens a
// socket for that. Call it before Run, at the best; it may be called from any goroutine.
// A name has 1 to 255 bytes and is registered once in a process.
//
// f may be called from several goroutines at a time. Its context ends when the caller's
// does, or when the caller is gone. A panic becomes an error for the caller and a line in
// the log. A result may have up to 16 MiB. A call from another server takes one of the
// goroutines that handle requests, and the options goroutines and harakiri hold for it.
func RegisterRPC(name string, f func(ctx context.Context, args ...[]byte) ([]byte, error)) error {
	if f == nil {
		return fmt.Errorf("uwsgi: RegisterRPC %q: there is no function", name)
	}
	if len(name) == 0 || len(name) > longestName {
		return fmt.Errorf("uwsgi: RegisterRPC: a name has 1 to %d bytes, and this one %d", longestName, len(name))
	}
	functions.Lock()
	defer functions.Unlock()
	if functions.byName[name] != nil {
		return fmt.Errorf("uwsgi: RegisterRPC: there is a function called %q already", name)
	}
	if functions.byName == nil {
		functions.byName = make(map[string]function)
	}
	functions.byName[name] = f
	return nil
}

// CallRPC calls the function that is registered under this name at a node, and gives its
// result. The node is
//
//   - "": this process;
//   - "worker2", "mule1", "farm_name", "spooler1": a process of this server; "worker",
//     "mule", "spooler": whichever of these takes the call first;
//   - host:port, the path of a unix socket (with a slash in it), or @name: another
//     Goherd, which serves calls there with the option rpc-socket.
//
// A call has up to 254 arguments of up to 65535 bytes each. It ends when ctx does; where
// ctx has no deadline, a call of another process or server ends after a minute. In this
// process the function runs on the calling goroutine and is waited for, so that it is the
// one to heed ctx. The arguments must not be changed before CallRPC returns.
//
// Errors wrap ErrNoFunction, ErrCallFailed, ErrRemote (another server cannot be asked),
// ErrMissing (there is no such process), ErrFull (too many calls wait for it), ErrEnded
// (the process has ended before it answered) or the error of ctx. A call that nobody has
// taken yet waits while its process is replaced. It may be called from any goroutine. Outside a server the nodes ""
// and those of other servers can be called.
func CallRPC(ctx context.Context, node, name string, args ...[]byte) ([]byte, error) {
	if err := checkArguments(args); err != nil {
		return nil, fmt.Errorf("uwsgi: calling %q: %w", name, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("uwsgi: calling %q: %w", name, err)
	}
	if node == "" {
		return callHere(ctx, name, args)
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTimeout)
		defer cancel()
	}
	if strings.ContainsAny(node, ":/@") {
		return callServer(ctx, node, name, args)
	}
	return callProcess(ctx, node, name, args)
}

// checkArguments says what is wrong with the arguments of a call.
func checkArguments(args [][]byte) error {
	if len(args) > mostArguments {
		return fmt.Errorf("a call has up to %d arguments, and this one %d", mostArguments, len(args))
	}
	for i, arg := range args {
		if len(arg) > longestArgument {
			return fmt.Errorf("an argument has up to %d bytes, and number %d has %d", longestArgument, i+1, len(arg))
		}
	}
	return nil
}

// callHere calls a function of this process on the calling goroutine.
func callHere(ctx context.Context, name string, args [][]byte) ([]byte, error) {
	f := functionNamed(name)
	if f == nil {
		return nil, fmt.Errorf("uwsgi: calling %q: %w", name, ErrNoFunction)
	}
	return f.call(ctx, name, args)
}

// functionNamed gives the function that is registered under this name, or nil.
func functionNamed(name string) function {
	functions.RLock()
	defer functions.RUnlock()
	return functions.byName[name]
}

// call calls it. A panic is an error, and a line in the log.
func (f function) call(ctx context.Context, name string, args [][]byte) (result []byte, err error) {
	returned := false
	defer func() {
		if reason := recover(); !returned {
			if reason == nil {
				reason = "runtime.Goexit, or a panic of nil" // of the former the caller is told by the end of the call
			}
			logPanic(fmt.Sprintf("in the function %q", name), reason)
			result, err = nil, fmt.Errorf("uwsgi: the function %q panicked: %v", name, reason)
		}
	}()
	result, err = f(ctx, args...)
	returned = true
	if err != nil {
		return nil, err
	}
	if len(result) > longestResult {
		return nil, fmt.Errorf("uwsgi: the function %q gave %d bytes, and a result has up to %d", name, len(result), longestResult)
	}
	return result, nil
}
