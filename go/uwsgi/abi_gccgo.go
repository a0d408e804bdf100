//go:build gccgo && !cgo

package uwsgi

// The server's functions, called directly. This file is part of the package when
// gccgo compiles it by itself, as the server's own build does.

import (
	"syscall"
	"unsafe"
)

// aloneBecause is what else there is to say when there is no server around.
const aloneBecause = ""

//extern goherd_abi_version
func cVersion() uint32

//extern goherd_worker_id
func cWorkerID() uint32

//extern goherd_role
func cRole() uint32

//extern goherd_number
func cNumber() uint32

//extern goherd_cores
func cCores() uint32

//extern goherd_run
func cRun() int64

//extern goherd_alarm
func cAlarm() int64

//extern goherd_events
func cEvents() int64

//extern goherd_kick
func cKick()

//extern goherd_local_address
func cLocalAddress(door uint32, buffer unsafe.Pointer, length uintptr) int64

//extern goherd_next
func cNext(core, mode uint32, ev *event) uint32

//extern goherd_respond
func cRespond(exchange uint64, status uint32, fields unsafe.Pointer, fieldsLength uintptr,
	body unsafe.Pointer, bodyLength uintptr) int64

//extern goherd_start
func cStart(exchange uint64, status uint32, fields unsafe.Pointer, fieldsLength uintptr) int64

//extern goherd_write
func cWrite(exchange uint64, b unsafe.Pointer, length uintptr) int64

//extern goherd_read
func cRead(exchange uint64, b unsafe.Pointer, length uintptr) int64

//extern goherd_flush
func cFlush(exchange uint64) int64

//extern goherd_interim
func cInterim(exchange uint64, status uint32, fields unsafe.Pointer, fieldsLength uintptr) int64

//extern goherd_send_file
func cSendFile(exchange uint64, file int32, count uint64) int64

//extern goherd_finish
func cFinish(exchange uint64, fields unsafe.Pointer, fieldsLength uintptr) int64

//extern goherd_unread
func cUnread(exchange uint64, b unsafe.Pointer, length uintptr) int64

//extern goherd_hijack
func cHijack(exchange uint64) int64

//extern goherd_trailers
func cTrailers(exchange uint64, b unsafe.Pointer, length uintptr) int64

//extern goherd_abort
func cAbort(exchange uint64) int64

//extern goherd_harakiri
func cHarakiri(exchange, limit uint64) int64

//extern goherd_stacks_told
func cStacksTold()

//extern goherd_cache_find
func cCacheFind(name unsafe.Pointer, length uintptr) int64

//extern goherd_cache_longest
func cCacheLongest(cache, ofValues uint32) int64

//extern goherd_cache_get
func cCacheGet(cache uint32, key unsafe.Pointer, keyLength uintptr, b unsafe.Pointer, length uintptr) int64

//extern goherd_cache_put
func cCachePut(cache uint32, key unsafe.Pointer, keyLength uintptr, value unsafe.Pointer, valueLength uintptr,
	millis uint64, rule uint32) int64

//extern goherd_cache_add
func cCacheAdd(cache uint32, key unsafe.Pointer, keyLength uintptr, by int64, millis uint64, sum *int64) int64

//extern goherd_cache_delete
func cCacheDelete(cache uint32, key unsafe.Pointer, keyLength uintptr) int64

//extern goherd_cache_ttl
func cCacheTTL(cache uint32, key unsafe.Pointer, keyLength uintptr) int64

//extern goherd_cache_clear
func cCacheClear(cache uint32) int64

//extern goherd_cache_keys
func cCacheKeys(cache, portion uint32, b unsafe.Pointer, length uintptr) int64

//extern goherd_remote_lines
func cRemoteLines(cache uint32) int64

//extern goherd_remote_patience
func cRemotePatience(cache uint32) int64

//extern goherd_remote_line
func cRemoteLine(cache, line uint32) int64

//extern goherd_remote_longest
func cRemoteLongest(cache, ofValues uint32) int64

//extern goherd_remote_near
func cRemoteNear(cache uint32, key unsafe.Pointer, keyLength uintptr, b unsafe.Pointer, length uintptr) int64

//extern goherd_remote_ask
func cRemoteAsk(cache, line, what uint32, key unsafe.Pointer, keyLength uintptr, value unsafe.Pointer,
	valueLength uintptr, number int64, millis uint64) int64

//extern goherd_remote_take
func cRemoteTake(cache, line uint32, b unsafe.Pointer, length uintptr, number *int64) int64

//extern goherd_remote_reason
func cRemoteReason(cache, line uint32, b unsafe.Pointer, length uintptr) int64

//extern goherd_lock
func cLock(number uint32) int64

//extern goherd_unlock
func cUnlock(number uint32) int64

//extern goherd_locks
func cLocks() int64

//extern goherd_metric
func cMetric(name unsafe.Pointer, length uintptr, what uint32) int64

//extern goherd_metric_add
func cMetricAdd(metric uint32, by int64) int64

//extern goherd_metric_set
func cMetricSet(metric uint32, value int64) int64

//extern goherd_metric_value
func cMetricValue(metric uint32) int64

//extern goherd_once_begin
func cOnceBegin(name unsafe.Pointer, length uintptr) int64

//extern goherd_once_end
func cOnceEnd(name unsafe.Pointer, length uintptr, done uint32) int64

//extern goherd_version
func cServerVersion() lent

//extern goherd_options
func cOptions() lent

//extern goherd_workers
func cWorkers(lines *workerLine, count uintptr) int64

//extern goherd_log
func cLog(text unsafe.Pointer, length uintptr)

//extern goherd_panicked
func cPanicked()

//extern goherd_reload
func cReload() int64

//extern goherd_stop
func cStop() int64

//extern goherd_raise_alarm
func cRaiseAlarm(name unsafe.Pointer, nameLength uintptr, message unsafe.Pointer, messageLength uintptr) int64

//extern goherd_post
func cPost() int64

//extern goherd_post_next
func cPostNext() uint32

//extern goherd_signal_next
func cSignalNext() int64

//extern goherd_signal_raise
func cSignalRaise(signal uint32) int64

//extern goherd_signal_registered
func cSignalRegistered(signal uint32) int64

//extern goherd_signal_register
func cSignalRegister(signal uint32, receiver unsafe.Pointer, receiverLength uintptr,
	why unsafe.Pointer, whyLength uintptr) int64

//extern goherd_signal_allot
func cSignalAllot(name unsafe.Pointer, nameLength uintptr, receiver unsafe.Pointer, receiverLength uintptr,
	why unsafe.Pointer, whyLength uintptr) int64

//extern goherd_signal_add
func cSignalAdd(kind, signal uint32, millis uint64, times uint32, what unsafe.Pointer, whatLength uintptr,
	why unsafe.Pointer, whyLength uintptr) int64

//extern goherd_send
func cSend(to unsafe.Pointer, toLength uintptr, message unsafe.Pointer, length uintptr) int64

//extern goherd_messages
func cMessages() int64

//extern goherd_message
func cMessage(b unsafe.Pointer, length uintptr) int64

//extern goherd_call
func cCall(to unsafe.Pointer, length uintptr) int64

//extern goherd_calls
func cCalls() int64

//extern goherd_next_call
func cNextCall() int64

//extern goherd_work_begins
func cWorkBegins() int64

//extern goherd_work_ended
func cWorkEnded()

//extern goherd_spool_put
func cSpoolPut(block unsafe.Pointer, length uintptr, text unsafe.Pointer, textLength uintptr) int64

//extern goherd_spool
func cSpool() int64

//extern goherd_spool_notice
func cSpoolNotice(mercy *uint64) int64

//extern goherd_spool_next
func cSpoolNext(t *task) int64

//extern goherd_spool_end
func cSpoolEnd(outcome uint32, reason unsafe.Pointer, length uintptr) int64

//extern goherd_args
func cArgs() lent

//extern goherd_env
func cEnv() lent

// lent is goherd_bytes.
type lent struct {
	address *byte
	length  uintptr
}

// text copies what the server lends.
func (block lent) text() string {
	if block.length == 0 {
		return ""
	}
	return string((*[most]byte)(unsafe.Pointer(block.address))[:block.length:block.length])
}

func abiArgs() string { return cArgs().text() }
func abiEnv() string  { return cEnv().text() }

// The package is never without the server's functions: it is linked with them.
func abiPresent() bool    { return true }
func abiVersion() uint32  { return cVersion() }
func abiWorkerID() uint32 { return cWorkerID() }
func abiRole() uint32     { return cRole() }
func abiNumber() uint32   { return cNumber() }
func abiCores() uint32    { return cCores() }
func abiRun() int64       { return cRun() }
func abiAlarm() int64     { return cAlarm() }
func abiEvents() int64    { return cEvents() }
func abiKick()            { cKick() }
func abiStacksTold()      { cStacksTold() }

func abiLocalAddress(door uint32, buffer []byte) int64 {
	return cLocalAddress(door, first(buffer), uintptr(len(buffer)))
}

func abiNext(core, mode uint32, ev *event) uint32 { return cNext(core, mode, ev) }

func abiRespond(exchange uint64, status int, fields, body []byte) int64 {
	return cRespond(exchange, uint32(status), first(fields), uintptr(len(fields)), first(body), uintptr(len(body)))
}

func abiStart(exchange uint64, status int, fields []byte) int64 {
	return cStart(exchange, uint32(status), first(fields), uintptr(len(fields)))
}

func abiInterim(exchange uint64, status int, fields []byte) int64 {
	return cInterim(exchange, uint32(status), first(fields), uintptr(len(fields)))
}

func abiSendFile(exchange uint64, file uintptr, count int64) int64 {
	return cSendFile(exchange, int32(file), uint64(count))
}

func abiFinish(exchange uint64, fields []byte) int64 {
	return cFinish(exchange, first(fields), uintptr(len(fields)))
}

func abiWrite(exchange uint64, b []byte) int64  { return cWrite(exchange, first(b), uintptr(len(b))) }
func abiRead(exchange uint64, b []byte) int64   { return cRead(exchange, first(b), uintptr(len(b))) }
func abiUnread(exchange uint64, b []byte) int64 { return cUnread(exchange, first(b), uintptr(len(b))) }
func abiTrailers(exchange uint64, b []byte) int64 {
	return cTrailers(exchange, first(b), uintptr(len(b)))
}
func abiFlush(exchange uint64) int64           { return cFlush(exchange) }
func abiHijack(exchange uint64) int64          { return cHijack(exchange) }
func abiAbort(exchange uint64) int64           { return cAbort(exchange) }
func abiHarakiri(exchange, limit uint64) int64 { return cHarakiri(exchange, limit) }

func abiCacheFind(name string) int64               { return cCacheFind(firstOf(name), uintptr(len(name))) }
func abiCacheLongest(cache, ofValues uint32) int64 { return cCacheLongest(cache, ofValues) }

func abiCacheGet(cache uint32, key string, b []byte) int64 {
	return cCacheGet(cache, firstOf(key), uintptr(len(key)), first(b), uintptr(len(b)))
}

func abiCachePut(cache uint32, key string, value []byte, millis uint64, rule uint32) int64 {
	return cCachePut(cache, firstOf(key), uintptr(len(key)), first(value), uintptr(len(value)), millis, rule)
}

func abiCacheAdd(cache uint32, key string, by int64, millis uint64, sum *int64) int64 {
	return cCacheAdd(cache, firstOf(key), uintptr(len(key)), by, millis, sum)
}

func abiCacheDelete(cache uint32, key string) int64 {
	return cCacheDelete(cache, firstOf(key), uintptr(len(key)))
}

func abiCacheTTL(cache uint32, key string) int64 {
	return cCacheTTL(cache, firstOf(key), uintptr(len(key)))
}

func abiCacheKeys(cache, portion uint32, b []byte) int64 {
	return cCacheKeys(cache, portion, first(b), uintptr(len(b)))
}

func abiRemoteLines(cache uint32) int64             { return cRemoteLines(cache) }
func abiRemotePatience(cache uint32) int64          { return cRemotePatience(cache) }
func abiRemoteLine(cache, line uint32) int64        { return cRemoteLine(cache, line) }
func abiRemoteLongest(cache, ofValues uint32) int64 { return cRemoteLongest(cache, ofValues) }

func abiRemoteNear(cache uint32, key string, b []byte) int64 {
	return cRemoteNear(cache, firstOf(key), uintptr(len(key)), first(b), uintptr(len(b)))
}

func abiRemoteAsk(cache, line, what uint32, key string, value []byte, number int64, millis uint64) int64 {
	return cRemoteAsk(cache, line, what, firstOf(key), uintptr(len(key)), first(value), uintptr(len(value)),
		number, millis)
}

func abiRemoteTake(cache, line uint32, b []byte, number *int64) int64 {
	return cRemoteTake(cache, line, first(b), uintptr(len(b)), number)
}

func abiRemoteReason(cache, line uint32, b []byte) int64 {
	return cRemoteReason(cache, line, first(b), uintptr(len(b)))
}

func abiMetric(name string, what uint32) int64 {
	return cMetric(firstOf(name), uintptr(len(name)), what)
}
func abiOnceBegin(name string) int64 { return cOnceBegin(firstOf(name), uintptr(len(name))) }

func abiOnceEnd(name string, done uint32) int64 {
	return cOnceEnd(firstOf(name), uintptr(len(name)), done)
}

func abiCacheClear(cache uint32) int64        { return cCacheClear(cache) }
func abiLock(number uint32) int64             { return cLock(number) }
func abiUnlock(number uint32) int64           { return cUnlock(number) }
func abiLocks() int64                         { return cLocks() }
func abiMetricAdd(metric uint32, by int64)    { cMetricAdd(metric, by) }
func abiMetricSet(metric uint32, value int64) { cMetricSet(metric, value) }
func abiMetricValue(metric uint32) int64      { return cMetricValue(metric) }

func abiServerVersion() string            { return cServerVersion().text() }
func abiOptions() string                  { return cOptions().text() }
func abiPanicked()                        { cPanicked() }
func abiReload() int64                    { return cReload() }
func abiStop() int64                      { return cStop() }
func abiWorkers(lines []workerLine) int64 { return cWorkers(&lines[0], uintptr(len(lines))) }
func abiLog(s string)                     { cLog(firstOf(s), uintptr(len(s))) }
func abiRaiseAlarm(name, message string) int64 {
	return cRaiseAlarm(firstOf(name), uintptr(len(name)), firstOf(message), uintptr(len(message)))
}

func abiPost() int64                          { return cPost() }
func abiPostNext() uint32                     { return cPostNext() }
func abiSignalNext() int64                    { return cSignalNext() }
func abiSignalRaise(signal uint32) int64      { return cSignalRaise(signal) }
func abiSignalRegistered(signal uint32) int64 { return cSignalRegistered(signal) }

func abiSignalRegister(signal uint32, receiver string, why []byte) int64 {
	return cSignalRegister(signal, firstOf(receiver), uintptr(len(receiver)), first(why), uintptr(len(why)))
}

func abiSignalAllot(name, receiver string, why []byte) int64 {
	return cSignalAllot(firstOf(name), uintptr(len(name)), firstOf(receiver), uintptr(len(receiver)),
		first(why), uintptr(len(why)))
}

func abiSignalAdd(kind, signal uint32, millis uint64, times uint32, what string, why []byte) int64 {
	return cSignalAdd(kind, signal, millis, times, firstOf(what), uintptr(len(what)), first(why), uintptr(len(why)))
}

func abiSend(to string, message []byte) int64 {
	return cSend(firstOf(to), uintptr(len(to)), first(message), uintptr(len(message)))
}

func abiMessage(b []byte) int64 { return cMessage(first(b), uintptr(len(b))) }
func abiCall(to string) int64   { return cCall(firstOf(to), uintptr(len(to))) }
func abiMessages() int64        { return cMessages() }
func abiCalls() int64           { return cCalls() }
func abiNextCall() int64        { return cNextCall() }
func abiWorkBegins() int64      { return cWorkBegins() }
func abiWorkEnded()             { cWorkEnded() }

// The three that wait for the disk are made known to the runtime, as cgo makes its
// calls known: others run on this processor meanwhile.

func abiSpoolPut(block, text []byte) int64 {
	b, t := first(block), first(text)
	syscall.Cgocall()
	code := cSpoolPut(b, uintptr(len(block)), t, uintptr(len(text)))
	syscall.CgocallDone()
	return code
}

func abiSpoolNext(t *task) int64 {
	syscall.Cgocall()
	code := cSpoolNext(t)
	syscall.CgocallDone()
	return code
}

func abiSpoolEnd(outcome uint32, reason string) int64 {
	r := firstOf(reason)
	syscall.Cgocall()
	code := cSpoolEnd(outcome, r, uintptr(len(reason)))
	syscall.CgocallDone()
	return code
}

func abiSpool() int64                    { return cSpool() }
func abiSpoolNotice(mercy *uint64) int64 { return cSpoolNotice(mercy) }
