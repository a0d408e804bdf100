package uwsgi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"sort"
	"sync"
	"syscall"
	"time"
)

// Keys that the server puts into a task that is run. Spool leaves them out, so that
// a task that was run may be spooled again.
const (
	// TaskName is the key of a task's name, which no other task has, and which stays
	// the same when it is tried again.
	TaskName = "spooler_task_name"
	// TaskTry is the key of the number of the try, from "1".
	TaskTry = "spooler_task_try"
)

// ErrGiveUp says that a task is not to be tried again: an error of the function of
// OnSpool that is or wraps it sets the task aside at once.
var ErrGiveUp = errors.New("the task is given up")

// Spool hands a task over to the spooler, which gives it to the function of OnSpool
// in a process of its own. When Spool returns nil the task is on the disk: it is run
// at least once, also if all processes or the machine die before. It is run more
// than once if it fails, or if its process dies over it.
//
// A task is a map of at least one key; keys have 1 to 65535 bytes, and all keys and
// values together, with 8 more for each, at most 256 MiB. Some keys have a meaning:
//
//	at        not before this time, in seconds since 1970, such as "1795995712.5"
//	priority  a whole number, of which the lower runs first; without one, last of all
//	spooler   which folder, as the option spooler or its full path names it; else the first
//	body      by custom, what is long
//
// If ctx ends first, Spool returns an error that wraps ctx.Err(); unless ctx was over
// from the start, the task may run all the same. Other errors say what is wrong with
// the task, or that the server has no such folder (ErrMissing), or wrap a
// syscall.Errno, such as ENOSPC, and then the task is not run, or as far as the text
// says so. Outside a server Spool gives an error.
//
// Spool may be called from any process of the server and any goroutine. It waits for
// the disk.
func Spool(ctx context.Context, task map[string]string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("uwsgi: spool: %w", err)
	}
	if !hasServer() {
		return errors.New("uwsgi: spool: no server is around that would run the task: start the program in one, " +
			"with the option spooler")
	}
	block, err := taskBlock(task)
	if err != nil {
		return err
	}
	if ctx.Done() == nil {
		return spoolBlock(block)
	}
	done := make(chan error, 1)
	go func() { done <- spoolBlock(block) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("uwsgi: spool: the disk has not taken the task yet, which may run all the same: %w", ctx.Err())
	}
}

// mostOfTask is the most bytes of a task: the server's LARGEST_TASK.
const mostOfTask = 256 << 20

// taskBlock gives a task as it crosses to the server: pairs of the lengths of key and
// value, and these.
func taskBlock(task map[string]string) ([]byte, error) {
	keys, size := make([]string, 0, len(task)), uint64(0)
	for key, value := range task {
		if key != TaskName && key != TaskTry {
			keys = append(keys, key)
			size += 8 + uint64(len(key)) + uint64(len(value))
		}
	}
	if size > mostOfTask {
		return nil, fmt.Errorf("uwsgi: spool: the task has %d bytes, and %d are the most: %w", size, mostOfTask, ErrLength)
	}
	sort.Strings(keys)
	block := make([]byte, 0, size)
	for _, key := range keys {
		var lengths [8]byte
		byteOrder.PutUint32(lengths[:], uint32(len(key)))
		byteOrder.PutUint32(lengths[4:], uint32(len(task[key])))
		block = append(append(append(block, lengths[:]...), key...), task[key]...)
	}
	return block, nil
}

// taskOf is the opposite.
func taskOf(block []byte) map[string]string {
	task := make(map[string]string)
	for len(block) >= 8 {
		key := 8 + int(byteOrder.Uint32(block))
		end := key + int(byteOrder.Uint32(block[4:]))
		task[string(block[8:key])] = string(block[key:end])
		block = block[end:]
	}
	return task
}

func spoolBlock(block []byte) error {
	var text [1024]byte
	code := abiSpoolPut(block, text[:])
	if code >= 0 {
		return nil
	}
	reason := string(text[:])
	if end := bytes.IndexByte(text[:], 0); end >= 0 {
		reason = string(text[:end])
	}
	switch {
	case code == errMissing:
		return &spoolError{reason, ErrMissing}
	case code <= errSystem:
		return &spoolError{reason, syscall.Errno(errSystem - code)}
	default:
		return &spoolError{reason, nil}
	}
}

// spoolError is an error of the server's, with its own words.
type spoolError struct {
	text  string
	cause error
}

func (e *spoolError) Error() string { return "uwsgi: spool: " + e.text }
func (e *spoolError) Unwrap() error { return e.cause }

// runner has the function of OnSpool.
var runner struct {
	sync.Mutex
	f func(ctx context.Context, task map[string]string) error
}

// OnSpool makes f the function that runs tasks, in the server's spooler processes:
// one after another in each. Call it before Run, in every process; there is no harm
// in that where no tasks are run.
//
// The task is done when f returns nil, and tried again after a pause when it returns
// an error or panics, up to the number of times that the option spooler-retries
// says; then it is set aside in the folder "failed" of the spooler's folder. An error
// that is or wraps ErrGiveUp sets it aside at once.
//
// The map has what Spool was given, and the keys TaskName and TaskTry. A task may run
// more than once, so f should do no harm the second time; TaskName helps to tell.
//
// ctx is cancelled when the process is told to end and the time that it has for that
// is about over: what f returns then, other than nil or ErrGiveUp, has the task run
// again by another process, without this try counting.
func OnSpool(f func(ctx context.Context, task map[string]string) error) {
	runner.Lock()
	runner.f = f
	runner.Unlock()
}

// spooler runs tasks.
type spooler struct {
	run    func(ctx context.Context, task map[string]string) error
	ctx    context.Context
	wait   *waiter
	ending *os.File
	task   task
}

// runTasks runs tasks for as long as the process lives, if it is a spooler.
func runTasks() {
	var mercy uint64
	fd, notice := abiSpool(), abiSpoolNotice(&mercy)
	if fd < 0 || notice < 0 {
		return
	}
	runner.Lock()
	f := runner.f
	runner.Unlock()
	if f == nil {
		log.Printf("uwsgi: %s runs no tasks: the program does not call OnSpool before Run", whoAmI())
		return
	}
	wait, err := newWaiter(fd, "goherd tasks")
	if err != nil {
		log.Fatalf("uwsgi: %s cannot wait for tasks: %v", whoAmI(), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &spooler{run: f, ctx: ctx, wait: wait, ending: os.NewFile(uintptr(notice), "goherd end of tasks")}
	go s.hearEnd(mercy, cancel)
	go s.runAll()
}

// hearEnd waits until the process is to end, and tells the task at hand in time.
func (s *spooler) hearEnd(mercy uint64, cancel context.CancelFunc) {
	var count [8]byte
	if _, err := s.ending.Read(count[:]); err == nil && mercy > 0 {
		time.Sleep(time.Duration(mercy)*time.Millisecond - lastMoments(mercy))
		cancel()
	}
}

// runAll runs one task after another.
func (s *spooler) runAll() {
	for s.wait.until(func() int64 { return abiSpoolNext(&s.task) }) == 0 {
		s.handle()
	}
	select {} // the process ends when all of its work has
}

// lastMoments gives how long before its end a task is told of it.
func lastMoments(mercy uint64) time.Duration {
	moments := time.Duration(mercy) * time.Millisecond / 4
	if moments > 10*time.Second {
		moments = 10 * time.Second
	}
	return moments
}

// handle runs the task at hand, and says what became of it.
func (s *spooler) handle() {
	task := taskOf(s.task.bytes())
	task[TaskName], task[TaskTry] = s.task.label(), fmt.Sprint(s.task.tries)
	ctx, cancel := context.WithCancel(s.ctx)
	ended := make(chan error, 1)
	// In a goroutine of its own it may call runtime.Goexit.
	go func() {
		err := errors.New("the function of OnSpool has called runtime.Goexit")
		defer func() {
			if reason := recover(); reason != nil {
				logPanic("running task "+task[TaskName], reason)
				err = fmt.Errorf("panic: %v", reason)
			}
			ended <- err
		}()
		err = s.run(ctx, task)
	}()
	err := <-ended
	cancel()
	switch {
	case err == nil:
		abiSpoolEnd(taskDone, "")
	case errors.Is(err, ErrGiveUp):
		abiSpoolEnd(taskGivenUp, err.Error())
	case s.ctx.Err() != nil:
		abiSpoolEnd(taskInterrupted, err.Error())
	default:
		abiSpoolEnd(taskFailed, err.Error())
	}
}

// task is goherd_task, number by number.
type task struct {
	block       uintptr
	blockLength uintptr
	name        uintptr
	nameLength  uint32
	tries       uint32
}

// bytes gives the block, which is the server's until the end of the task.
func (t *task) bytes() []byte {
	return bytesAt(&t.block, uint32(t.blockLength)) // 256 MiB at most
}

// label gives a copy of the task's name.
func (t *task) label() string {
	return string(bytesAt(&t.name, t.nameLength))
}
