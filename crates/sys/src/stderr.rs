//! Lines on descriptor 2, where everyone of a server writes its log.

use rustix::io::write;
use rustix::stdio::stderr;

/// Writes `text` and a line feed in one call, so that lines of several processes do not mix. A log that cannot be
/// written is no reason to stop serving, so nothing is reported.
pub fn line(text: &str) {
    let mut bytes = Vec::with_capacity(text.len() + 9);
    bytes.extend_from_slice(b"goherd: ");
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(b'\n');
    let mut rest = bytes.as_slice();
    while let Ok(n @ 1..) = write(stderr(), rest) {
        rest = &rest[n..];
    }
}
