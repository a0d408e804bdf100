//! The stats server: whoever connects is given one document, and the connection ends.
//!
//! In: a listening socket of the master's own, and documents. Out: their bytes. The master waits for nobody and reads not a
//! byte: what a client sends stays in the kernel. Without HTTP the answer begins at once. With it, it begins when something
//! has come (which no byte has to be read for): a client's library would not know what to make of an answer before its
//! request. After the answer the client is given a moment to go by itself, for the kernel takes an answer back that is on its way
//! when a connection is closed with bytes unread.
//!
//! Invariants: there are at most [`MOST_CLIENTS`], each for at most [`PATIENCE_MS`]; and a document is made at most once in
//! [`FRESH_MS`], however many ask.
//!
//! LIFECYCLE of a client: (asking) → answering → leaving → closed.

mod document;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use goherd_sys::clock::Millis;
use goherd_sys::epoll::{Epoll, Readiness, Watch};
use goherd_sys::socket::{Accepted, Listener, Stream, Transfer};
use goherd_sys::stderr;

use super::House;

/// The most clients at a time; others wait to be accepted.
const MOST_CLIENTS: usize = 64;
/// How long a client may take for all of it.
const PATIENCE_MS: u64 = 5_000;
/// How old a document may be that is given to a client.
const FRESH_MS: u64 = 100;
/// When to accept again after that could not be done.
const RETRY_MS: u64 = 1_000;
/// How many clients are accepted in a row, while others wait for the master, too.
const AT_ONCE: usize = 16;

/// The token of the listening socket. Clients have those after it, each another one.
pub(super) const TOKEN: u64 = 1 << 35;

/// What a configuration says of it.
#[derive(Debug)]
pub struct Stats {
    /// Where it listens.
    pub listener: Listener,
    /// It answers as HTTP has it.
    pub http: bool,
    /// The document has no white space.
    pub minified: bool,
    /// What the master does not know by itself.
    pub about: About,
}

/// What the document says of the server that the master does not know by itself.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The version of the server.
    pub version: &'static str,
    /// How many requests a worker handles at a time.
    pub cores: u32,
    /// The user that workers are.
    pub user: u32,
    /// Their group.
    pub group: u32,
    /// The folder that they are in.
    pub folder: PathBuf,
    /// What is spoken at each listening socket, in their order.
    pub protocols: Vec<String>,
}

/// The server.
#[derive(Debug, Default)]
pub(super) struct StatsServer {
    /// The generation whose socket is watched.
    followed: Option<u32>,
    /// There is room for more clients, so it is watched indeed.
    accepts: bool,
    clients: BTreeMap<u64, Client>,
    /// The token of the last client.
    last: u64,
    /// After a client could not be accepted: when to try again.
    retry: Option<Millis>,
    /// The last answer, and when it was made.
    made: Option<(Millis, Rc<[u8]>)>,
}

#[derive(Debug)]
struct Client {
    stream: Stream,
    answer: Rc<[u8]>,
    sent: usize,
    stage: Stage,
    /// When it is given up.
    until: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is to say something first.
    Asking,
    /// It is being answered.
    Answering,
    /// It has its answer.
    Leaving,
}

impl Client {
    /// Sends on, and says for what to watch it next; `None`: it is done with.
    fn go_on(&mut self) -> Option<Watch> {
        while self.sent < self.answer.len() {
            match self.stream.send([&self.answer[self.sent..], b"", b""]) {
                Transfer::Done(count) => self.sent += count,
                Transfer::WouldBlock => return Some(Watch::Writable),
                Transfer::Ended | Transfer::Broken => return None,
            }
        }
        self.stage = Stage::Leaving;
        self.stream.end_sending();
        Some(Watch::End)
    }
}

impl StatsServer {
    /// When somebody is to be given up.
    pub fn due(&self) -> Option<Millis> {
        self.clients.values().map(|client| client.until).chain(self.retry).min()
    }

    /// Gives those up that take too long.
    pub fn tick(&mut self, now: Millis) {
        self.clients.retain(|_, client| client.until > now); // a closed socket leaves epoll by itself
        self.retry.take_if(|retry| *retry <= now);
    }

    fn has_room(&self) -> bool {
        self.clients.len() < MOST_CLIENTS
    }

    /// Makes room by closing a client that has its answer, if one is needed and there is one.
    fn make_room(&mut self) {
        let leaving = |(_, client): &(&u64, &Client)| client.stage == Stage::Leaving;
        if !self.has_room()
            && let Some((&token, _)) = self.clients.iter().find(leaving)
        {
            self.clients.remove(&token);
        }
    }

    /// Takes a client in.
    fn welcome(&mut self, stream: Stream, http: bool, answer: Rc<[u8]>, epoll: &Epoll, now: Millis) {
        self.last += 1;
        let token = TOKEN + self.last;
        let stage = if http { Stage::Asking } else { Stage::Answering };
        let mut client = Client { stream, answer, sent: 0, stage, until: now.after(PATIENCE_MS) };
        let watch = if http { Some(Watch::Readable) } else { client.go_on() };
        let Some(watch) = watch else { return };
        match epoll.add(&client.stream, token, watch) {
            Ok(()) => drop(self.clients.insert(token, client)),
            Err(error) => stderr::line(&format!("stats: a client cannot be served: {error}")),
        }
    }

    /// Something has come of a client.
    fn hear(&mut self, readiness: Readiness, epoll: &Epoll) {
        let Some(client) = self.clients.get_mut(&readiness.token) else { return };
        let watch = match client.stage {
            // Whoever has ended its side may still be waiting for the answer.
            Stage::Asking | Stage::Answering => {
                client.stage = Stage::Answering;
                client.go_on()
            }
            Stage::Leaving => None,
        };
        let watched = watch.is_some_and(|watch| epoll.change(&client.stream, readiness.token, watch).is_ok());
        if !watched {
            self.clients.remove(&readiness.token);
        }
    }
}

impl House<'_> {
    /// Listens at the socket of the generation that serves, and at no other.
    pub(super) fn follow_stats(&mut self) {
        self.watch_stats(false);
        self.stats.followed = Some(self.followed);
        self.stats.made = None;
        self.watch_stats(true);
    }

    /// Listens nowhere any more; who is being answered gets the rest.
    pub(super) fn leave_stats(&mut self) {
        self.watch_stats(false);
        self.stats.followed = None;
    }

    /// The same, if it listens at the socket of this generation.
    pub(super) fn leave_stats_of(&mut self, generation: u32) {
        if self.stats.followed == Some(generation) {
            self.leave_stats();
        }
    }

    fn watch_stats(&mut self, watch: bool) {
        if watch == self.stats.accepts {
            return;
        }
        let followed = self.stats.followed.and_then(|generation| self.generations.get(&generation));
        let Some(stats) = followed.and_then(|generation| generation.stats.as_ref()) else { return };
        let done = if watch {
            self.epoll.add(&stats.listener, TOKEN, Watch::Readable)
        } else {
            self.epoll.remove(&stats.listener)
        };
        self.stats.accepts = watch && done.is_ok();
        if let Err(error) = done {
            stderr::line(&format!("stats: {} cannot be listened at: {error}", stats.listener.endpoint()));
            self.stats.retry = Some(Millis::now().after(RETRY_MS));
        }
    }

    /// Looks whether there is room for clients again.
    pub(super) fn tick_stats(&mut self, now: Millis) {
        self.stats.tick(now);
        let may = self.stats.has_room() && self.stats.retry.is_none();
        if !self.stats.accepts && self.stats.followed.is_some() && may {
            self.watch_stats(true);
        }
    }

    /// A client has come, or one that is there can be served on.
    pub(super) fn serve_stats(&mut self, readiness: Readiness) {
        if readiness.token == TOKEN {
            self.accept_stats(Millis::now());
        } else {
            self.stats.hear(readiness, &self.epoll);
        }
    }

    fn accept_stats(&mut self, now: Millis) {
        for _ in 0..AT_ONCE {
            self.stats.make_room();
            if !self.stats.has_room() {
                return self.watch_stats(false); // until somebody has gone
            }
            let followed = self.stats.followed.and_then(|generation| self.generations.get(&generation));
            let Some(stats) = followed.and_then(|generation| generation.stats.as_ref()) else { return };
            let http = stats.http;
            match stats.listener.accept() {
                Accepted::Stream(stream, _) => {
                    let answer = self.stats_answer(now);
                    self.stats.welcome(stream, http, answer, &self.epoll, now);
                }
                Accepted::Nobody => return,
                Accepted::Exhausted(error) => {
                    stderr::line(&format!("stats: a client cannot be accepted: {error}"));
                    self.stats.retry = Some(now.after(RETRY_MS));
                    return self.watch_stats(false);
                }
            }
        }
    }

    /// What a client that comes now is answered.
    fn stats_answer(&mut self, now: Millis) -> Rc<[u8]> {
        if let Some((made, answer)) = &self.stats.made
            && now.since(*made) < FRESH_MS
        {
            return Rc::clone(answer);
        }
        let answer: Rc<[u8]> = self.make_stats(now).into();
        self.stats.made = Some((now, Rc::clone(&answer)));
        answer
    }

    fn make_stats(&self, now: Millis) -> Vec<u8> {
        let followed = self.stats.followed.and_then(|generation| self.generations.get(&generation));
        let Some((generation, stats)) = followed.and_then(|it| Some((it, it.stats.as_ref()?))) else {
            return Vec::new();
        };
        let document = document::Document::of(self, generation, stats, now);
        let body = if stats.minified {
            serde_json::to_vec(&document)
        } else {
            serde_json::to_vec_pretty(&document).map(|body| [&body, &b"\n"[..]].concat())
        };
        let body = body.expect("it is made of numbers, texts, and lists of them");
        if stats.http { [head(body.len()).as_bytes(), &body].concat() } else { body }
    }
}

fn head(length: usize) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nCache-Control: no-store\r\n\
         Connection: close\r\n\r\n"
    )
}
