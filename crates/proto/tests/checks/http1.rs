//! Heads of HTTP/1: found at the same place however they arrive, read in one way only.

use goherd_proto::http1::{EndOfHead, Head, Limits, canonicalize};

use super::arrivals::{first, however_cut};
use super::limits;
use super::message::Message;

/// `bytes` are what a client sends.
pub fn check(bytes: &[u8]) {
    for limits in limits() {
        let found = however_cut(bytes.len(), |arrivals| {
            let mut end = EndOfHead::default();
            first(bytes, arrivals, |input| end.find(input, &limits)).map_err(|refusal| refusal.status)
        });
        let empty_line = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|place| place + 4);
        let Ok(found) = found else { continue };
        assert_eq!(found, empty_line);
        if let Some(length) = found {
            assert!(length <= limits.head);
            head(&bytes[..length], &limits);
        }
    }
}

fn head(bytes: &[u8], limits: &Limits) {
    let mut head = Head::default();
    let result = head.parse(bytes, limits);
    assert!(head.fields.capacity() <= 2 * limits.fields + 8);
    if result.is_err() {
        return;
    }
    let message = Message::of(&head, bytes);
    message.assert_sound(limits);
    message.assert_is_in(bytes);
    assert_eq!(message.again(), message);
    used_again(&mut head, bytes, limits, &message);
    canonical(&head, bytes, &message);
}

/// A head that was read into before gives the same.
fn used_again(head: &mut Head, bytes: &[u8], limits: &Limits, message: &Message) {
    let other = b"POST http://other/ HTTP/1.0\r\nContent-Length: 7\r\nA: b\r\n\r\n";
    let _ = head.parse(other, &Limits::default());
    assert_eq!(head.parse(bytes, limits), Ok(()));
    assert_eq!(Message::of(head, bytes), *message);
}

/// Writing the names in Go's form changes the case of names, and nothing else.
fn canonical(head: &Head, bytes: &[u8], message: &Message) {
    let mut changed = bytes.to_vec();
    head.canonicalize(&mut changed);
    let mut expected = message.clone();
    expected.fields.iter_mut().for_each(|(name, _)| canonicalize(name));
    assert_eq!(Message::of(head, &changed), expected);
    assert!(changed.eq_ignore_ascii_case(bytes));
}
