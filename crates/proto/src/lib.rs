//! Bytes to messages and messages to bytes, without I/O and without a clock.
//!
//! In: what a peer has sent so far. Out: a request head, "more bytes, please", or a refusal with the status that the
//! peer is to get; and in the other direction the bytes of an answer's head. Nothing here allocates by a number that a
//! peer has sent, and nothing panics on bytes from the network.

#![forbid(unsafe_code)]

pub mod encode;
pub mod fields;
pub mod http1;
pub mod status;
