//! Whether what came back is what a row wants.

use std::io::ErrorKind;

use goherd_tests::{Answer, Client};

use crate::engine::{Trial, Way};
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
            refusal(client, statuses)?;
            saw(trial, peer, <[String]>::is_empty)
        }
        Outcome::RefusedInBody(status) => {
            refusal(client, &[*status])?;
            saw(trial, peer, nothing_whole)
        }
        Outcome::GivenUp => {
            no_success(client)?;
            saw(trial, peer, nothing_whole)
        }
        Outcome::Answered(answers, then) => {
            for (number, expected) in answers.iter().enumerate() {
                let found = answer(client, expected);
                found.map_err(|found| format!("answer {} of {}: {found}", number + 1, answers.len()))?;
            }
            let seen: Vec<_> = answers.iter().filter_map(|answer| answer.saw.as_deref()).collect();
            after(trial, client, peer, *then, &seen)
        }
    }
}

fn nothing_whole(seen: &[String]) -> bool {
    seen.iter().all(|line| line.ends_with(" (broken)"))
}

fn refusal(client: &mut Client, statuses: &[u16]) -> Result<(), String> {
    let answer = client.receive().map_err(|error| format!("no answer: {error}"))?;
    demand(statuses.contains(&answer.status), || picture(&answer))?;
    demand(answer.field("Connection") == Some("close"), || {
        format!("not said to be closed: {}", picture(&answer))
    })?;
    ends(client)
}

fn ends(client: &mut Client) -> Result<(), String> {
    let rest = client.receive_to_end().map_err(|error| format!("instead of the end: {error}"))?;
    demand(rest.is_empty(), || format!("before the end: \"{}\"", rest.escape_ascii()))
}

fn no_success(client: &mut Client) -> Result<(), String> {
    let all = client.receive_to_end().map_err(|error| format!("instead of the end: {error}"))?;
    let (starts, answers) = (all.starts_with(b"HTTP/1.1 4"), count(&all, b"HTTP/1."));
    demand(all.is_empty() || (starts && answers == 1), || format!("\"{}\"", all.escape_ascii()))
}

fn count(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).filter(|window| *window == part).count()
}

/// Asks, on a new connection, what the application saw.
fn saw(trial: &Trial<'_>, peer: &str, is_right: impl Fn(&[String]) -> bool) -> Result<(), String> {
    let asked = Client::connect(trial.address).and_then(|mut client| {
        client.send(trial.protocol.question(peer))?;
        client.receive()
    });
    let answer = asked.map_err(|error| format!("afterwards, on another connection: {error}"))?;
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
            let answer = client.receive().map_err(|error| format!("not kept after the answer: {error}"))?;
            return seen(&answer, |lines| lines == expected);
        }
        Then::Any => drop(client.end_sending()),
        Then::Closed => {}
    }
    ends(client)?;
    saw(trial, peer, |lines| lines == expected)
}

fn answer(client: &mut Client, expected: &Expected) -> Result<(), String> {
    let mut interim = 0;
    let mut answer = loop {
        let answer = client.receive_head().map_err(|error| error.to_string())?;
        if !matches!(answer.status, 100 | 102 | 103) {
            break answer;
        }
        interim += 1;
    };
    if !expected.to_head {
        match (client.receive_body(&mut answer), expected.torn) {
            (Ok(()), false) => {}
            (Err(error), true) if error.kind() == ErrorKind::UnexpectedEof => {
                client.receive_to_end().map_err(|error| error.to_string())?;
            }
            (Ok(()), true) => return Err(format!("whole: {}", picture(&answer))),
            (Err(error), _) => return Err(format!("{error}, after {:?}", answer.head)),
        }
    }
    demand(answer.status == expected.status, || picture(&answer))?;
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
        Check::Field(name, value) => answer.field(name) == *value,
        Check::Unannounced => interim == 0,
    }
}

fn picture(answer: &Answer) -> String {
    let head = answer.head.replace("\r\n", " | ");
    format!("{head}{:?}", answer.text().chars().take(600).collect::<String>())
}
