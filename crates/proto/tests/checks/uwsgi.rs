//! Packets of uwsgi: found whole or refused, however they arrive; what is in them is a request or none.

use goherd_proto::uwsgi::find;

use super::arrivals::{first, however_cut};
use super::{cgi, limits};

/// `bytes` are what a web server sends.
pub fn check(bytes: &[u8]) {
    for limits in limits() {
        let found = however_cut(bytes.len(), |arrivals| {
            let packet =
                first(bytes, arrivals, |input| find(input, &limits)).map_err(|refusal| refusal.status)?;
            Ok::<_, u16>(packet.map(|packet| (packet.length, packet.variables().collect::<Vec<_>>())))
        });
        let Ok(Some((length, variables))) = found else { continue };
        assert!(length <= bytes.len() && length <= limits.head + 4);
        if let Some(packed) = cgi::packed(&variables, |name, value| [text(name), text(value)].concat()) {
            assert_eq!([&[bytes[0]], &size(&packed)[..], &[0], &packed].concat(), bytes[..length]);
        }
        assert!(variables.iter().rev().skip(1).all(Result::is_ok), "variables after a malformed one");
        let _ = cgi::check(variables.into_iter(), &limits);
    }
}

fn text(text: &[u8]) -> Vec<u8> {
    [&size(text), text].concat()
}

fn size(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).expect("it came with a size of two bytes").to_le_bytes()
}
