//! A row of the table: bytes to send, and what must come of them.

/// What a row tests: its number in ROBUSTNESS.md or the words, and the section of the RFC (or of what else defines
/// a protocol, by its name).
pub type Rule = (&'static str, &'static str);

/// One request, or several, as bytes.
#[derive(Debug)]
pub struct Row {
    pub rule: Rule,
    pub steps: Vec<Step>,
    pub outcome: Outcome,
    /// It is cut in two at one of so many places; where it is one of many that are alike, others are at the others.
    pub stride: usize,
}

/// The strides of rows that are alike.
const SEVERAL: usize = 11;
pub const MANY: usize = 67;
/// The stride of a row that is not cut.
pub const WHOLE: usize = usize::MAX;

/// What a client does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Waits for an interim answer with this status.
    Await(u16),
    /// Tells the server that nothing more will be sent.
    End,
}

/// What comes of it.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// One answer with one of these statuses, then the end; the application never saw any of it.
    Refused(&'static [u16]),
    /// The same, for an error in a body: the application may have seen the request, but no whole body.
    RefusedInBody(u16),
    /// These answers, one after another.
    Answered(Vec<Expected>, Then),
    /// No answer of success, and the end: the application saw no whole request.
    GivenUp,
    /// Not a byte, and the end: the application never saw any of it.
    Silent,
    /// An answer or none, and the end: the application saw nothing but this.
    AtMost(&'static str),
}

/// What comes of the connection after the last answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Kept,
    Closed,
    /// Either will do.
    Any,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Expected {
    pub status: u16,
    /// The method and the target that the application saw; `None`: it saw nothing.
    pub saw: Option<String>,
    pub to_head: bool,
    /// The connection ends before the body does.
    pub torn: bool,
    /// The number of the request, where it has one (FastCGI).
    pub number: u16,
    /// What comes beside the answer, where anything may (FastCGI): whole records.
    pub records: Vec<Vec<u8>>,
    pub checks: Vec<Check>,
}

/// Something about an answer that must be so.
#[derive(Clone, Debug)]
pub enum Check {
    /// A line of the mirror's picture.
    Line(String),
    /// The whole body.
    Body(&'static str),
    /// The length of the body.
    Length(usize),
    /// A field that is there, or is not.
    Field(&'static str, Option<&'static str>),
    /// No interim answer came before it.
    Unannounced,
}

/// A request that the mirror answers with 200; `saw` is such as "GET /a".
pub fn ok(saw: impl Into<String>) -> Expected {
    Expected { saw: Some(saw.into()), ..by_server(200) }
}

/// An answer of which the application knows nothing.
pub fn by_server(status: u16) -> Expected {
    Expected {
        status,
        saw: None,
        to_head: false,
        torn: false,
        number: 1,
        records: Vec::new(),
        checks: Vec::new(),
    }
}

impl Expected {
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub fn of_head(mut self) -> Self {
        self.to_head = true;
        self
    }

    pub fn torn(mut self) -> Self {
        self.torn = true;
        self
    }

    /// The answer is to the request of this number.
    pub fn number(mut self, number: u16) -> Self {
        self.number = number;
        self
    }

    /// One more record comes beside the answer.
    pub fn record(mut self, record: impl Into<Vec<u8>>) -> Self {
        self.records.push(record.into());
        self
    }

    fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// The mirror's picture has this line.
    pub fn line(self, line: impl Into<String>) -> Self {
        self.check(Check::Line(line.into()))
    }

    pub fn body(self, body: &'static str) -> Self {
        self.check(Check::Body(body))
    }

    pub fn length(self, length: usize) -> Self {
        self.check(Check::Length(length))
    }

    pub fn field(self, name: &'static str, value: &'static str) -> Self {
        self.check(Check::Field(name, Some(value)))
    }

    pub fn without(self, name: &'static str) -> Self {
        self.check(Check::Field(name, None))
    }

    pub fn unannounced(self) -> Self {
        self.check(Check::Unannounced)
    }
}

fn row(rule: Rule, bytes: impl Into<Vec<u8>>, outcome: Outcome) -> Row {
    dialog(rule, vec![Step::Send(bytes.into())], outcome)
}

/// Bytes that no server may take.
pub fn refused(rule: Rule, status: &'static [u16], bytes: impl Into<Vec<u8>>) -> Row {
    row(rule, bytes, Outcome::Refused(status))
}

/// The same for each of several.
pub fn each_refused<B: Into<Vec<u8>>>(
    rule: Rule,
    status: &'static [u16],
    all: impl IntoIterator<Item = B>,
) -> impl Iterator<Item = Row> {
    all.into_iter().map(move |bytes| refused(rule, status, bytes))
}

/// A request whose body is found to be wrong.
pub fn refused_in_body(rule: Rule, status: u16, bytes: impl Into<Vec<u8>>) -> Row {
    row(rule, bytes, Outcome::RefusedInBody(status))
}

/// A request that is answered, and its connection kept.
pub fn kept(rule: Rule, bytes: impl Into<Vec<u8>>, answer: Expected) -> Row {
    row(rule, bytes, Outcome::Answered(vec![answer], Then::Kept))
}

/// A request that is answered, and its connection closed.
pub fn closed(rule: Rule, bytes: impl Into<Vec<u8>>, answer: Expected) -> Row {
    row(rule, bytes, Outcome::Answered(vec![answer], Then::Closed))
}

/// Several requests, and what becomes of the connection.
pub fn answered(rule: Rule, bytes: impl Into<Vec<u8>>, answers: Vec<Expected>, then: Then) -> Row {
    row(rule, bytes, Outcome::Answered(answers, then))
}

/// Bytes after which the connection ends without a word.
pub fn silent(rule: Rule, bytes: impl Into<Vec<u8>>) -> Row {
    row(rule, bytes, Outcome::Silent)
}

/// Bytes of which the application sees one request at most.
pub fn at_most(rule: Rule, saw: &'static str, bytes: impl Into<Vec<u8>>) -> Row {
    row(rule, bytes, Outcome::AtMost(saw))
}

/// Bytes that nobody may take for a whole request.
pub fn given_up(rule: Rule, bytes: impl Into<Vec<u8>>) -> Row {
    row(rule, bytes, Outcome::GivenUp)
}

/// Steps that are taken one after another.
pub fn dialog(rule: Rule, steps: Vec<Step>, outcome: Outcome) -> Row {
    Row { rule, steps, outcome, stride: 1 }
}

/// Bytes, and then the end of the client's side.
pub fn half_closed(rule: Rule, bytes: impl Into<Vec<u8>>, outcome: Outcome) -> Row {
    dialog(rule, vec![Step::Send(bytes.into()), Step::End], outcome)
}

impl Row {
    /// There are several like it.
    pub fn one_of_several(mut self) -> Self {
        self.stride = self.stride.max(SEVERAL);
        self
    }

    /// There are so many like it that it is sent in a few ways only.
    pub fn one_of_many(mut self) -> Self {
        self.stride = MANY;
        self
    }

    /// What comes of it is settled only if all of it is there at once.
    pub fn whole(mut self) -> Self {
        self.stride = WHOLE;
        self
    }

    /// The bytes of all its steps.
    pub fn bytes(&self) -> Vec<u8> {
        let sent = self.steps.iter().map(|step| if let Step::Send(bytes) = step { &bytes[..] } else { b"" });
        sent.collect::<Vec<_>>().concat()
    }
}

/// `GET target`.
pub fn get(target: &str) -> String {
    line(&format!("GET {target} HTTP/1.1"))
}

/// A request line with a Host behind it.
pub fn line(line: &str) -> String {
    format!("{line}\r\nHost: x\r\n\r\n")
}

/// `GET /` with more fields, each with its CRLF.
pub fn get_with(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n")
}

/// `POST /` with fields, each with its CRLF, and what follows the head.
pub fn post_with(fields: &str, rest: &str) -> String {
    post_to("/", fields, rest)
}

/// `POST target` with fields, each with its CRLF, and what follows the head.
pub fn post_to(target: &str, fields: &str, rest: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: x\r\n{fields}\r\n{rest}")
}

/// `POST target` with a body of which the length is said.
pub fn post(target: &str, body: &str) -> String {
    post_to(target, &format!("Content-Length: {}\r\n", body.len()), body)
}

/// `POST target` with `rest` as the body in chunks.
pub fn chunked_to(target: &str, rest: &str) -> String {
    post_to(target, "Transfer-Encoding: chunked\r\n", rest)
}

/// `text`, in which Latin-1 letters stand for bytes: for requests that are no UTF-8.
pub fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
}
