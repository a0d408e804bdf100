//go:build cgo

package uwsgi

// The server's functions, called through cgo. They are declared weak: in a
// program that no server has loaded they are absent, and Run notices.

/*
#include "goherd.h"

#pragma weak goherd_abi_version
#pragma weak goherd_args
#pragma weak goherd_env
#pragma weak goherd_worker_id
#pragma weak goherd_role
#pragma weak goherd_number
#pragma weak goherd_cores
#pragma weak goherd_run
#pragma weak goherd_kick
#pragma weak goherd_alarm
#pragma weak goherd_events
#pragma weak goherd_local_address
#pragma weak goherd_next
#pragma weak goherd_respond
#pragma weak goherd_start
#pragma weak goherd_write
#pragma weak goherd_flush
#pragma weak goherd_interim
#pragma weak goherd_send_file
#pragma weak goherd_finish
#pragma weak goherd_unread
#pragma weak goherd_hijack
#pragma weak goherd_trailers
#pragma weak goherd_abort
#pragma weak goherd_harakiri
#pragma weak goherd_stacks_told
#pragma weak goherd_read
#pragma weak goherd_cache_find
#pragma weak goherd_cache_longest
#pragma weak goherd_cache_get
#pragma weak goherd_cache_put
#pragma weak goherd_cache_add
#pragma weak goherd_cache_delete
#pragma weak goherd_cache_ttl
#pragma weak goherd_cache_clear
#pragma weak goherd_cache_keys
#pragma weak goherd_remote_lines
#pragma weak goherd_remote_patience
#pragma weak goherd_remote_longest
#pragma weak goherd_remote_line
#pragma weak goherd_remote_near
#pragma weak goherd_remote_ask
#pragma weak goherd_remote_take
#pragma weak goherd_remote_reason
#pragma weak goherd_lock
#pragma weak goherd_unlock
#pragma weak goherd_locks
#pragma weak goherd_metric
#pragma weak goherd_metric_add
#pragma weak goherd_metric_set
#pragma weak goherd_metric_value
#pragma weak goherd_once_begin
#pragma weak goherd_once_end
#pragma weak goherd_version
#pragma weak goherd_options
#pragma weak goherd_workers
#pragma weak goherd_log
#pragma weak goherd_panicked
#pragma weak goherd_reload
#pragma weak goherd_stop
#pragma weak goherd_raise_alarm
#pragma weak goherd_post
#pragma weak goherd_post_next
#pragma weak goherd_signal_next
#pragma weak goherd_signal_raise
#pragma weak goherd_signal_registered
#pragma weak goherd_signal_register
#pragma weak goherd_signal_allot
#pragma weak goherd_signal_add
#pragma weak goherd_send
#pragma weak goherd_messages
#pragma weak goherd_message
#pragma weak goherd_call
#pragma weak goherd_calls
#pragma weak goherd_next_call
#pragma weak goherd_work_begins
#pragma weak goherd_work_ended
#pragma weak goherd_spool_put
#pragma weak goherd_spool
#pragma weak goherd_spool_notice
#pragma weak goherd_spool_next
#pragma weak goherd_spool_end

static int goherd_present(void) { return goherd_abi_version != 0; }
*/
import "C"

import (
	"os"
	"unsafe"
)

// Both sides must mean the same by an event, a task and a worker: these do not compile
// otherwise.
var (
	_ [unsafe.Sizeof(event{}) - unsafe.Sizeof(C.goherd_event{})]struct{}
	_ [unsafe.Sizeof(C.goherd_event{}) - unsafe.Sizeof(event{})]struct{}
	_ [unsafe.Sizeof(task{}) - unsafe.Sizeof(C.goherd_task{})]struct{}
	_ [unsafe.Sizeof(C.goherd_task{}) - unsafe.Sizeof(task{})]struct{}
)

var (
	_ [unsafe.Sizeof(workerLine{}) - unsafe.Sizeof(C.goherd_worker{})]struct{}
	_ [unsafe.Sizeof(C.goherd_worker{}) - unsafe.Sizeof(workerLine{})]struct{}
)

//go:linkname mainMain main.main
func mainMain()

// goherd_go_main lets main run on a goroutine: in a shared library nobody else
// does. The server calls it once in each worker.
//
//export goherd_go_main
func goherd_go_main() {
	go func() {
		mainMain()
		os.Exit(0) // as Go does when main returns; the server says what that means
	}()
}

// aloneBecause is what else there is to say when there is no server around.
const aloneBecause = ""

// text copies what the server lends.
func text(block C.struct_goherd_bytes) string {
	if block.length == 0 {
		return ""
	}
	return string(unsafe.Slice((*byte)(unsafe.Pointer(block.address)), int(block.length)))
}

func abiArgs() string { return text(C.goherd_args()) }
func abiEnv() string  { return text(C.goherd_env()) }

func abiPresent() bool    { return C.goherd_present() != 0 }
func abiVersion() uint32  { return uint32(C.goherd_abi_version()) }
func abiWorkerID() uint32 { return uint32(C.goherd_worker_id()) }
func abiRole() uint32     { return uint32(C.goherd_role()) }
func abiNumber() uint32   { return uint32(C.goherd_number()) }
func abiCores() uint32    { return uint32(C.goherd_cores()) }
func abiRun() int64       { return int64(C.goherd_run()) }
func abiAlarm() int64     { return int64(C.goherd_alarm()) }
func abiEvents() int64    { return int64(C.goherd_events()) }
func abiKick()            { C.goherd_kick() }
func abiStacksTold()      { C.goherd_stacks_told() }

func abiLocalAddress(door uint32, buffer []byte) int64 {
	return int64(C.goherd_local_address(C.uint32_t(door), (*C.uint8_t)(first(buffer)), C.uintptr_t(len(buffer))))
}

func abiNext(core, mode uint32, ev *event) uint32 {
	return uint32(C.goherd_next(C.uint32_t(core), C.uint32_t(mode), (*C.goherd_event)(unsafe.Pointer(ev))))
}

func abiRespond(exchange uint64, status int, fields, body []byte) int64 {
	return int64(C.goherd_respond(C.uint64_t(exchange), C.uint32_t(status),
		(*C.uint8_t)(first(fields)), C.uintptr_t(len(fields)), (*C.uint8_t)(first(body)), C.uintptr_t(len(body))))
}

func abiStart(exchange uint64, status int, fields []byte) int64 {
	return int64(C.goherd_start(C.uint64_t(exchange), C.uint32_t(status),
		(*C.uint8_t)(first(fields)), C.uintptr_t(len(fields))))
}

func abiWrite(exchange uint64, b []byte) int64 {
	return int64(C.goherd_write(C.uint64_t(exchange), (*C.uint8_t)(first(b)), C.uintptr_t(len(b))))
}

func abiRead(exchange uint64, b []byte) int64 {
	return int64(C.goherd_read(C.uint64_t(exchange), (*C.uint8_t)(first(b)), C.uintptr_t(len(b))))
}

func abiUnread(exchange uint64, b []byte) int64 {
	return int64(C.goherd_unread(C.uint64_t(exchange), (*C.uint8_t)(first(b)), C.uintptr_t(len(b))))
}

func abiTrailers(exchange uint64, b []byte) int64 {
	return int64(C.goherd_trailers(C.uint64_t(exchange), (*C.uint8_t)(first(b)), C.uintptr_t(len(b))))
}

func abiInterim(exchange uint64, status int, fields []byte) int64 {
	return int64(C.goherd_interim(C.uint64_t(exchange), C.uint32_t(status),
		(*C.uint8_t)(first(fields)), C.uintptr_t(len(fields))))
}

func abiSendFile(exchange uint64, file uintptr, count int64) int64 {
	return int64(C.goherd_send_file(C.uint64_t(exchange), C.int32_t(file), C.uint64_t(count)))
}

func abiFinish(exchange uint64, fields []byte) int64 {
	return int64(C.goherd_finish(C.uint64_t(exchange), (*C.uint8_t)(first(fields)), C.uintptr_t(len(fields))))
}

func abiHarakiri(exchange, limit uint64) int64 {
	return int64(C.goherd_harakiri(C.uint64_t(exchange), C.uint64_t(limit)))
}

func abiFlush(exchange uint64) int64  { return int64(C.goherd_flush(C.uint64_t(exchange))) }
func abiHijack(exchange uint64) int64 { return int64(C.goherd_hijack(C.uint64_t(exchange))) }
func abiAbort(exchange uint64) int64  { return int64(C.goherd_abort(C.uint64_t(exchange))) }

func abiCacheFind(name string) int64 {
	return int64(C.goherd_cache_find((*C.uint8_t)(firstOf(name)), C.uintptr_t(len(name))))
}

func abiCacheLongest(cache, ofValues uint32) int64 {
	return int64(C.goherd_cache_longest(C.uint32_t(cache), C.uint32_t(ofValues)))
}

func abiCacheGet(cache uint32, key string, b []byte) int64 {
	return int64(C.goherd_cache_get(C.uint32_t(cache), (*C.uint8_t)(firstOf(key)), C.uintptr_t(len(key)),
		(*C.uint8_t)(first(b)), C.uintptr_t(len(b))))
}

func abiCachePut(cache uint32, key string, value []byte, millis uint64, rule uint32) int64 {
	return int64(C.goherd_cache_put(C.uint32_t(cache), (*C.uint8_t)(firstOf(key)), C.uintptr_t(len(key)),
		(*C.uint8_t)(first(value)), C.uintptr_t(len(value)), C.uint64_t(millis), C.uint32_t(rule)))
}

func abiCacheAdd(cache uint32, key string, by int64, millis uint64, sum *int64) int64 {
	return int64(C.goherd_cache_add(C.uint32_t(cache), (*C.uint8_t)(firstOf(key)), C.uintptr_t(len(key)),
		C.int64_t(by), C.uint64_t(millis), (*C.int64_t)(unsafe.Pointer(sum))))
}

func abiCacheDelete(cache uint32, key string) int64 {
	return int64(C.goherd_cache_delete(C.uint32_t(cache), (*C.uint8_t)(firstOf(key)), C.uintptr_t(len(key))))
}

func abiCacheTTL(cache uint32, key string) int64 {
	return int64(C.goherd_cache_ttl(C.uint32_t(cache), (*C.uint8_t)(firstOf(key)), C.uintptr_t(len(key))))
}

func abiCacheKeys(cache, portion uint32, b []byte) int64 {
	return int64(C.goherd_cache_keys(C.uint32_t(cache), C.uint32_t(portion),
		(*C.uint8_t)(first(b)), C.uintptr_t(len(b))))
}

func abiRemoteLines(cache uint32) int64    { return int64(C.goherd_remote_lines(C.uint32_t(cache))) }
func abiRemotePatience(cache uint32) int64 { return int64(C.goherd_remote_patience(C.uint32_t(cache))) }
func abiRemoteLine(cache, line uint32) int64 {
	return int64(C.goherd_remote_line(C.uint32_t(cache), C.uint32_t(line)))
}

func abiRemoteLongest(cache, ofValues uint32) int64 {
	return int64(C.goherd_remote_longest(C.uint32_t(cache), C.uint32_t(ofValues)))
}

func abiRemoteNear(cache uint32, key string, b []byte) int64 {
	return int64(C.goherd_remote_near(C.uint32_t(cache), (*C.uint8_t)(firstOf(key)), C.uintptr_t(len(key)),
		(*C.uint8_t)(first(b)), C.uintptr_t(len(b))))
}

func abiRemoteAsk(cache, line, what uint32, key string, value []byte, number int64, millis uint64) int64 {
	return int64(C.goherd_remote_ask(C.uint32_t(cache), C.uint32_t(line), C.uint32_t(what),
		(*C.uint8_t)(firstOf(key)), C.uintptr_t(len(key)), (*C.uint8_t)(first(value)), C.uintptr_t(len(value)),
		C.int64_t(number), C.uint64_t(millis)))
}

func abiRemoteTake(cache, line uint32, b []byte, number *int64) int64 {
	return int64(C.goherd_remote_take(C.uint32_t(cache), C.uint32_t(line),
		(*C.uint8_t)(first(b)), C.uintptr_t(len(b)), (*C.int64_t)(unsafe.Pointer(number))))
}

func abiRemoteReason(cache, line uint32, b []byte) int64 {
	return int64(C.goherd_remote_reason(C.uint32_t(cache), C.uint32_t(line),
		(*C.uint8_t)(first(b)), C.uintptr_t(len(b))))
}

func abiMetric(name string, what uint32) int64 {
	return int64(C.goherd_metric((*C.uint8_t)(firstOf(name)), C.uintptr_t(len(name)), C.uint32_t(what)))
}

func abiOnceBegin(name string) int64 {
	return int64(C.goherd_once_begin((*C.uint8_t)(firstOf(name)), C.uintptr_t(len(name))))
}

func abiOnceEnd(name string, done uint32) int64 {
	return int64(C.goherd_once_end((*C.uint8_t)(firstOf(name)), C.uintptr_t(len(name)), C.uint32_t(done)))
}

func abiCacheClear(cache uint32) int64 { return int64(C.goherd_cache_clear(C.uint32_t(cache))) }
func abiLock(number uint32) int64      { return int64(C.goherd_lock(C.uint32_t(number))) }
func abiUnlock(number uint32) int64    { return int64(C.goherd_unlock(C.uint32_t(number))) }
func abiLocks() int64                  { return int64(C.goherd_locks()) }

func abiMetricAdd(metric uint32, by int64) {
	C.goherd_metric_add(C.uint32_t(metric), C.int64_t(by))
}

func abiMetricSet(metric uint32, value int64) {
	C.goherd_metric_set(C.uint32_t(metric), C.int64_t(value))
}

func abiMetricValue(metric uint32) int64 { return int64(C.goherd_metric_value(C.uint32_t(metric))) }

func abiServerVersion() string { return text(C.goherd_version()) }
func abiOptions() string       { return text(C.goherd_options()) }
func abiPanicked()             { C.goherd_panicked() }
func abiReload() int64         { return int64(C.goherd_reload()) }
func abiStop() int64           { return int64(C.goherd_stop()) }

func abiWorkers(lines []workerLine) int64 {
	return int64(C.goherd_workers((*C.goherd_worker)(unsafe.Pointer(&lines[0])), C.uintptr_t(len(lines))))
}

func abiLog(s string) {
	C.goherd_log((*C.uint8_t)(firstOf(s)), C.uintptr_t(len(s)))
}

func abiRaiseAlarm(name, message string) int64 {
	return int64(C.goherd_raise_alarm((*C.uint8_t)(firstOf(name)), C.uintptr_t(len(name)),
		(*C.uint8_t)(firstOf(message)), C.uintptr_t(len(message))))
}

func abiPost() int64                     { return int64(C.goherd_post()) }
func abiPostNext() uint32                { return uint32(C.goherd_post_next()) }
func abiSignalNext() int64               { return int64(C.goherd_signal_next()) }
func abiSignalRaise(signal uint32) int64 { return int64(C.goherd_signal_raise(C.uint32_t(signal))) }
func abiSignalRegistered(signal uint32) int64 {
	return int64(C.goherd_signal_registered(C.uint32_t(signal)))
}

func abiSignalRegister(signal uint32, receiver string, why []byte) int64 {
	return int64(C.goherd_signal_register(C.uint32_t(signal), (*C.uint8_t)(firstOf(receiver)),
		C.uintptr_t(len(receiver)), (*C.uint8_t)(first(why)), C.uintptr_t(len(why))))
}

func abiSignalAllot(name, receiver string, why []byte) int64 {
	return int64(C.goherd_signal_allot((*C.uint8_t)(firstOf(name)), C.uintptr_t(len(name)),
		(*C.uint8_t)(firstOf(receiver)), C.uintptr_t(len(receiver)), (*C.uint8_t)(first(why)), C.uintptr_t(len(why))))
}

func abiSignalAdd(kind, signal uint32, millis uint64, times uint32, what string, why []byte) int64 {
	return int64(C.goherd_signal_add(C.uint32_t(kind), C.uint32_t(signal), C.uint64_t(millis), C.uint32_t(times),
		(*C.uint8_t)(firstOf(what)), C.uintptr_t(len(what)), (*C.uint8_t)(first(why)), C.uintptr_t(len(why))))
}

func abiSend(to string, message []byte) int64 {
	return int64(C.goherd_send((*C.uint8_t)(firstOf(to)), C.uintptr_t(len(to)),
		(*C.uint8_t)(first(message)), C.uintptr_t(len(message))))
}

func abiMessage(b []byte) int64 {
	return int64(C.goherd_message((*C.uint8_t)(first(b)), C.uintptr_t(len(b))))
}

func abiCall(to string) int64 {
	return int64(C.goherd_call((*C.uint8_t)(firstOf(to)), C.uintptr_t(len(to))))
}

func abiMessages() int64   { return int64(C.goherd_messages()) }
func abiCalls() int64      { return int64(C.goherd_calls()) }
func abiNextCall() int64   { return int64(C.goherd_next_call()) }
func abiWorkBegins() int64 { return int64(C.goherd_work_begins()) }
func abiWorkEnded()        { C.goherd_work_ended() }
func abiSpoolPut(block, text []byte) int64 {
	return int64(C.goherd_spool_put((*C.uint8_t)(first(block)), C.uintptr_t(len(block)),
		(*C.uint8_t)(first(text)), C.uintptr_t(len(text))))
}

func abiSpool() int64 { return int64(C.goherd_spool()) }

func abiSpoolNotice(mercy *uint64) int64 {
	return int64(C.goherd_spool_notice((*C.uint64_t)(unsafe.Pointer(mercy))))
}

func abiSpoolNext(t *task) int64 {
	return int64(C.goherd_spool_next((*C.goherd_task)(unsafe.Pointer(t))))
}

func abiSpoolEnd(outcome uint32, reason string) int64 {
	return int64(C.goherd_spool_end(C.uint32_t(outcome), (*C.uint8_t)(firstOf(reason)), C.uintptr_t(len(reason))))
}
