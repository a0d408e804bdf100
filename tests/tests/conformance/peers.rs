//! By what the mirror knows the client of one trial: the address that a web server in front tells it, or its own.
//!
//! In: rows, whose packets hold one address for all. Out: those of each trial, with an address of its own in that place,
//! of the same length, so that no packet is cut otherwise than the row says.

use std::net::Ipv6Addr;
use std::sync::atomic::{AtomicU32, Ordering};

use goherd_tests::Client;

use crate::row::{Row, Step};

/// The address that stands in the rows, in place of the trial's.
pub const ADDRESS: &str = "fd00::1000:1000";
/// The same of version 4.
pub const ADDRESS_V4: [u8; 4] = [250, 100, 100, 100];
/// The port beside both.
pub const PORT: u16 = 4321;

/// The client of one trial.
pub struct Peer {
    /// What the mirror knows it by.
    pub name: String,
    own: [Vec<u8>; 4],
}

/// How an address stands in a row: as text and as bytes, of each version.
fn forms(v6: Ipv6Addr, v4: [u8; 4]) -> [Vec<u8>; 4] {
    [
        v6.to_string().into_bytes(),
        v6.octets().to_vec(),
        std::net::Ipv4Addr::from(v4).to_string().into_bytes(),
        v4.to_vec(),
    ]
}

fn in_rows() -> [Vec<u8>; 4] {
    forms(ADDRESS.parse().unwrap(), ADDRESS_V4)
}

/// Addresses that nobody else has. Each digit and number in them is as long as in those of the rows.
fn fresh() -> (Ipv6Addr, [u8; 4]) {
    static LAST: AtomicU32 = AtomicU32::new(1);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let group = |number: u32| u16::try_from(0x1000 + number % 0xe000).unwrap();
    let byte = |number: u32| u8::try_from(100 + number % 150).unwrap();
    let v6 = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, group(number / 0xe000), group(number));
    (v6, [250, byte(number / 150 / 150), byte(number / 150), byte(number)])
}

/// The address stands in the first bytes of a row: what comes after them is a body.
const FIRST: usize = 4 << 10;

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes[..bytes.len().min(FIRST)].windows(part.len()).position(|window| window == part)
}

impl Peer {
    /// The client of a trial with this row.
    pub fn of(row: &Row, client: &Client) -> Self {
        let (v6, v4) = fresh();
        let own = forms(v6, v4);
        let sent = row.bytes();
        let is_there = in_rows().map(|form| find(&sent, &form).is_some());
        let name = match is_there {
            [true, ..] | [_, true, ..] => format!("[{v6}]:{PORT}"),
            [.., true, _] | [.., true] => format!("{}:{PORT}", std::net::Ipv4Addr::from(v4)),
            _ => client.own_address().map_or_else(|| "@".to_owned(), |address| address.to_string()),
        };
        Self { name, own }
    }

    /// A step of a row, as this client takes it.
    pub fn own(&self, step: &Step) -> Step {
        match step {
            Step::Send(bytes) => Step::Send(self.own_bytes(bytes)),
            other => other.clone(),
        }
    }

    /// Bytes of a row, as this client sends them.
    pub fn own_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for (theirs, own) in in_rows().iter().zip(&self.own) {
            let mut from = 0;
            while let Some(at) = find(&bytes[from..], theirs) {
                from += at + own.len();
                bytes[from - own.len()..from].copy_from_slice(own);
            }
        }
        bytes
    }
}
