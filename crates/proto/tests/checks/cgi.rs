//! Requests made of variables: by the rules of HTTP/1, so that one written as HTTP/1 is the same request.

use std::net::SocketAddr;

use goherd_proto::cgi::{Request, Variable};
use goherd_proto::http1::framing::Framing;
use goherd_proto::http1::{Limits, Refusal};

use super::message::Message;

/// What is left to compare of a packet: the bytes of its variables, written again.
pub fn packed(variables: &[Variable<'_>], pack: impl Fn(&[u8], &[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
    variables
        .iter()
        .map(|variable| variable.ok().map(|(name, value)| pack(name, value)))
        .collect::<Option<Vec<_>>>()
        .map(|all| all.concat())
}

/// What `variables` come to; nothing that is kept is much larger than what may come over the wire.
pub fn check<'a>(
    variables: impl Iterator<Item = Variable<'a>> + Clone,
    limits: &Limits,
) -> Result<Request, Refusal> {
    let mut request = Request::default();
    let result = request.read(variables.clone(), limits);
    assert_small(&request, limits);
    let mut used = used();
    assert_eq!(used.read(variables, limits), result);
    result?;
    let message = Message::of(&request.head, &request.bytes);
    message.assert_sound(limits);
    assert!(!message.fields.iter().any(|(name, _)| name.contains(&b'_')), "{message:?}");
    assert_eq!(message, Message::of(&used.head, &used.bytes), "in used memory");
    assert_eq!((&used.peer, used.https), (&request.peer, request.https), "in used memory");
    let body = message.framing.body;
    assert_eq!(message.framing, Framing { body, ..Framing::default() });
    let mut again = message.again();
    assert_eq!(std::mem::replace(&mut again.framing, message.framing).body, body);
    assert_eq!(again, message);
    assert_peer(&request.peer);
    Ok(request)
}

/// Paths are encoded, three bytes for one, before their length is judged; vectors double.
fn assert_small(request: &Request, limits: &Limits) {
    assert!(request.bytes.capacity() <= 2 * (3 * limits.head + 1024), "{} bytes", request.bytes.capacity());
    assert!(request.head.fields.capacity() <= 2 * limits.fields + 8);
    assert!(request.peer.capacity() <= 128);
}

/// A request that was something else before.
fn used() -> Request {
    let variables: [(&[u8], &[u8]); 7] = [
        (b"REQUEST_METHOD", b"POST"),
        (b"REQUEST_URI", b"http://other/"),
        (b"SERVER_PROTOCOL", b"HTTP/1.0"),
        (b"CONTENT_LENGTH", b"7"),
        (b"REMOTE_ADDR", b"192.0.2.1"),
        (b"HTTPS", b"on"),
        (b"HTTP_A", b"b"),
    ];
    let mut request = Request::default();
    request.read(variables.into_iter().map(Ok), &Limits::default()).expect("it is well-formed");
    request
}

fn assert_peer(peer: &str) {
    let address = peer.parse::<SocketAddr>().map(|address| address.ip());
    assert!(peer == "@" || address.is_ok_and(|ip| ip == ip.to_canonical()), "{peer:?}");
}
