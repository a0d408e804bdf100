//! What is put on a server, and what comes of it.

mod herd;
mod open_loop;
mod schedule;
mod wrk;

pub use herd::{Herd, raise_descriptor_limit};
pub use open_loop::run as constant_rate;
pub use wrk::{Count, saturate};
