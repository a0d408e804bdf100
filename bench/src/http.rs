//! The little HTTP that a load needs: `Request` → bytes, bytes → "the right answer" or "more, please".

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Outcome;
use crate::cases::Request;

/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(10);
/// More fields than any contestant sends.
const MAX_FIELDS: usize = 32;

impl Request {
    /// As it goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let method = if self.body == 0 { "GET" } else { "POST" };
        let mut head = format!("{method} {} HTTP/1.1\r\nHost: localhost\r\n", self.path);
        for field in self.fields {
            head += &format!("{field}\r\n");
        }
        if self.body > 0 {
            head += &format!("Content-Length: {}\r\n", self.body);
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.resize(bytes.len() + self.body, b'x');
        bytes
    }

    /// Whether `received` is all of the answer; an error if it cannot become the right one.
    pub fn is_answered(&self, received: &[u8]) -> Outcome<bool> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut answer = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(head) = answer.parse(received)? else { return Ok(false) };
        let length = answer.headers.iter().find(|field| field.name.eq_ignore_ascii_case("Content-Length"));
        let length: usize =
            str::from_utf8(length.ok_or("an answer without Content-Length")?.value)?.parse()?;
        if answer.code != Some(200) || length != self.answer || received.len() > head + length {
            return Err(format!("{}: the wrong answer: {}", self.path, shown(received)).into());
        }
        Ok(received.len() == head + length)
    }
}

/// Connects, asks once and reads the answer, which must be right. The connection stays usable if the request lets it.
pub fn ask(address: SocketAddr, request: &Request) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&request.bytes())?;
    let (mut received, mut room) = (Vec::new(), [0; 16 << 10]);
    while !request.is_answered(&received)? {
        match stream.read(&mut room)? {
            0 => return Err(format!("{}: cut short: {}", request.path, shown(&received)).into()),
            n => received.extend_from_slice(&room[..n]),
        }
    }
    Ok(stream)
}

fn shown(received: &[u8]) -> String {
    String::from_utf8_lossy(&received[..received.len().min(300)]).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Request = Request { path: "/", fields: &["A: b"], body: 0, wrk_script: None, answer: 2 };

    #[test]
    fn requests_are_written() {
        assert_eq!(REQUEST.bytes(), b"GET / HTTP/1.1\r\nHost: localhost\r\nA: b\r\n\r\n");
        let post = Request { body: 3, fields: &[], ..REQUEST }.bytes();
        assert_eq!(post, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nxxx");
    }

    #[test]
    fn an_answer_is_awaited_to_its_last_byte() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        assert!((0..answer.len()).all(|cut| !REQUEST.is_answered(&answer[..cut]).unwrap()));
        assert!(REQUEST.is_answered(answer).unwrap());
    }

    #[test]
    fn wrong_answers_are_errors() {
        for wrong in [
            "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, and more",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "not HTTP\r\n\r\n",
        ] {
            assert!(REQUEST.is_answered(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
