//! FastCGI 1.0 in the role of a responder: one request at a time on a connection, which may carry one after another.
//!
//! [`Opening`] reads what comes before the body, [`Stdin`] the body, [`answer`] frames what goes back.

pub mod answer;
mod opening;
mod pairs;
mod record;
mod stdin;

pub use opening::{Opening, Step};
pub use stdin::Stdin;

#[cfg(test)]
mod tests;
