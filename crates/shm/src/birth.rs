//! What a process is given by the fork that made it.

use std::sync::Arc;

use goherd_sys::control::Control;
use goherd_sys::socket::Listener;

use crate::{Commons, Scoreboard};

/// A new worker's share.
#[derive(Debug)]
pub struct Birth {
    /// Its number, from 1.
    pub number: u32,
    /// Its line of the scoreboard, from 1.
    pub line: u32,
    /// What it is made from.
    pub generation: u32,
    /// The number of that in the table of signals, which goes on counting when another program takes over.
    pub edition: u32,
    /// Its end of the socket to the master.
    pub control: Control,
    /// Its copies of the listening sockets.
    pub listeners: Vec<Listener>,
    /// The memory that all share by name and number.
    pub commons: Arc<Commons>,
    /// The board.
    pub scoreboard: Arc<Scoreboard>,
}
