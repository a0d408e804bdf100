//! What came back from a server, in a form that can be compared.

use std::fmt::Write as _;
use std::io;

use goherd_tests::{Address, Answer, Client};

use crate::case::Case;

/// All of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    pub answers: Vec<Heard>,
    pub end: End,
}

/// What became of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Kept,
    Closed,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Interim answers before it.
    pub interim: Vec<Head>,
    pub head: Head,
    pub body: Vec<u8>,
    pub trailer: Vec<String>,
    /// The connection ended before the body did.
    pub torn: bool,
}

/// The status line, and the fields in the order of their names; values of one name keep their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub status_line: String,
    pub fields: Vec<String>,
}

impl Head {
    fn of(answer: &Answer) -> Self {
        let mut lines = answer.head.split("\r\n").filter(|line| !line.is_empty());
        let status_line = lines.next().unwrap_or_default().to_owned();
        let mut fields: Vec<_> = lines.map(normal).collect();
        fields.sort_by_key(|field| name_of(field).to_owned());
        Self { status_line, fields }
    }

    /// Such as "200".
    pub fn code(&self) -> &str {
        self.status_line.split(' ').nth(1).unwrap_or("raw")
    }

    /// The first value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let fields = self.fields.iter().filter_map(|field| field.split_once(": "));
        fields.filter(|(found, _)| *found == name).map(|(_, value)| value).next()
    }

    /// Gives a field this value, or none.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        self.fields.retain(|field| name_of(field) != name);
        self.fields.extend(value.map(|value| format!("{name}: {value}")));
        self.fields.sort_by_key(|field| name_of(field).to_owned());
    }
}

fn name_of(field: &str) -> &str {
    field.split_once(':').map_or(field, |(name, _)| name)
}

/// A Date is as good as any other of its form, and so is the order of names in a Trailer, or a random boundary.
fn normal(field: &str) -> String {
    match field.split_once(": ") {
        Some(("Date", date)) if date.len() == 29 && date.ends_with(" GMT") && !date.contains("1994") => {
            "Date: now".to_owned()
        }
        Some(("Trailer", names)) => {
            let mut names: Vec<_> = names.split(", ").collect();
            names.sort_unstable();
            format!("Trailer: {}", names.join(", "))
        }
        Some(("Content-Type", value)) if boundary(value).is_some() => {
            "Content-Type: multipart/byteranges; boundary=BOUNDARY".to_owned()
        }
        _ => field.to_owned(),
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    content_type.strip_prefix("multipart/byteranges; boundary=")
}

/// The body, with the boundary that the head says.
fn body_of(answer: &Answer) -> Vec<u8> {
    match answer.field("Content-Type").and_then(boundary) {
        Some(boundary) => answer.text().replace(boundary, "BOUNDARY").into_bytes(),
        None => answer.body.clone(),
    }
}

impl Transcript {
    /// Sends a case to a server, and hears what comes back.
    pub fn take(case: &Case, address: &Address) -> Result<Self, String> {
        let mut client = Client::connect(address).unwrap();
        client.send(&case.sent).unwrap();
        if case.raw {
            return Ok(Self::take_raw(&mut client));
        }
        let mut answers = Vec::new();
        for to_head in &case.answers {
            match Heard::hear(&mut client, case, *to_head) {
                Ok(heard) if heard.torn => {
                    answers.push(heard);
                    return Ok(Self { answers, end: End::Closed });
                }
                Ok(heard) => answers.push(heard),
                Err(error) if is_end(&error) => return Ok(Self { answers, end: End::Closed }),
                Err(error) => return Err(format!("{}: {address:?}: {error}, after {answers:?}", case.name)),
            }
        }
        // A server that has said or done otherwise does not answer this.
        let kept = client.get("/implicit").is_ok_and(|answer| answer.status == 200 && answer.body == b"body");
        Ok(Self { answers, end: if kept { End::Kept } else { End::Closed } })
    }

    fn take_raw(client: &mut Client) -> Self {
        let body = client.receive_to_end().unwrap();
        let head = Head { status_line: "raw".to_owned(), fields: Vec::new() };
        let heard = Heard { interim: Vec::new(), head, body, trailer: Vec::new(), torn: false };
        Self { answers: vec![heard], end: End::Closed }
    }

    /// Such as "200 kept".
    pub fn summary(&self) -> String {
        let end = match self.end {
            End::Kept => "kept",
            End::Closed => "closed",
        };
        let answers = self.answers.iter().map(|heard| {
            let torn = if heard.torn { " torn" } else { "" };
            format!("{}{torn} ", heard.head.code())
        });
        answers.collect::<String>() + end
    }

    /// Both, one below the other, as far as they are not equal.
    pub fn against(&self, goherd: &Self) -> String {
        let mut out = format!("    net/http {:30} goherd {}\n", self.summary(), goherd.summary());
        for (plain, ours) in self.answers.iter().zip(&goherd.answers) {
            if plain.interim != ours.interim {
                let _ = writeln!(out, "    interim - {:?}\n    interim + {:?}", plain.interim, ours.interim);
            }
            list(&mut out, "-", plain, ours);
            list(&mut out, "+", ours, plain);
            if plain.body != ours.body {
                let [plain, ours] = [plain, ours].map(|heard| {
                    let shown = heard.body.iter().take(700).copied().collect::<Vec<_>>();
                    format!("{} bytes {:?}", heard.body.len(), String::from_utf8_lossy(&shown))
                });
                let _ = writeln!(out, "    body - {plain}\n    body + {ours}");
            }
        }
        out
    }
}

/// The lines that `one` has and `other` has not.
fn list(out: &mut String, sign: &str, one: &Heard, other: &Heard) {
    let lines = |heard: &Heard| {
        let trailer = heard.trailer.iter().map(|field| format!("(trailer) {field}"));
        let head = std::iter::once(heard.head.status_line.clone()).chain(heard.head.fields.clone());
        head.chain(trailer).collect::<Vec<_>>()
    };
    let others = lines(other);
    for line in lines(one).iter().filter(|line| !others.contains(line)) {
        let _ = writeln!(out, "    {sign} {line}");
    }
}

fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}

impl Heard {
    fn hear(client: &mut Client, case: &Case, to_head: bool) -> io::Result<Self> {
        let mut interim = Vec::new();
        let mut answer = loop {
            let answer = client.receive_head()?;
            if !matches!(answer.status, 100 | 102..=199) {
                break answer;
            }
            if interim.is_empty() {
                client.send(case.after_interim.as_deref().unwrap_or_default())?;
            }
            interim.push(Head::of(&answer));
        };
        let torn = !to_head
            && match client.receive_body(&mut answer) {
                Ok(()) => false,
                Err(error) if is_end(&error) => {
                    answer.body = client.receive_to_end().unwrap_or_default();
                    true
                }
                Err(error) => {
                    return Err(io::Error::new(error.kind(), format!("{error} after {:?}", answer.head)));
                }
            };
        let mut trailer: Vec<_> = answer.trailer.lines().map(str::to_owned).collect();
        trailer.sort();
        Ok(Self { interim, head: Head::of(&answer), body: body_of(&answer), trailer, torn })
    }
}
