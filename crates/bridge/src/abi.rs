//! The functions that the Go package `uwsgi` calls. `include/goherd.h` is generated from this file.
//!
//! Every function may be called from any thread, never blocks, and never calls back. Addresses are borrowed for the
//! call, except where a function says how long what it gives stays valid. Errors are negative numbers
//! (`GOHERD_E…`). In a process that is not a worker all answer `GOHERD_ENOSERVER`.
//!
//! # Safety
//!
//! The caller's duty is the same for all: an address is null, or it is followed by as many bytes as the length beside it
//! says, which no other thread touches during the call.

#![allow(non_camel_case_types, reason = "these are names of C")]
#![allow(
    clippy::missing_safety_doc,
    reason = "one duty for all, above; the functions' comments go to C as they stand"
)]

use std::os::fd::{BorrowedFd, IntoRawFd};
use std::ptr;
use std::slice;

use goherd_proto::http1::{Body, Span};
use goherd_reactor::{Event, ExchangeId, Failure, Form, Mode, Read, STACKS, View, Wake, Write};
use goherd_shm::Role;
use goherd_sys::socket::Endpoint;

use crate::context::{Serving, context, serving};
use crate::{gccgo, peers, remote, shared, signals, spool, status};

/// The version of this interface. Server and package must have the same; the package checks it at start.
pub const GOHERD_ABI_VERSION: u32 = 5;

/// The exchange has ended, or its peer is gone.
pub const GOHERD_EENDED: i64 = -1;
/// Not now: a wake-up will say when to try again.
pub const GOHERD_EAGAIN: i64 = -2;
/// The body ended before its declared length: the peer left.
pub const GOHERD_ESHORT: i64 = -3;
/// The head of the answer was sent already, or was not yet.
pub const GOHERD_ETURN: i64 = -4;
/// A field of the answer is malformed, or the status is not one of those that the function takes. Nothing was sent.
pub const GOHERD_EFIELDS: i64 = -5;
/// This process is none of a server's, or not of the kind that the function is for.
pub const GOHERD_ENOSERVER: i64 = -6;

/// `goherd_role`: this process is none of a server's.
pub const GOHERD_NOBODY: u32 = 0;
/// `goherd_role`: it takes requests.
pub const GOHERD_WORKER: u32 = 1;
/// `goherd_role`: it works in the background.
pub const GOHERD_MULE: u32 = 2;
/// `goherd_role`: it works off folders of tasks.
pub const GOHERD_SPOOLER: u32 = 3;

/// `goherd_next` found nothing: park on the descriptor that `goherd_run` gave.
pub const GOHERD_NOTHING: u32 = 0;
/// `goherd_next` found a request; the event describes it.
pub const GOHERD_REQUEST: u32 = 1;
/// A wait of the core `event.core` is over; `event.wake` says which.
pub const GOHERD_WAKE: u32 = 2;
/// The steward found something that a free core should come and take.
pub const GOHERD_QUEUED: u32 = 3;

/// `event.content_length` of a body in chunks.
pub const GOHERD_CHUNKED: u64 = u64::MAX;

/// Poll, and take a request: for a free core that leads.
pub const GOHERD_LEAD: u32 = 0;
/// Poll, and take no request: for the steward.
pub const GOHERD_STEWARD: u32 = 1;
/// Take a request that waits already: for a core that became free while another leads.
pub const GOHERD_TAKE: u32 = 2;

/// `GOHERD_LEAD` while requests follow each other closely: when nothing is found, the caller waits on the descriptor that
/// `goherd_events` gives, for some microseconds, before it parks; and it may go off with a request without waking another
/// to lead. If it stays away, the alarm is rung.
pub const GOHERD_LEAD_BUSY: u32 = 3;

/// The body can be read on.
pub const GOHERD_READABLE: u32 = 1;
/// The answer can be written on.
pub const GOHERD_WRITABLE: u32 = 2;
/// The peer has ended its side, or the time of the request is over: nobody waits for the answer.
pub const GOHERD_GONE: u32 = 4;

/// The alarm's count, if it is as high: all goroutines' stacks are to be written to the standard error, then
/// `goherd_stacks_told` is to be called.
pub const GOHERD_STACKS: u64 = 4_294_967_296;
const _: () = assert!(GOHERD_STACKS == STACKS);

/// Bytes of the server: valid as long as the process lives.
#[derive(Debug)]
#[repr(C)]
pub struct goherd_bytes {
    /// The first byte.
    pub address: *const u8,
    /// How many there are.
    pub length: usize,
}

/// `event.flags`: the peer came over TLS, as the web server in front says.
pub const GOHERD_HTTPS: u32 = 1;
/// `event.flags`: no web request, but a call of a function. The target is its name; a field `Millis`, if there is one, how long
/// the caller waits; the body the arguments, each behind its length as a little-endian `uint32_t`. The answer is given by
/// `goherd_respond`, without fields, as the bytes that the caller is to get.
pub const GOHERD_RPC: u32 = 2;
/// `event.flags`, beside `GOHERD_RPC`: the lengths of the arguments are `uint16_t`, and the answer is to be as uWSGI's.
pub const GOHERD_RPC_ARRAY: u32 = 4;

/// A part of a head: from the byte `start` up to, and not with, the byte `end`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct goherd_span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl From<Span> for goherd_span {
    fn from(span: Span) -> Self {
        Self { start: span.start, end: span.end }
    }
}

/// What `goherd_next` found. It has numbers alone, so that Go may allocate it.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct goherd_event {
    /// The exchange that it is about.
    pub exchange: u64,
    /// `GOHERD_WAKE`: the core that it is for.
    pub core: u32,
    /// `GOHERD_WAKE`: `GOHERD_READABLE` and its like, added up. `GOHERD_REQUEST`: `GOHERD_GONE` or 0.
    pub wake: u32,
    /// The address of the head's first byte. It and what follows are valid until the next call for this exchange.
    pub head: usize,
    /// The address of the first field: pairs of spans, name and value.
    pub fields: usize,
    /// The address of the peer's name, as `net/http` writes it in `RemoteAddr`.
    pub peer: usize,
    /// The address of the name of the address that the peer has connected to.
    pub local: usize,
    /// The length of the body in bytes; `GOHERD_CHUNKED`: it comes in chunks, so that nobody knows.
    pub content_length: u64,
    /// The length of the head in bytes.
    pub head_length: u32,
    /// How many fields there are.
    pub fields_length: u32,
    /// The length of the peer's name in bytes.
    pub peer_length: u32,
    /// The length of that address in bytes; 0: it is the one that the listener is bound to.
    pub local_length: u32,
    /// The number of the listener that the request came through.
    pub door: u32,
    /// GET, POST, …
    pub method: goherd_span,
    /// The request target.
    pub target: goherd_span,
    /// The authority that the request is for.
    pub host: goherd_span,
    /// The minor version of HTTP/1 that the peer speaks.
    pub minor: u32,
    /// How many events the leader has fetched beside this one.
    pub backlog: u32,
    /// The sum of those of `GOHERD_HTTPS` and its like that hold.
    pub flags: u32,
}

/// The version of the interface that this server has.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_abi_version() -> u32 {
    GOHERD_ABI_VERSION
}

/// `os.Args`, each followed by a NUL.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_args() -> goherd_bytes {
    lend(context().map_or(&[], |context| &context.args_block))
}

/// The variables of the option `env`, `NAME=VALUE`, each followed by a NUL.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_env() -> goherd_bytes {
    lend(context().map_or(&[], |context| &context.env_block))
}

pub(crate) fn lend(block: &'static [u8]) -> goherd_bytes {
    goherd_bytes { address: block.as_ptr(), length: block.len() }
}

/// What this process is: `GOHERD_WORKER` and its like.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_role() -> u32 {
    context().map_or(GOHERD_NOBODY, |context| match context.who.role {
        Role::Worker => GOHERD_WORKER,
        Role::Mule => GOHERD_MULE,
        Role::Spooler => GOHERD_SPOOLER,
    })
}

/// The number of this process among those of its role, from 1; 0 in a process that is none of a server's.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_number() -> u32 {
    context().map_or(0, |context| context.who.number)
}

/// The number of this worker, from 1; 0 in a process that is not one.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_worker_id() -> u32 {
    context().map_or(0, |context| if context.who.is_crew() { 0 } else { context.who.number })
}

/// How many requests the application may handle at a time: the cores are numbered from 0, and the steward is the core
/// after the last.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_cores() -> u32 {
    context().map_or(0, |context| context.cores)
}

/// The application is ready: in a worker, for requests. Gives the descriptor to park on, which stays the server's; in a process
/// without requests 0.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_run() -> i64 {
    let Some(context) = context() else { return GOHERD_ENOSERVER };
    context.host.ready();
    context.reactor.as_ref().map_or(0, |reactor| reactor.raw_fd().into())
}

/// The descriptor on which a leader in the mode `GOHERD_LEAD_BUSY` may wait: readable when there may be an event. It stays
/// the server's.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_events() -> i64 {
    serving().map_or(GOHERD_ENOSERVER, |context| context.reactor.raw_events().into())
}

/// The eventfd that becomes readable when a leader went off alone and stays away, or (see `GOHERD_STACKS`) shortly before
/// the process ends for a handler that does not return. It stays the server's.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_alarm() -> i64 {
    serving().map_or(GOHERD_ENOSERVER, |context| context.reactor.raw_alarm().into())
}

/// The stacks of all goroutines have been written.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_stacks_told() {
    if let Some(context) = context() {
        context.host.stacks_told();
    }
}

/// Makes a parked steward look up, because a core has become free.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_kick() {
    if let Some(context) = serving() {
        context.reactor.kick();
    }
}

/// Writes the address that the listener `door` is bound to into the `length` bytes at `buffer`; gives the length of the
/// address, of which at most `length` bytes were written. The address of a unix socket begins with `/` or `@`, or is a
/// relative path.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_local_address(door: u32, buffer: *mut u8, length: usize) -> i64 {
    let Some(context) = serving() else { return GOHERD_ENOSERVER };
    let text = context.reactor.endpoint(door).map(Endpoint::to_string).unwrap_or_default();
    if !buffer.is_null() {
        // SAFETY: the caller says that `length` bytes at `buffer` are its own to be written; the text is ours.
        unsafe { ptr::copy_nonoverlapping(text.as_ptr(), buffer, text.len().min(length)) };
    }
    signed(text.len())
}

/// The next event, for the goroutine that is the core `core` and is out for `mode` (`GOHERD_LEAD` and its like). It is
/// written to `event`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_next(core: u32, mode: u32, event: *mut goherd_event) -> u32 {
    let (Some(context), false) = (serving(), event.is_null()) else { return GOHERD_NOTHING };
    let mode = match mode {
        GOHERD_STEWARD => Mode::Steward,
        GOHERD_TAKE => Mode::Take,
        GOHERD_LEAD_BUSY => Mode::LeadBusy,
        _ => Mode::Lead,
    };
    let mut found = goherd_event::default();
    let kind = next(context, core, mode, &mut found);
    if kind != GOHERD_NOTHING {
        // SAFETY: not null; the caller's own, of this type, and not shared with another thread during the call.
        unsafe { event.write(found) };
    }
    kind
}

fn next(context: Serving, core: u32, mode: Mode, found: &mut goherd_event) -> u32 {
    loop {
        match context.reactor.next(core, mode, &mut |view| describe(&view, found)) {
            Event::Nothing => return GOHERD_NOTHING,
            Event::Queued => return GOHERD_QUEUED,
            Event::Control => context.host.control(context.reactor),
            Event::Drained => {
                context.host.drained();
                return GOHERD_NOTHING; // other work is at hand, and the process ends after that
            }
            Event::Request(_) => {
                context.host.took_request();
                return GOHERD_REQUEST;
            }
            Event::Wake(id, wake) => {
                *found = goherd_event {
                    exchange: id.0,
                    core: wake.core,
                    wake: bits(wake),
                    ..goherd_event::default()
                };
                return GOHERD_WAKE;
            }
        }
    }
}

fn bits(wake: Wake) -> u32 {
    [(wake.readable, GOHERD_READABLE), (wake.writable, GOHERD_WRITABLE), (wake.gone, GOHERD_GONE)]
        .into_iter()
        .filter_map(|(is, bit)| is.then_some(bit))
        .sum()
}

fn describe(view: &View<'_>, found: &mut goherd_event) {
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    *found = goherd_event {
        exchange: view.id.0,
        core: 0,
        wake: if view.peer_ended { GOHERD_GONE } else { 0 },
        head: view.bytes.as_ptr() as usize,
        fields: view.head.fields.as_ptr() as usize,
        peer: view.peer.as_ptr() as usize,
        content_length: match view.head.framing.body {
            Body::Length(length) => length,
            Body::Chunked => GOHERD_CHUNKED,
        },
        head_length: small(view.bytes.len()),
        fields_length: small(view.head.fields.len()),
        peer_length: small(view.peer.len()),
        local: view.local.map_or(0, |local| local.as_ptr() as usize),
        local_length: small(view.local.map_or(0, str::len)),
        door: view.door,
        method: view.head.method.into(),
        target: view.head.target.into(),
        host: view.head.host.into(),
        minor: view.head.minor.into(),
        backlog: small(view.backlog),
        flags: flags(view),
    };
}

fn flags(view: &View<'_>) -> u32 {
    let call = match view.call {
        None => 0,
        Some(Form::Dictionary) => GOHERD_RPC,
        Some(Form::Array) => GOHERD_RPC | GOHERD_RPC_ARRAY,
    };
    call | if view.https { GOHERD_HTTPS } else { 0 }
}

/// Answers with a whole answer; the exchange is over. The `fields` are a block of `uint32_t` name length, `uint32_t`
/// value length, name, value. 0, also if nobody is there to take the answer, or an error: then the exchange goes on, unless
/// it is `GOHERD_EENDED`. The handler of each exchange calls this, `goherd_finish` or `goherd_abort` as the last thing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_respond(
    exchange: u64,
    status: u32,
    fields: *const u8,
    fields_length: usize,
    body: *const u8,
    body_length: usize,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let fields = unsafe { borrow(fields, fields_length) };
    // SAFETY: as above.
    let body = unsafe { borrow(body, body_length) };
    on_exchange(exchange, |context, id| {
        ended(context, context.reactor.respond(id, code(status), fields, body))
    })
}

/// Begins an answer in parts: `goherd_write` and `goherd_finish` follow. 0 or an error, as for `goherd_respond`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_start(
    exchange: u64,
    status: u32,
    fields: *const u8,
    fields_length: usize,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let fields = unsafe { borrow(fields, fields_length) };
    on_exchange(exchange, |context, id| context.reactor.start(id, code(status), fields).map(|()| 0))
}

/// Sends a part of the body: gives how many bytes of it were taken, or an error. `GOHERD_EAGAIN`: none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_write(exchange: u64, bytes: *const u8, length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let bytes = unsafe { borrow(bytes, length) };
    on_exchange(exchange, |context, id| context.reactor.write(id, bytes).map(written))
}

/// Sends what the server holds back of the answer: 0 or an error. After `GOHERD_EAGAIN` the rest goes as it can.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_flush(exchange: u64) -> i64 {
    on_exchange(exchange, |context, id| context.reactor.flush(id).map(written))
}

/// Sends an interim answer, of the status 100 or 102 to 199, before the head of the final one. 0 or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_interim(
    exchange: u64,
    status: u32,
    fields: *const u8,
    fields_length: usize,
) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let fields = unsafe { borrow(fields, fields_length) };
    on_exchange(exchange, |context, id| context.reactor.interim(id, code(status), fields).map(|()| 0))
}

/// Sends up to `count` bytes of the file `file`, from its own position on, which moves with them, as a part of the body:
/// gives how many were taken, 0 at the file's end, or an error. `GOHERD_ETURN`: the body of this answer has to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_send_file(exchange: u64, file: i32, count: u64) -> i64 {
    if file < 0 {
        return GOHERD_ETURN;
    }
    // SAFETY: not -1; the caller holds the descriptor open during the call.
    let file = unsafe { BorrowedFd::borrow_raw(file) };
    on_exchange(exchange, |context, id| context.reactor.send_file(id, file, count).map(written))
}

/// Ends an answer in parts, with the trailer fields at `fields`; the exchange is over. So is one after `goherd_hijack`.
/// 0 or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_finish(exchange: u64, fields: *const u8, fields_length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are there, unchanged during the call.
    let fields = unsafe { borrow(fields, fields_length) };
    on_exchange(exchange, |context, id| ended(context, context.reactor.finish(id, fields)))
}

/// Copies what the peer has sent beyond the head, and nobody has read, into the `length` bytes at `buffer`: gives how
/// much, or an error. Call it until it gives 0, then `goherd_hijack`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_unread(exchange: u64, buffer: *mut u8, length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are its own to be written during the call.
    let buffer = unsafe { borrow_mut(buffer, length) };
    on_exchange(exchange, |context, id| context.reactor.unread(id, buffer).map(signed))
}

/// Gives the connection itself, a descriptor that the caller is to close, or an error; `GOHERD_EAGAIN`: a part of the
/// answer waits to be sent. The exchange lasts until `goherd_finish`, and takes nothing else.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_hijack(exchange: u64) -> i64 {
    on_exchange(exchange, |context, id| {
        let connection = context.reactor.hijack(id)?;
        Ok(connection.map_or(GOHERD_EAGAIN, |connection| connection.into_raw_fd().into()))
    })
}

/// Copies the block of trailer fields that the request's body ended with into the `length` bytes at `buffer`, if they are
/// enough: gives the length of the block, or an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_trailers(exchange: u64, buffer: *mut u8, length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are its own to be written during the call.
    let buffer = unsafe { borrow_mut(buffer, length) };
    on_exchange(exchange, |context, id| context.reactor.trailers(id, buffer).map(signed))
}

/// Ends the connection as it stands; the exchange is over. 0 or an error.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_abort(exchange: u64) -> i64 {
    on_exchange(exchange, |context, id| ended(context, context.reactor.abort(id)))
}

/// Gives the handler of the exchange `limit` milliseconds, counted from when the request was taken, in place of what the
/// option `harakiri` gives; 0: as long as it likes. 0 or an error: `GOHERD_EENDED` also if its time is over already, or its
/// connection was taken over.
#[unsafe(no_mangle)]
pub extern "C" fn goherd_harakiri(exchange: u64, limit: u64) -> i64 {
    on_exchange(exchange, |context, id| context.reactor.limit(id, limit).map(|()| 0))
}

/// Reads from the body into the `length` bytes at `buffer`: gives how many were read, 0 at the body's end, or an error. A
/// length of 0 means that nobody waits for the body any more, and gives `GOHERD_EAGAIN`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_read(exchange: u64, buffer: *mut u8, length: usize) -> i64 {
    // SAFETY: the caller says that so many bytes are its own to be written during the call.
    let buffer = unsafe { borrow_mut(buffer, length) };
    on_exchange(exchange, |context, id| {
        if buffer.is_empty() {
            return context.reactor.read_no_more(id).map(|()| GOHERD_EAGAIN);
        }
        context.reactor.read(id, buffer).map(|read| match read {
            Read::Bytes(n) => signed(n),
            Read::End => 0,
            Read::WouldBlock => GOHERD_EAGAIN,
            Read::Broken => GOHERD_ESHORT,
        })
    })
}

/// # Safety
///
/// `address` must be null, or be followed by `length` bytes that nobody changes while the slice is in use.
pub(crate) unsafe fn borrow<'a>(address: *const u8, length: usize) -> &'a [u8] {
    if address.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: this function's contract.
    unsafe { slice::from_raw_parts(address, length) }
}

/// # Safety
///
/// `address` must be null, or be followed by `length` bytes that are the caller's to write while the slice is in use. Go's
/// memory is initialised.
pub(crate) unsafe fn borrow_mut<'a>(address: *mut u8, length: usize) -> &'a mut [u8] {
    if address.is_null() || length == 0 {
        return &mut [];
    }
    // SAFETY: this function's contract.
    unsafe { slice::from_raw_parts_mut(address, length) }
}

fn on_exchange(exchange: u64, operation: impl FnOnce(Serving, ExchangeId) -> Result<i64, Failure>) -> i64 {
    let Some(context) = serving() else { return GOHERD_ENOSERVER };
    operation(context, ExchangeId(exchange)).unwrap_or_else(|failure| match failure {
        Failure::Ended => GOHERD_EENDED,
        Failure::OutOfTurn => GOHERD_ETURN,
        Failure::Malformed(_) | Failure::Status => GOHERD_EFIELDS,
    })
}

/// Counts the end of an exchange, if that is what an operation has come to.
fn ended(context: Serving, outcome: Result<(), Failure>) -> Result<i64, Failure> {
    outcome.map(|()| {
        context.host.ended_request(context.reactor);
        0
    })
}

fn written(write: Write) -> i64 {
    match write {
        Write::Taken(n) => signed(n),
        Write::WouldBlock => GOHERD_EAGAIN,
    }
}

pub(crate) fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn code(status: u32) -> u16 {
    u16::try_from(status).unwrap_or(0)
}

/// Makes the linker keep what nothing of Rust calls.
pub(crate) fn keep_exports() {
    let functions = [
        goherd_abi_version as *const (),
        goherd_args as *const (),
        goherd_env as *const (),
        goherd_worker_id as *const (),
        goherd_role as *const (),
        goherd_number as *const (),
        goherd_cores as *const (),
        goherd_run as *const (),
        goherd_kick as *const (),
        goherd_stacks_told as *const (),
        goherd_alarm as *const (),
        goherd_events as *const (),
        goherd_local_address as *const (),
        goherd_next as *const (),
        goherd_respond as *const (),
        goherd_start as *const (),
        goherd_write as *const (),
        goherd_flush as *const (),
        goherd_interim as *const (),
        goherd_send_file as *const (),
        goherd_finish as *const (),
        goherd_unread as *const (),
        goherd_hijack as *const (),
        goherd_trailers as *const (),
        goherd_abort as *const (),
        goherd_harakiri as *const (),
        goherd_read as *const (),
    ];
    let others = (shared::exports(), signals::exports(), peers::exports());
    let more = (spool::exports(), remote::exports(), status::exports());
    std::hint::black_box((functions, others, more, &gccgo::EXPORTS));
}
