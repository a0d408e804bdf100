//! Sends every row in every way: whole, with a request behind it, cut in two at each place, byte by byte.
//!
//! In: the groups of rows, and a server with the mirror. Out: what each row that failed came to, by the first way in
//! which it did. Many trials go in step on connections of their own, so that the server meets the pieces one by one.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use goherd_tests::{Address, Client, Server};

use crate::judge;
use crate::peers::Peer;
use crate::protocol::Protocol;
use crate::row::{MANY, Outcome, Row, Step, Then, WHOLE};

/// Rows for one kind of socket.
pub struct Group {
    pub name: &'static str,
    pub protocol: Protocol,
    pub rows: Vec<Row>,
}

/// A way to send a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    Whole,
    /// With another request right behind it.
    Followed,
    CutAt(usize),
    /// In the smallest pieces.
    InPieces,
}

/// One row, sent in one way.
pub struct Trial<'a> {
    pub protocol: Protocol,
    pub address: &'a Address,
    fence: &'a Address,
    pub row: &'a Row,
    pub way: Way,
    group: &'static str,
    number: usize,
}

/// What went wrong: by group and number of the row, the first way and what was found.
type Failures = BTreeMap<(&'static str, usize), (Way, String)>;

const THREADS: usize = 3;
/// How many trials go in step.
const IN_STEP: usize = 64;
/// Up to this length a row is cut at every byte; beyond it, where something begins or ends.
const SHORT: usize = 320;
/// The most places at which a long row is cut.
const MOST_CUTS: usize = 96;

/// Runs all rows whose rule or group has `filter` in it; gives a text for each that failed, and the number of trials.
pub fn run(groups: &[Group], server: &Server, filter: &str) -> (Vec<String>, usize) {
    let address = |protocol: Protocol| (protocol.address(server), protocol.of_fence().address(server));
    let addresses: Vec<_> = groups.iter().map(|group| address(group.protocol)).collect();
    let mut trials = Vec::new();
    for (group, (address, fence)) in groups.iter().zip(&addresses) {
        for (number, row) in group.rows.iter().enumerate() {
            if group.name.contains(filter) || row.rule.0.contains(filter) {
                trials.extend(ways(row, number, group.protocol).into_iter().map(|way| Trial {
                    protocol: group.protocol,
                    address,
                    fence,
                    row,
                    way,
                    group: group.name,
                    number,
                }));
            }
        }
    }
    let (batches, failures) = (Mutex::new(trials.chunks(IN_STEP)), Mutex::new(Failures::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(batch) = next(&batches) {
                    run_in_step(batch, &failures);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    (failures.iter().map(|(place, failure)| describe(groups, *place, failure)).collect(), trials.len())
}

fn next<'a, T>(batches: &Mutex<std::slice::Chunks<'a, T>>) -> Option<&'a [T]> {
    batches.lock().unwrap().next()
}

fn describe(groups: &[Group], place: (&'static str, usize), (way, found): &(Way, String)) -> String {
    let group = groups.iter().find(|group| group.name == place.0).unwrap();
    let row = &group.rows[place.1];
    let bytes = row.bytes();
    let shown = bytes[..bytes.len().min(400)].escape_ascii();
    let (rule, section) = row.rule;
    let rfc = if section.starts_with(|first: char| first.is_ascii_digit()) { "RFC " } else { "" };
    format!(
        "{}: {rule} ({rfc}{section}), {way:?}, {} bytes:\n    \"{shown}\"\n    expected {:?}\n    found    {found}",
        group.name,
        bytes.len(),
        row.outcome
    )
}

/// The ways in which a row is sent.
fn ways(row: &Row, number: usize, protocol: Protocol) -> Vec<Way> {
    if row.stride == WHOLE {
        return vec![Way::Whole];
    }
    let mut ways = vec![Way::Whole, Way::InPieces];
    if row.stride >= MANY {
        ways.pop();
    }
    if let [Step::Send(bytes), rest @ ..] = &row.steps[..]
        && !rest.iter().any(|step| matches!(step, Step::Send(_)))
    {
        let places = cuts(bytes, protocol).into_iter().skip(number % row.stride).step_by(row.stride);
        ways.extend(places.map(Way::CutAt));
        let open =
            matches!(&row.outcome, Outcome::Answered(_, Then::Any) | Outcome::GivenUp | Outcome::AtMost(_));
        if rest.is_empty() && !open {
            ways.push(Way::Followed);
        }
    }
    ways
}

/// Where to cut bytes in two.
fn cuts(bytes: &[u8], protocol: Protocol) -> Vec<usize> {
    if bytes.len() <= SHORT {
        return (1..bytes.len()).collect();
    }
    if !protocol.is_http() {
        // What is between the beginning and the end is variables or a body, whose borders are not to be seen.
        let (near, middle) = (MOST_CUTS / 2, bytes.len() - MOST_CUTS);
        let step = middle.div_ceil(MOST_CUTS) | 1;
        let inner = (near..near + middle).step_by(step);
        return (1..near).chain(inner).chain(near + middle..bytes.len()).collect();
    }
    let is_border = |at: &usize| {
        let around = &bytes[at.saturating_sub(1)..=*at];
        around.iter().any(|byte| b"\r\n:".contains(byte))
    };
    let borders: Vec<_> = (1..bytes.len()).filter(is_border).collect();
    let step = borders.len().div_ceil(MOST_CUTS).max(1);
    // A step that is no multiple of what repeats in the row, so that the cuts fall on all kinds of borders.
    borders.into_iter().step_by(if step > 1 { step | 1 } else { 1 }).collect()
}

/// Bytes in pieces: each of its own, or, of many bytes, at the cuts and in between in larger ones.
fn in_pieces(bytes: &[u8], protocol: Protocol) -> Vec<Vec<u8>> {
    if bytes.len() <= SHORT {
        return bytes.chunks(1).map(<[u8]>::to_vec).collect();
    }
    let mut pieces = Vec::new();
    let mut start = 0;
    for cut in cuts(bytes, protocol).into_iter().chain([bytes.len()]) {
        pieces.push(bytes[start..cut].to_vec());
        start = cut;
    }
    pieces
}

impl Trial<'_> {
    /// What the client does, one after another.
    fn steps(&self, peer: &Peer) -> Vec<Step> {
        let mut steps = Vec::new();
        for step in self.row.steps.iter().map(|step| peer.own(step)) {
            match (&step, self.way) {
                (Step::Send(bytes), Way::CutAt(at)) => {
                    let (first, second) = bytes.split_at(at);
                    steps.extend([first, second].map(|part| Step::Send(part.to_vec())));
                }
                (Step::Send(bytes), Way::InPieces) => {
                    steps.extend(in_pieces(bytes, self.protocol).into_iter().map(Step::Send));
                }
                (Step::Send(bytes), Way::Followed) => {
                    steps.push(Step::Send([&bytes[..], &self.follower(peer)].concat()));
                }
                _ => steps.push(step.clone()),
            }
        }
        steps
    }

    /// The request that comes right behind: the question, where the connection is kept, else one that nobody may see.
    fn follower(&self, peer: &Peer) -> Vec<u8> {
        match self.row.outcome {
            Outcome::Answered(_, Then::Kept) => self.protocol.question(&peer.name),
            _ => peer.own_bytes(&self.protocol.get("/behind")),
        }
    }
}

/// An address of 127.0.0.0/8 for one trial alone, by which the mirror knows it.
fn nobody_else_s_address() -> Ipv4Addr {
    static LAST: AtomicU32 = AtomicU32::new(0x7f01_0000);
    LAST.fetch_add(1, Ordering::Relaxed).into()
}

/// A connection on which a trial is under way.
struct Attempt<'t> {
    trial: &'t Trial<'t>,
    client: Client,
    peer: Peer,
    steps: Vec<Step>,
    result: Result<(), String>,
    /// Not all could be sent. The answer may be there all the same, and says more.
    unsent: Option<String>,
}

impl<'t> Attempt<'t> {
    fn begin(trial: &'t Trial<'t>) -> Result<Self, String> {
        let connected = Client::connect_from(nobody_else_s_address(), trial.address);
        let client = connected.map_err(|error| format!("no connection: {error}"))?;
        let peer = Peer::of(trial.row, &client);
        let steps = trial.steps(&peer);
        Ok(Self { trial, client, peer, steps, result: Ok(()), unsent: None })
    }

    fn go_on(&mut self, step: usize) {
        if self.result.is_err() || self.unsent.is_some() {
            return;
        }
        let sent = match self.steps.get(step) {
            Some(Step::Send(bytes)) => self.client.send(bytes),
            Some(Step::End) => self.client.end_sending(),
            Some(Step::Await(status)) => {
                self.result = judge::interim(&mut self.client, *status);
                Ok(())
            }
            None => Ok(()),
        };
        self.unsent = sent.err().map(|error| error.to_string());
    }

    /// Whether the server may close the connection while the client sends.
    fn may_be_cut_off(&self) -> bool {
        match self.trial.row.outcome {
            Outcome::Answered(_, Then::Any) | Outcome::Silent | Outcome::AtMost(_) => true,
            Outcome::GivenUp => !self.trial.protocol.is_http(),
            _ => false,
        }
    }

    fn end(mut self) -> Result<(), String> {
        let may_be_cut_off = self.may_be_cut_off();
        self.result?;
        judge::outcome(self.trial, &mut self.client, &self.peer.name)?;
        match self.unsent {
            Some(error) if !may_be_cut_off => {
                Err(format!("answered, but the connection was reset under the rest of the request: {error}"))
            }
            _ => Ok(()),
        }
    }
}

/// A connection whose requests are answered after what came before them was read: the reactor takes one connection
/// after another, in the order in which they had something to say.
struct Fence {
    client: Client,
    question: Vec<u8>,
}

impl Fence {
    /// By the server's HTTP socket: it keeps connections, whatever the trials speak.
    fn new(trial: &Trial<'_>) -> Option<Self> {
        let mut client = Client::connect(trial.fence).ok()?;
        let protocol = trial.protocol.of_fence();
        client.send(protocol.opening()).ok()?;
        Some(Self { client, question: protocol.question("nobody") })
    }

    /// A server that does not answer will be found out by the trials.
    fn wait(&mut self) {
        let _answer = self.client.send(&self.question).and_then(|()| self.client.receive());
    }
}

fn run_in_step(batch: &[Trial<'_>], failures: &Mutex<Failures>) {
    let failed = |trial: &Trial<'_>| failures.lock().unwrap().contains_key(&(trial.group, trial.number));
    let fail = |trial: &Trial<'_>, found| {
        failures.lock().unwrap().entry((trial.group, trial.number)).or_insert((trial.way, found));
    };
    let mut attempts = Vec::new();
    for trial in batch.iter().filter(|trial| !failed(trial)) {
        match Attempt::begin(trial) {
            Ok(attempt) => attempts.push(attempt),
            Err(found) => fail(trial, found),
        }
    }
    let Some(mut fence) = batch.first().and_then(Fence::new) else { return };
    fence.wait();
    let most = attempts.iter().map(|attempt| attempt.steps.len()).max().unwrap_or(0);
    for step in 0..most {
        attempts.iter_mut().for_each(|attempt| attempt.go_on(step));
        fence.wait();
    }
    for attempt in attempts {
        let trial = attempt.trial;
        // A row that has failed is not waited for again: a server that says nothing costs a deadline each time.
        if let (false, Err(found)) = (failed(trial), attempt.end()) {
            fail(trial, found);
        }
    }
}
