//! What must hold for any bytes at all: one function for each parser, which panics where it does not.
//!
//! `../seeds.rs` calls them with the files of `fuzz/seeds`, and the fuzzer (`make fuzz`) with what it can think of. This
//! folder is both a module of that test and the library of the fuzzing package.

mod arrivals;
mod cgi;
mod chunked;
mod fastcgi;
mod fields;
mod http1;
mod message;
mod proxy;
mod scgi;
mod service;
mod uwsgi;

pub use chunked::check as chunked;
pub use fastcgi::check as fastcgi;
pub use fields::check as fields;
pub use http1::check as http1;
pub use proxy::check as proxy;
pub use scgi::check as scgi;
pub use service::check as service;
pub use uwsgi::check as uwsgi;

use goherd_proto::http1::Limits;

/// The limits that are tried: those of the server, and some that small inputs can reach.
fn limits() -> [Limits; 2] {
    [Limits::default(), Limits { request_line: 40, head: 200, field: 60, fields: 5, body: 99 }]
}
