/* The C interface of Goherd: what the Go package `uwsgi` calls, and programs of C.
 *
 * Generated from crates/bridge/src/abi.rs, shared.rs, signals.rs, peers.rs, spool.rs, remote.rs, status.rs and
 * crates/libgoherd/src/entry.rs by `make header`: do not edit.
 *
 * A program of C that is linked with libgoherd calls goherd_main.
 *
 * Every other function may be called from any thread, never calls back, and waits for nothing but another process's
 * change of a shared structure, for microseconds. Addresses are borrowed for the call:
 * each is NULL, or followed by as many bytes as the length beside it says, which no other thread touches meanwhile.
 * Errors are negative (GOHERD_E...). In a process that is not a worker all give GOHERD_ENOSERVER, 0 or nothing.
 */

#ifndef GOHERD_H
#define GOHERD_H

#include <stdint.h>

// The version of this interface. Server and package must have the same; the package checks it at start.
#define GOHERD_ABI_VERSION 5

// The exchange has ended, or its peer is gone.
#define GOHERD_EENDED -1

// Not now: a wake-up will say when to try again.
#define GOHERD_EAGAIN -2

// The body ended before its declared length: the peer left.
#define GOHERD_ESHORT -3

// The head of the answer was sent already, or was not yet.
#define GOHERD_ETURN -4

// A field of the answer is malformed, or the status is not one of those that the function takes. Nothing was sent.
#define GOHERD_EFIELDS -5

// This process is none of a server's, or not of the kind that the function is for.
#define GOHERD_ENOSERVER -6

// `goherd_role`: this process is none of a server's.
#define GOHERD_NOBODY 0

// `goherd_role`: it takes requests.
#define GOHERD_WORKER 1

// `goherd_role`: it works in the background.
#define GOHERD_MULE 2

// `goherd_role`: it works off folders of tasks.
#define GOHERD_SPOOLER 3

// `goherd_next` found nothing: park on the descriptor that `goherd_run` gave.
#define GOHERD_NOTHING 0

// `goherd_next` found a request; the event describes it.
#define GOHERD_REQUEST 1

// A wait of the core `event.core` is over; `event.wake` says which.
#define GOHERD_WAKE 2

// The steward found something that a free core should come and take.
#define GOHERD_QUEUED 3

// `event.content_length` of a body in chunks.
#define GOHERD_CHUNKED UINT64_MAX

// Poll, and take a request: for a free core that leads.
#define GOHERD_LEAD 0

// Poll, and take no request: for the steward.
#define GOHERD_STEWARD 1

// Take a request that waits already: for a core that became free while another leads.
#define GOHERD_TAKE 2

// `GOHERD_LEAD` while requests follow each other closely: when nothing is found, the caller waits on the descriptor that
// `goherd_events` gives, for some microseconds, before it parks; and it may go off with a request without waking another
// to lead. If it stays away, the alarm is rung.
#define GOHERD_LEAD_BUSY 3

// The body can be read on.
#define GOHERD_READABLE 1

// The answer can be written on.
#define GOHERD_WRITABLE 2

// The peer has ended its side, or the time of the request is over: nobody waits for the answer.
#define GOHERD_GONE 4

// The alarm's count, if it is as high: all goroutines' stacks are to be written to the standard error, then
// `goherd_stacks_told` is to be called.
#define GOHERD_STACKS 4294967296

// `event.flags`: the peer came over TLS, as the web server in front says.
#define GOHERD_HTTPS 1

// `event.flags`: no web request, but a call of a function. The target is its name; a field `Millis`, if there is one, how long
// the caller waits; the body the arguments, each behind its length as a little-endian `uint32_t`. The answer is given by
// `goherd_respond`, without fields, as the bytes that the caller is to get.
#define GOHERD_RPC 2

// `event.flags`, beside `GOHERD_RPC`: the lengths of the arguments are `uint16_t`, and the answer is to be as uWSGI's.
#define GOHERD_RPC_ARRAY 4

// There is no such entry, cache, lock or metric.
#define GOHERD_EMISSING -7

// There is an entry with this key.
#define GOHERD_EEXISTS -8

// There is no room.
#define GOHERD_EFULL -9

// The key is empty or longer than `goherd_cache_longest` says.
#define GOHERD_EKEY -10

// The value is longer than `goherd_cache_longest` says.
#define GOHERD_EVALUE -11

// The entry is not a number.
#define GOHERD_ENUMBER -12

// The sum is no number of 64 bits.
#define GOHERD_EOVERFLOW -13

// Another process holds what is needed and does not go on, though it lives.
#define GOHERD_EBUSY -14

// Something other than Goherd has written to the shared memory.
#define GOHERD_EDAMAGED -15

// It is no name: those have 1 to 63 letters, digits or any of `_ . : / -`.
#define GOHERD_ENAME -16

// The metric is of the other kind.
#define GOHERD_EKIND -17

// This process does not hold it.
#define GOHERD_ENOTHELD -18

// `goherd_cache_put`: always.
#define GOHERD_ALWAYS 0

// `goherd_cache_put`: only if there is no entry with that key.
#define GOHERD_IF_ABSENT 1

// `goherd_cache_put`: only if there is one.
#define GOHERD_IF_PRESENT 2

// The time of an entry that lives until it is deleted.
#define GOHERD_ENDLESS 9223372036854775807

// The time that entries of this cache usually live.
#define GOHERD_USUAL 0

// A metric that only grows.
#define GOHERD_COUNTER 1

// A metric that goes up and down.
#define GOHERD_GAUGE 2

// It cannot be done; a sentence says why.
#define GOHERD_EREFUSED -19

// `goherd_post_next`: signals wait; take them with `goherd_signal_next`.
#define GOHERD_SIGNALS 1

// `goherd_signal_add`: every `millis` milliseconds.
#define GOHERD_TIMER 1

// `goherd_signal_add`: the same, `times` times; 0: for ever.
#define GOHERD_RBTIMER 2

// `goherd_signal_add`: at the times that the five fields of the text tell.
#define GOHERD_CRON 3

// `goherd_signal_add`: when the file or folder changes whose path the text is.
#define GOHERD_MONITOR 4

// `goherd_signal_add`: of no signal. Nothing is added; it is looked whether that could be. `goherd_signal_allot`: no signal.
#define GOHERD_NO_SIGNAL 4294967295

// The longest message to a mule, in bytes.
#define GOHERD_LONGEST_MESSAGE 65536

// What was handed over is no task.
#define GOHERD_ETASK -30

// An error of the system: so much less the system's number of it.
#define GOHERD_ESYSTEM -1000

// `goherd_spool_end`: the task is done.
#define GOHERD_TASK_DONE 0

// `goherd_spool_end`: it has failed, and is to be tried again.
#define GOHERD_TASK_FAILED 1

// `goherd_spool_end`: it has failed, and is not to be tried again.
#define GOHERD_TASK_GIVEN_UP 2

// `goherd_spool_end`: it was interrupted because the process is to end. It is tried again, and this try does not count.
#define GOHERD_TASK_INTERRUPTED 3

// The number of the first cache that lies elsewhere.
#define GOHERD_REMOTE 65536

// Redis refuses. `goherd_remote_reason` says why.
#define GOHERD_EDENIED -30

// Redis cannot be reached, or does not answer in time. `goherd_remote_reason` says more.
#define GOHERD_EUNREACHABLE -31

// `goherd_remote_ask`: for the value of `key`.
#define GOHERD_ASK_GET 1

// `goherd_remote_ask`: to put `value`, for `millis`, if `number` (`GOHERD_ALWAYS` and its like) allows it.
#define GOHERD_ASK_PUT 2

// `goherd_remote_ask`: to add `number` to what `key` is; an absent entry counts from 0 and lives for `millis`.
#define GOHERD_ASK_ADD 3

// `goherd_remote_ask`: to delete `key`.
#define GOHERD_ASK_DELETE 4

// `goherd_remote_ask`: for how many milliseconds `key` lives on.
#define GOHERD_ASK_TTL 5

// `goherd_remote_ask`: for a portion of all keys, by `number`: 0, then what the one before has given.
#define GOHERD_ASK_KEYS 6

// `goherd_remote_ask`: to delete a portion of all entries, by `number` as above.
#define GOHERD_ASK_CLEAR 7

// `worker.phase`: it does not take requests yet.
#define GOHERD_STARTING 1

// `worker.phase`: it takes requests.
#define GOHERD_READY 2

// `worker.phase`: it finishes what it has.
#define GOHERD_DRAINING 3

// Bytes of the server: valid as long as the process lives.
typedef struct goherd_bytes {
  // The first byte.
  const uint8_t *address;
  // How many there are.
  uintptr_t length;
} goherd_bytes;

// A part of a head: from the byte `start` up to, and not with, the byte `end`.
typedef struct goherd_span {
  // The first byte.
  uint32_t start;
  // The byte after the last.
  uint32_t end;
} goherd_span;

// What `goherd_next` found. It has numbers alone, so that Go may allocate it.
typedef struct goherd_event {
  // The exchange that it is about.
  uint64_t exchange;
  // `GOHERD_WAKE`: the core that it is for.
  uint32_t core;
  // `GOHERD_WAKE`: `GOHERD_READABLE` and its like, added up. `GOHERD_REQUEST`: `GOHERD_GONE` or 0.
  uint32_t wake;
  // The address of the head's first byte. It and what follows are valid until the next call for this exchange.
  uintptr_t head;
  // The address of the first field: pairs of spans, name and value.
  uintptr_t fields;
  // The address of the peer's name, as `net/http` writes it in `RemoteAddr`.
  uintptr_t peer;
  // The address of the name of the address that the peer has connected to.
  uintptr_t local;
  // The length of the body in bytes; `GOHERD_CHUNKED`: it comes in chunks, so that nobody knows.
  uint64_t content_length;
  // The length of the head in bytes.
  uint32_t head_length;
  // How many fields there are.
  uint32_t fields_length;
  // The length of the peer's name in bytes.
  uint32_t peer_length;
  // The length of that address in bytes; 0: it is the one that the listener is bound to.
  uint32_t local_length;
  // The number of the listener that the request came through.
  uint32_t door;
  // GET, POST, …
  struct goherd_span method;
  // The request target.
  struct goherd_span target;
  // The authority that the request is for.
  struct goherd_span host;
  // The minor version of HTTP/1 that the peer speaks.
  uint32_t minor;
  // How many events the leader has fetched beside this one.
  uint32_t backlog;
  // The sum of those of `GOHERD_HTTPS` and its like that hold.
  uint32_t flags;
} goherd_event;

// A task that is to run. It has numbers alone, so that Go may allocate it.
typedef struct goherd_task {
  // The address of its block: pairs of `uint32_t` key length, `uint32_t` value length, key, value. It and the name are valid
  // until `goherd_spool_end`.
  uintptr_t block;
  // The length of the block in bytes.
  uintptr_t block_length;
  // The address of the task's name, which stays the same when it is tried again.
  uintptr_t name;
  // The length of the name in bytes.
  uint32_t name_length;
  // Which try this is, from 1.
  uint32_t tries;
} goherd_task;

// What a worker process is about.
typedef struct goherd_worker {
  // Its number, from 1. While a worker is being replaced two processes have the same.
  uint32_t number;
  // The process.
  uint32_t pid;
  // `GOHERD_READY` and its like.
  uint32_t phase;
  // Which reading of the configuration it was made from; 0: of a program before this one.
  uint32_t generation;
  // Requests that it has taken.
  uint64_t requests;
  // Those of them that are under way.
  uint64_t busy;
  // When the process was born, in milliseconds since 1970.
  uint64_t born;
} goherd_worker;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the interface that this server has.
uint32_t goherd_abi_version(void);

// `os.Args`, each followed by a NUL.
struct goherd_bytes goherd_args(void);

// The variables of the option `env`, `NAME=VALUE`, each followed by a NUL.
struct goherd_bytes goherd_env(void);

// What this process is: `GOHERD_WORKER` and its like.
uint32_t goherd_role(void);

// The number of this process among those of its role, from 1; 0 in a process that is none of a server's.
uint32_t goherd_number(void);

// The number of this worker, from 1; 0 in a process that is not one.
uint32_t goherd_worker_id(void);

// How many requests the application may handle at a time: the cores are numbered from 0, and the steward is the core
// after the last.
uint32_t goherd_cores(void);

// The application is ready: in a worker, for requests. Gives the descriptor to park on, which stays the server's; in a process
// without requests 0.
int64_t goherd_run(void);

// The descriptor on which a leader in the mode `GOHERD_LEAD_BUSY` may wait: readable when there may be an event. It stays
// the server's.
int64_t goherd_events(void);

// The eventfd that becomes readable when a leader went off alone and stays away, or (see `GOHERD_STACKS`) shortly before
// the process ends for a handler that does not return. It stays the server's.
int64_t goherd_alarm(void);

// The stacks of all goroutines have been written.
void goherd_stacks_told(void);

// Makes a parked steward look up, because a core has become free.
void goherd_kick(void);

// Writes the address that the listener `door` is bound to into the `length` bytes at `buffer`; gives the length of the
// address, of which at most `length` bytes were written. The address of a unix socket begins with `/` or `@`, or is a
// relative path.
int64_t goherd_local_address(uint32_t door,
                             uint8_t *buffer,
                             uintptr_t length);

// The next event, for the goroutine that is the core `core` and is out for `mode` (`GOHERD_LEAD` and its like). It is
// written to `event`.
uint32_t goherd_next(uint32_t core,
                     uint32_t mode,
                     struct goherd_event *event);

// Answers with a whole answer; the exchange is over. The `fields` are a block of `uint32_t` name length, `uint32_t`
// value length, name, value. 0, also if nobody is there to take the answer, or an error: then the exchange goes on, unless
// it is `GOHERD_EENDED`. The handler of each exchange calls this, `goherd_finish` or `goherd_abort` as the last thing.
int64_t goherd_respond(uint64_t exchange,
                       uint32_t status,
                       const uint8_t *fields,
                       uintptr_t fields_length,
                       const uint8_t *body,
                       uintptr_t body_length);

// Begins an answer in parts: `goherd_write` and `goherd_finish` follow. 0 or an error, as for `goherd_respond`.
int64_t goherd_start(uint64_t exchange,
                     uint32_t status,
                     const uint8_t *fields,
                     uintptr_t fields_length);

// Sends a part of the body: gives how many bytes of it were taken, or an error. `GOHERD_EAGAIN`: none.
int64_t goherd_write(uint64_t exchange,
                     const uint8_t *bytes,
                     uintptr_t length);

// Sends what the server holds back of the answer: 0 or an error. After `GOHERD_EAGAIN` the rest goes as it can.
int64_t goherd_flush(uint64_t exchange);

// Sends an interim answer, of the status 100 or 102 to 199, before the head of the final one. 0 or an error.
int64_t goherd_interim(uint64_t exchange,
                       uint32_t status,
                       const uint8_t *fields,
                       uintptr_t fields_length);

// Sends up to `count` bytes of the file `file`, from its own position on, which moves with them, as a part of the body:
// gives how many were taken, 0 at the file's end, or an error. `GOHERD_ETURN`: the body of this answer has to be written.
int64_t goherd_send_file(uint64_t exchange,
                         int32_t file,
                         uint64_t count);

// Ends an answer in parts, with the trailer fields at `fields`; the exchange is over. So is one after `goherd_hijack`.
// 0 or an error.
int64_t goherd_finish(uint64_t exchange,
                      const uint8_t *fields,
                      uintptr_t fields_length);

// Copies what the peer has sent beyond the head, and nobody has read, into the `length` bytes at `buffer`: gives how
// much, or an error. Call it until it gives 0, then `goherd_hijack`.
int64_t goherd_unread(uint64_t exchange,
                      uint8_t *buffer,
                      uintptr_t length);

// Gives the connection itself, a descriptor that the caller is to close, or an error; `GOHERD_EAGAIN`: a part of the
// answer waits to be sent. The exchange lasts until `goherd_finish`, and takes nothing else.
int64_t goherd_hijack(uint64_t exchange);

// Copies the block of trailer fields that the request's body ended with into the `length` bytes at `buffer`, if they are
// enough: gives the length of the block, or an error.
int64_t goherd_trailers(uint64_t exchange,
                        uint8_t *buffer,
                        uintptr_t length);

// Ends the connection as it stands; the exchange is over. 0 or an error.
int64_t goherd_abort(uint64_t exchange);

// Gives the handler of the exchange `limit` milliseconds, counted from when the request was taken, in place of what the
// option `harakiri` gives; 0: as long as it likes. 0 or an error: `GOHERD_EENDED` also if its time is over already, or its
// connection was taken over.
int64_t goherd_harakiri(uint64_t exchange,
                        uint64_t limit);

// Reads from the body into the `length` bytes at `buffer`: gives how many were read, 0 at the body's end, or an error. A
// length of 0 means that nobody waits for the body any more, and gives `GOHERD_EAGAIN`.
int64_t goherd_read(uint64_t exchange,
                    uint8_t *buffer,
                    uintptr_t length);

// The number of the cache with this name, the first one for an empty name, or an error. One that lies elsewhere has a number
// from `GOHERD_REMOTE` on, and is reached by other functions than those of shared memory: `goherd_remote_ask` and its like.
int64_t goherd_cache_find(const uint8_t *name,
                          uintptr_t length);

// The longest key that the cache takes, in bytes, or the longest value, if `of_values` is not 0; or an error.
int64_t goherd_cache_longest(uint32_t cache,
                             uint32_t of_values);

// Copies the beginning of the value of a key into the `length` bytes at `buffer`, as much as they take: gives the length of
// all of it, or an error.
int64_t goherd_cache_get(uint32_t cache,
                         const uint8_t *key,
                         uintptr_t key_length,
                         uint8_t *buffer,
                         uintptr_t length);

// Puts an entry, which lives for `millis` milliseconds (or `GOHERD_USUAL`, `GOHERD_ENDLESS`), if `rule` (`GOHERD_ALWAYS` and
// its like) allows it: 0 or an error.
int64_t goherd_cache_put(uint32_t cache,
                         const uint8_t *key,
                         uintptr_t key_length,
                         const uint8_t *value,
                         uintptr_t value_length,
                         uint64_t millis,
                         uint32_t rule);

// Adds `by` to the number that an entry is, and writes the sum to `sum`: 0 or an error. An absent entry counts from 0 and
// lives for `millis` milliseconds, as for `goherd_cache_put`.
int64_t goherd_cache_add(uint32_t cache,
                         const uint8_t *key,
                         uintptr_t key_length,
                         int64_t by,
                         uint64_t millis,
                         int64_t *sum);

// Deletes an entry: 0 or an error.
int64_t goherd_cache_delete(uint32_t cache, const uint8_t *key, uintptr_t key_length);

// For how many milliseconds an entry lives on, at most `GOHERD_ENDLESS`, or an error.
int64_t goherd_cache_ttl(uint32_t cache, const uint8_t *key, uintptr_t key_length);

// Deletes all entries: 0 or an error.
int64_t goherd_cache_clear(uint32_t cache);

// Writes the keys of a portion of the cache, each behind its length as a `uint32_t`, into the `length` bytes at `buffer`:
// gives how many bytes they are, of which nothing is written if they are more than `length`; or an error. The portions
// are numbered from 0, and after the last one comes `GOHERD_EMISSING`.
int64_t goherd_cache_keys(uint32_t cache,
                          uint32_t portion,
                          uint8_t *buffer,
                          uintptr_t length);

// Tries to take the lock with this number: 0, 1 if its holder died with it, or an error; `GOHERD_EAGAIN`: it is held.
int64_t goherd_lock(uint32_t number);

// Releases the lock with this number: 0 or an error.
int64_t goherd_unlock(uint32_t number);

// How many locks there are, numbered from 0; or an error.
int64_t goherd_locks(void);

// The number of the metric with this name, made if there is none: `GOHERD_COUNTER` or `GOHERD_GAUGE`; or an error.
int64_t goherd_metric(const uint8_t *name,
                      uintptr_t length,
                      uint32_t what);

// Adds to a metric: 0 or an error.
int64_t goherd_metric_add(uint32_t metric, int64_t by);

// Sets a metric: 0 or an error.
int64_t goherd_metric_set(uint32_t metric, int64_t value);

// The value of a metric; 0 also if there is none.
int64_t goherd_metric_value(uint32_t metric);

// Begins what is to be done once: 1 if the caller is to do it and then to call `goherd_once_end`, 0 if it is done; or an
// error, `GOHERD_EAGAIN` while a process is at it.
int64_t goherd_once_begin(const uint8_t *name,
                          uintptr_t length);

// Ends it: it is done, or if `done` is 0 somebody else is to try. 0 or an error.
int64_t goherd_once_end(const uint8_t *name, uintptr_t length, uint32_t done);

// The descriptor that is readable when something has come with the post, and stays the server's; or an error.
int64_t goherd_post(void);

// What has come with the post: `GOHERD_SIGNALS`; `GOHERD_NOTHING`: nothing more, so that the caller may wait.
uint32_t goherd_post_next(void);

// The next signal, whose handler the caller is to run before it calls this again; or `GOHERD_EAGAIN`.
int64_t goherd_signal_next(void);

// Has the server raise a signal: 0 or an error; `GOHERD_EAGAIN`: try again soon.
int64_t goherd_signal_raise(uint32_t signal);

// Whether somebody has registered a signal: 1 or 0, or an error.
int64_t goherd_signal_registered(uint32_t signal);

// Has a signal delivered to `receiver`: 0, or an error, with a sentence in the `why_length` bytes at `why`, ended by a NUL.
int64_t goherd_signal_register(uint32_t signal,
                               const uint8_t *receiver,
                               uintptr_t receiver_length,
                               uint8_t *why,
                               uintptr_t why_length);

// Finds a signal for what is called `name`, the same one for every process that calls it so, and has it delivered to
// `receiver`: the signal, or an error, with a sentence as for `goherd_signal_register`. `GOHERD_NO_SIGNAL`: newer code is in
// force, whose signals are others.
int64_t goherd_signal_allot(const uint8_t *name,
                            uintptr_t name_length,
                            const uint8_t *receiver,
                            uintptr_t receiver_length,
                            uint8_t *why,
                            uintptr_t why_length);

// Adds what raises a signal: `kind` is `GOHERD_TIMER` or its like. 0 or an error, with a sentence as for
// `goherd_signal_register`.
int64_t goherd_signal_add(uint32_t kind,
                          uint32_t signal,
                          uint64_t millis,
                          uint32_t times,
                          const uint8_t *what,
                          uintptr_t what_length,
                          uint8_t *why,
                          uintptr_t why_length);

// Puts a message into the inbox of `to`: a mule (`mule2`), whichever mule takes it first (`mule`, or nothing), or one of a farm
// (`farm_NAME`). 0; `GOHERD_EMISSING`: there is no such mule or farm; `GOHERD_EFULL`: its inbox has no room;
// `GOHERD_EVALUE`: the message is too long.
int64_t goherd_send(const uint8_t *to,
                    uintptr_t to_length,
                    const uint8_t *message,
                    uintptr_t length);

// The descriptor that is readable when there may be a message for this mule, which from now on is said to listen. It stays the
// server's. An error in a process that is no mule.
int64_t goherd_messages(void);

// Takes a message, into the `length` bytes at `buffer`, which are to be `GOHERD_LONGEST_MESSAGE`: gives its length;
// `GOHERD_EAGAIN`: there is none; `GOHERD_EENDED`: the process ends. What was taken is work at hand until
// `goherd_work_ended` is called. With a length of 0 it takes nothing and gives 0 if there is one.
int64_t goherd_message(uint8_t *buffer,
                       uintptr_t length);

// Calls a process: a worker (`worker2`), a mule, a farm, a spooler, or whichever of a kind takes it first. Gives a socket of the
// caller's own, into which to write the question, and from which to read the answer: it ends if the process does. Errors as
// `goherd_send`.
int64_t goherd_call(const uint8_t *to,
                    uintptr_t length);

// The descriptor that is readable when there may be a call for this process. It stays the server's.
int64_t goherd_calls(void);

// Takes a call: gives a socket, from now on the caller's own, from which to read the question, and into which to write the
// answer. Errors as `goherd_message`. It is work at hand until `goherd_work_ended` is called.
int64_t goherd_next_call(void);

// Some work begins, with which the process does not end before `goherd_work_ended` is called: 0, or `GOHERD_EENDED`: the process
// ends, and the work is not to begin.
int64_t goherd_work_begins(void);

// Some work has ended. If the process was to end after it, it ends here.
void goherd_work_ended(void);

// Puts the task that the block of `length` bytes is (see `goherd_task`) into its folder. It waits for the disk. 0: the task is on
// the disk; or an error: then a sentence that says which, ended by a NUL, is in the `text_length` bytes at `text`, as far as it
// fits. `GOHERD_EMISSING`: there is no such folder; `GOHERD_ETASK`; less than `GOHERD_ESYSTEM`.
int64_t goherd_spool_put(const uint8_t *block,
                         uintptr_t length,
                         uint8_t *text,
                         uintptr_t text_length);

// The descriptor that is readable when there may be a task to run. It stays the server's. An error in a process that is no
// spooler.
int64_t goherd_spool(void);

// The descriptor, an eventfd, that is readable when the process is to end. From then on it has as many milliseconds as are written
// to `mercy`; 0: as many as it likes. It stays the server's.
int64_t goherd_spool_notice(uint64_t *mercy);

// Takes the next task that is due, and describes it in `task`: 0, and `goherd_spool_end` is to be called when it has run;
// `GOHERD_EAGAIN`: there is none, wait for `goherd_spool`; `GOHERD_EENDED`: the process ends. It waits for the disk. One goroutine
// at a time calls it.
int64_t goherd_spool_next(struct goherd_task *task);

// Says what became of the task at hand: `GOHERD_TASK_DONE` or its like, and why, in the `length` bytes at `reason`. It waits for
// the disk. If the process was to end after the task, it ends here.
int64_t goherd_spool_end(uint32_t outcome,
                         const uint8_t *reason,
                         uintptr_t length);

// How many calls to a cache that lies elsewhere can be under way: its lines, numbered from 0; or an error.
int64_t goherd_remote_lines(uint32_t cache);

// For how many milliseconds, at most, a call is to be waited for; or an error.
int64_t goherd_remote_patience(uint32_t cache);

// The longest key that the cache takes, in bytes, or the longest value, if `of_values` is not 0; or an error.
int64_t goherd_remote_longest(uint32_t cache,
                              uint32_t of_values);

// Makes a line usable and gives its descriptor, which is readable when there is something to take, is non-blocking, and stays
// the server's; or an error.
int64_t goherd_remote_line(uint32_t cache,
                           uint32_t line);

// Copies the beginning of the value of a key into the `length` bytes at `buffer`, as much as they take, if shared memory has a
// copy of it that is good: gives the length of all of it. `GOHERD_EMISSING`: ask.
int64_t goherd_remote_near(uint32_t cache,
                           const uint8_t *key,
                           uintptr_t key_length,
                           uint8_t *buffer,
                           uintptr_t length);

// Begins a call on a line: `what` is `GOHERD_ASK_GET` or its like, which say what the rest means. 0 or an error;
// `GOHERD_EBUSY`: the one before is not over.
int64_t goherd_remote_ask(uint32_t cache,
                          uint32_t line,
                          uint32_t what,
                          const uint8_t *key,
                          uintptr_t key_length,
                          const uint8_t *value,
                          uintptr_t value_length,
                          int64_t number,
                          uint64_t millis);

// What has come of the call on a line: the length of what it has given, of which as much is at `buffer` as its `length` bytes
// take; or an error; `GOHERD_EAGAIN`: it is not over. It stays until all of it was taken, or the next call. `number` gets the
// sum, the milliseconds that an entry lives on (at most `GOHERD_ENDLESS`), or what to ask for next (0: that was all).
int64_t goherd_remote_take(uint32_t cache,
                           uint32_t line,
                           uint8_t *buffer,
                           uintptr_t length,
                           int64_t *number);

// Copies what Redis, or the way to it, has said of the call that came to nothing into the `length` bytes at `buffer`, as much
// as they take: gives the length of all of it, or an error.
int64_t goherd_remote_reason(uint32_t cache,
                             uint32_t line,
                             uint8_t *buffer,
                             uintptr_t length);

// The server's version, a text.
struct goherd_bytes goherd_version(void);

// The options that were set, and the defaults of others: name and value, each followed by a NUL. A name comes once for each
// of its values.
struct goherd_bytes goherd_options(void);

// Describes up to `count` worker processes at `workers`, and gives how many there are.
int64_t goherd_workers(struct goherd_worker *workers, uintptr_t count);

// Writes the text to the server's log, a line for each of its lines.
void goherd_log(const uint8_t *text, uintptr_t length);

// A handler has panicked: for statistics.
void goherd_panicked(void);

// Asks the master to read everything anew: 0 or an error, `GOHERD_EENDED` if there is no master any more, `GOHERD_EBUSY` if it
// does not listen just now.
int64_t goherd_reload(void);

// Asks the master to finish and to end: 0 or an error, as for `goherd_reload`.
int64_t goherd_stop(void);

// Raises the alarm of this name: 0 or an error, as for `goherd_reload`. `GOHERD_ENAME`: the name is empty, too long, or has a
// line break. A message that is too long is cut.
int64_t goherd_raise_alarm(const uint8_t *name,
                           uintptr_t name_length,
                           const uint8_t *message,
                           uintptr_t message_length);

// Runs the server, as the command `goherd` does, with the arguments and the environment of `main`; `envp` may be NULL.
// Gives the code to exit with. Workers are made by fork(2): call it while the process has one thread. They do not return.
int goherd_main(int argc,
                char **argv,
                char **envp);

// `goherd_main` under the name that uWSGI gave it.
int uwsgi_init(int argc, char **argv, char **envp);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* GOHERD_H */
