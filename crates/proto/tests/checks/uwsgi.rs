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
        assert!(length <= bytes.len() && length <= limits.head + 9);
        assert!(variables.iter().rev().skip(1).all(Result::is_ok), "variables after a malformed one");
        let _ = cgi::check(variables.into_iter(), &limits);
    }
}
