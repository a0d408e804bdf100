//! Whether what came back is what a row wants.

use std::io::ErrorKind;

use goherd_tests::{Answer, Client};

use crate::engine::{Trial, Way};
use crate::hearing::{self, Heard};
use crate::protocol::Protocol;
use crate::row::{Check, Expected, Outcome, Then};

/// Receives an interim answer.
pub fn interim(client: &mut Client, status: u16) -> Result<(), String> {
    let answer = client.receive_head().map_err(|error| format!("instead of a {status}: {error}"))?;
    demand(answer.status == status, || format!("instead of a {status}: {:?}", answer.head))
}

fn demand(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// Reads what came of a trial.
pub fn outcome(trial: &Trial<'_>, client: &mut Client, peer: &str) -> Result<(), String> {
    match &trial.row.outcome {
        Outcome::Refused(statuses) => {
            refusal(trial.protocol, client, statuses)?;
            saw(trial, peer, <[String]>::is_empty)
        }
        Outcome::RefusedInBody(status) => {
            refusal(trial.protocol, client, &[*status])?;
            saw(trial, peer, nothing_whole)
        }
        Outcome::GivenUp => {
            no_success(trial.protocol, client)?;
            saw(trial, peer, nothing_whole)
        }
        Outcome::Silent => {
            let all = end_of_any_kind(client)?;
            demand(all.is_empty(), || format!("\"{}\"", all.escape_ascii()))?;
            saw(trial, peer, <[String]>::is_empty)
        }
        Outcome::AtMost(line) => {
            let _whatever = end_of_any_kind(client)?;
            saw(trial, peer, |seen| match seen {
                [] => true,
                [only] => only.strip_suffix(BROKEN).unwrap_or(only) == *line,
                _ => false,
            })
        }
        Outcome::Answered(answers, then) => {
            for (number, expected) in answers.iter().enumerate() {
                let found = answer(trial.protocol, client, expected);
                found.map_err(|found| format!("answer {} of {}: {found}", number + 1, answers.len()))?;
            }
            let seen: Vec<_> = answers.iter().filter_map(|answer| answer.saw.as_deref()).collect();
            after(trial, client, peer, *then, &seen)
        }
    }
}

/// How the mirror tells of a request without the end of its body.
const BROKEN: &str = " (broken)";

fn nothing_whole(seen: &[String]) -> bool {
    seen.iter().all(|line| line.ends_with(BROKEN))
}

fn refusal(protocol: Protocol, client: &mut Client, statuses: &[u16]) -> Result<(), String> {
    let answer = hearing::whole(protocol, client).map_err(|error| format!("no answer: {error}"))?.answer;
    demand(statuses.contains(&answer.status), || picture(&answer))?;
    demand(!protocol.is_http() || answer.field("Connection") == Some("close"), || {
        format!("not said to be closed: {}", picture(&answer))
    })?;
    ends(client)
}

/// All that comes before the end, which may be a reset: whoever closes while more comes makes one.
fn end_of_any_kind(client: &mut Client) -> Result<Vec<u8>, String> {
    let all = client.receive_to_end().or_else(|error| match error.kind() {
        ErrorKind::ConnectionReset => client.receive_to_end(),
        _ => Err(error),
    });
    all.map_err(|error| format!("instead of the end: {error}"))
}

fn end(client: &mut Client) -> Result<Vec<u8>, String> {
    client.receive_to_end().map_err(|error| format!("instead of the end: {error}"))
}

fn ends(client: &mut Client) -> Result<(), String> {
    let rest = end(client)?;
    demand(rest.is_empty(), || format!("before the end: \"{}\"", rest.escape_ascii()))
}

fn no_success(protocol: Protocol, client: &mut Client) -> Result<(), String> {
    let all = if protocol.is_http() { end(client)? } else { end_of_any_kind(client)? };
    let is_right = all.is_empty() || hearing::is_one_refusal(protocol, &all);
    demand(is_right, || format!("\"{}\"", all.escape_ascii()))
}

/// Asks, on a new connection, what the application saw.
fn saw(trial: &Trial<'_>, peer: &str, is_right: impl Fn(&[String]) -> bool) -> Result<(), String> {
    let asked = Client::connect(trial.address).and_then(|mut client| {
        client.send([trial.protocol.opening(), &trial.protocol.question(peer)].concat())?;
        Ok(client)
    });
    let answer = asked.map_err(|error| error.to_string()).and_then(|mut client| {
        let heard = hearing::whole(trial.protocol, &mut client)?;
        Ok(heard.answer)
    });
    let answer = answer.map_err(|error| format!("afterwards, on another connection: {error}"))?;
    seen(&answer, is_right)
}

fn seen(answer: &Answer, is_right: impl Fn(&[String]) -> bool) -> Result<(), String> {
    demand(answer.status == 200, || format!("afterwards: {}", picture(answer)))?;
    let lines: Vec<_> = answer.text().lines().map(str::to_owned).collect();
    demand(is_right(&lines), || format!("the application saw {lines:?}"))
}

/// What becomes of the connection behind the last answer.
fn after(
    trial: &Trial<'_>,
    client: &mut Client,
    peer: &str,
    then: Then,
    expected: &[&str],
) -> Result<(), String> {
    match then {
        Then::Kept => {
            if trial.way != Way::Followed {
                client
                    .send(trial.protocol.question(peer))
                    .map_err(|error| format!("not kept after the answer: {error}"))?;
            }
            let heard = hearing::whole(trial.protocol, client);
            let heard = heard.map_err(|error| format!("not kept after the answer: {error}"))?;
            return seen(&heard.answer, |lines| lines == expected);
        }
        Then::Any => drop(client.end_sending()),
        Then::Closed => {}
    }
    ends(client)?;
    saw(trial, peer, |lines| lines == expected)
}

fn answer(protocol: Protocol, client: &mut Client, expected: &Expected) -> Result<(), String> {
    let Heard { answer, interim, is_whole, number, records } =
        hearing::answer(protocol, client, expected.to_head)?;
    demand(is_whole != expected.torn, || {
        format!("{}: {}", if is_whole { "whole" } else { "torn" }, picture(&answer))
    })?;
    demand(answer.status == expected.status, || picture(&answer))?;
    demand(number == expected.number, || format!("to the request {number}: {}", picture(&answer)))?;
    demand(records == expected.records, || {
        let shown: Vec<_> = records.iter().map(|record| record.escape_ascii().to_string()).collect();
        format!("beside the records {shown:?}: {}", picture(&answer))
    })?;
    if let Some(saw) = expected.saw.as_deref().filter(|_| answer.text().contains("\nproto ")) {
        demand(answer.text().lines().next() == Some(saw), || picture(&answer))?;
    }
    for check in &expected.checks {
        demand(holds(check, &answer, interim), || format!("not {check:?}: {}", picture(&answer)))?;
    }
    Ok(())
}

fn holds(check: &Check, answer: &Answer, interim: usize) -> bool {
    match check {
        Check::Line(line) => answer.text().lines().any(|found| found == line),
        Check::Body(body) => answer.body == body.as_bytes(),
        Check::Length(length) => answer.body.len() == *length,
        Check::Field(name, value) => answer.field(name) == *value,
        Check::Unannounced => interim == 0,
    }
}

fn picture(answer: &Answer) -> String {
    let head = answer.head.replace("\r\n", " | ");
    format!("{head}{:?}", answer.text().chars().take(600).collect::<String>())
}
