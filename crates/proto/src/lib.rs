//! Bytes to messages and messages to bytes, without I/O and without a clock.
//!
//! In: what a peer has sent so far. Out: a request head, "more bytes, please", or a refusal with the status that the
//! peer is to get; and in the other direction the bytes of an answer's head. Nothing here allocates by a number that a
//! peer has sent, and nothing panics on bytes from the network.
//!
//! Requests come as [`http1`], or from a web server in front as variables ([`cgi`]) that [`uwsgi`], [`scgi`] or
//! [`fastcgi`] carry; [`proxy`] may tell first whom a connection is for. What other servers ask for, apart from web requests,
//! is [`service`].

#![forbid(unsafe_code)]

pub mod body;
pub mod cgi;
pub mod encode;
pub mod fastcgi;
pub mod fields;
pub mod http1;
mod protocol;
pub mod proxy;
pub mod scgi;
pub mod service;
pub mod status;
pub mod uwsgi;

pub use protocol::Protocol;
