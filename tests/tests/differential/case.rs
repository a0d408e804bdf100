//! A case: bytes that go to both servers.

use goherd_tests::Toolchain;

/// One exchange, or several on one connection.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub sent: Vec<u8>,
    /// What is sent after the first interim answer.
    pub after_interim: Option<Vec<u8>>,
    /// The answers to receive; `true`: an answer to HEAD.
    pub answers: Vec<bool>,
    /// The answer is whatever comes until the end.
    pub raw: bool,
    /// Go 1.18 knows no such thing.
    pub only_go: bool,
}

impl Case {
    fn new(name: String, sent: Vec<u8>) -> Self {
        let to_head = sent.starts_with(b"HEAD ");
        Self { name, sent, after_interim: None, answers: vec![to_head], raw: false, only_go: false }
    }

    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// So many answers.
    pub fn answers(mut self, count: usize) -> Self {
        self.answers = vec![false; count];
        self
    }

    pub fn after_interim(mut self, bytes: &str) -> Self {
        self.after_interim = Some(bytes.into());
        self
    }

    pub fn raw(mut self) -> Self {
        self.raw = true;
        self
    }

    pub fn only_go(mut self) -> Self {
        self.only_go = true;
        self
    }

    pub fn is_for(&self, toolchain: Toolchain) -> bool {
        !self.only_go || toolchain == Toolchain::Go
    }
}

/// These bytes.
pub fn bytes(name: &str, sent: impl Into<Vec<u8>>) -> Case {
    Case::new(name.to_owned(), sent.into())
}

/// `GET target`.
pub fn get(target: &str) -> Case {
    get_with(target, "")
}

/// `GET target` with fields, each with its CRLF.
pub fn get_with(target: &str, fields: &str) -> Case {
    request("GET", target, fields, "")
}

/// `POST target` with a body.
pub fn post(target: &str, fields: &str, body: &str) -> Case {
    request("POST", target, &format!("{fields}Content-Length: {}\r\n", body.len()), body)
}

/// `POST target` with a body in chunks.
pub fn chunked(target: &str, fields: &str, rest: &str) -> Case {
    request("POST", target, &format!("{fields}Transfer-Encoding: chunked\r\n"), rest)
}

/// Any request of HTTP/1.1. Its name is all of it that is short.
pub fn request(method: &str, target: &str, fields: &str, rest: &str) -> Case {
    let sent = format!("{method} {target} HTTP/1.1\r\nHost: x\r\n{fields}\r\n{rest}");
    let name: String = format!("{method} {target} {fields}{rest}").replace("\r\n", "|");
    let short = name.chars().take(160).collect::<String>();
    Case::new(format!("{} ({})", short.trim_end(), sent.len()), sent.into())
}
