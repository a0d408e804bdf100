//! Packets of SCGI: found whole or refused, however they arrive; what is in them is a request or none.

use goherd_proto::scgi::find;

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
        assert!(length <= bytes.len() && length <= limits.head + 9);
        if let Some(packed) = cgi::packed(&variables, |name, value| [name, b"\0", value, b"\0"].concat()) {
            let netstring = [format!("{}:", packed.len()).as_bytes(), &packed, b","].concat();
            assert_eq!(netstring, bytes[..length]);
        }
        assert!(variables.iter().rev().skip(1).all(Result::is_ok), "variables after a malformed one");
        let _ = cgi::check(variables.into_iter(), &limits);
    }
}
