//! Connections: epoll, `proto` and the Exchange between them and the application.
//!
//! In: listening sockets. Out: one [`Event`] after another from [`Reactor::next`], and the operations of
//! [`exchange`](Reactor::respond) by which an application answers. The reactor has no thread of its own and never
//! blocks: whoever has nothing else to do calls it (leader/followers; ARCHITECTURE.md tells the journey of a request).
//!
//! Invariant: a connection is locked for the moment of one step, whoever does it; nobody waits for the network with a
//! lock held.

#![forbid(unsafe_code)]

mod answer;
mod arrivals;
mod body;
mod connection;
mod date;
mod doors;
mod exchange;
mod front;
mod harakiri;
mod input;
mod lead;
mod line;
mod pace;
mod rarely;
mod service;
mod steps;
mod sweep;
mod table;
mod tally;
mod timers;
mod wait;

pub use connection::Progress;
pub use doors::Door;
pub use exchange::{Failure, Read, View, Write};
pub use goherd_proto::http1::Limits;
pub use goherd_proto::service::call::Form;
pub use harakiri::{Harakiri, STACKS};
pub use lead::{Event, Mode, Reactor, Settings, Wake};
pub use service::{MOST_HELD, Services};
pub use table::ExchangeId;
pub use tally::Tallied;
pub use wait::Times;
