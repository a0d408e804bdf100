package uwsgi

import "unsafe"

// abiExpected is the version of the server's interface that this package is
// written for; goherd.h describes it.
const abiExpected = 5

// What abiRole gives.
const (
	roleNobody  = 0
	roleWorker  = 1
	roleMule    = 2
	roleSpooler = 3
)

// What abiNext finds.
const (
	evNothing = 0
	evRequest = 1
	evWake    = 2
	evQueued  = 3
)

// What the caller of abiNext is out for.
const (
	modeLead    = 0
	modeSteward = 1
	modeTake    = 2
	modeBusy    = 3
)

// The bits of event.wake.
const (
	wakeReadable = 1
	wakeWritable = 2
	wakeGone     = 4
)

// chunked is the contentLength of a body that comes in chunks.
const chunked = 1<<64 - 1

// Errors of the server's functions.
const (
	errEnded  = -1
	errAgain  = -2
	errShort  = -3
	errTurn   = -4
	errFields = -5

	errMissing  = -7
	errExists   = -8
	errFull     = -9
	errKey      = -10
	errValue    = -11
	errNumber   = -12
	errOverflow = -13
	errBusy     = -14
	errDamaged  = -15
	errName     = -16
	errKind     = -17
	errNotHeld  = -18
	errRefused  = -19
)

// What abiPostNext finds.
const (
	postNothing = 0
	postSignals = 1
)

// What raises a signal.
const (
	sourceTimer   = 1
	sourceRbTimer = 2
	sourceCron    = 3
	sourceMonitor = 4
)

// noSignal has abiSignalAdd look whether something could be added.
const noSignal = 1<<32 - 1

// Errors of abiSpoolPut: no task, and an error of the system, so much less its number.
const (
	errTask   = -30
	errSystem = -1000
)

// What became of a task.
const (
	taskDone        = 0
	taskFailed      = 1
	taskGivenUp     = 2
	taskInterrupted = 3
)

// When abiCachePut puts.
const (
	putAlways    = 0
	putIfAbsent  = 1
	putIfPresent = 2
)

// Times of entries, in milliseconds, that are none.
const (
	ttlUsual   = 0
	ttlEndless = 1<<63 - 1
)

// The kinds of metrics.
const (
	kindCounter = 1
	kindGauge   = 2
)

// alarmStacks is the alarm's count, at least, when the server wants to know what all
// goroutines do.
const alarmStacks = 1 << 32

// flagHTTPS is a bit of event.flags.
const flagHTTPS = 1

// The bits of event.flags of a call: that it is one, and that it is in uWSGI's form.
const (
	flagRPC      = 2
	flagRPCArray = 4
)

// span is a part of a head: goherd_span.
type span struct {
	start, end uint32
}

// field is a name and a value in a head.
type field struct {
	name, value span
}

// event is goherd_event, number by number.
type event struct {
	exchange      uint64
	core          uint32
	wake          uint32
	head          uintptr
	fields        uintptr
	peer          uintptr
	local         uintptr
	contentLength uint64
	headLength    uint32
	fieldsLength  uint32
	peerLength    uint32
	localLength   uint32
	door          uint32
	method        span
	target        span
	host          span
	minor         uint32
	backlog       uint32
	flags         uint32
}

// most is the size of the type through which memory of the server is looked at, in
// bytes: nothing that it lends is larger. (unsafe.Slice needs Go 1.17; gccgo 11 has 1.16.)
const most = 1 << 30

// bytesAt gives the length bytes at a place that the server named. The address
// is read as a pointer where it stands, since it never was one of Go's.
func bytesAt(address *uintptr, length uint32) []byte {
	if length == 0 {
		return nil
	}
	return (*(**[most]byte)(unsafe.Pointer(address)))[:length:length]
}

// fieldsOf gives the places of the fields in the head of a request.
func (ev *event) fieldsOf() []field {
	if ev.fieldsLength == 0 {
		return nil
	}
	return (*(**[most / unsafe.Sizeof(field{})]field)(unsafe.Pointer(&ev.fields)))[:ev.fieldsLength:ev.fieldsLength]
}

// firstOf gives the address of a string's first byte; nil of an empty one.
func firstOf(s string) unsafe.Pointer {
	if len(s) == 0 {
		return nil
	}
	return *(*unsafe.Pointer)(unsafe.Pointer(&s)) // a string begins with its address
}

// first gives the address of a slice's first byte; nil of an empty one.
func first(b []byte) unsafe.Pointer {
	if len(b) == 0 {
		return nil
	}
	return unsafe.Pointer(&b[0])
}
