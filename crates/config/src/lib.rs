//! The front door: argv, environment and ini files go in, a typed [`Config`] or one clear sentence comes out.
//!
//! In: the words of the command line, variables ([`Call`]), and the ini files they name. Out: a [`Request`] (run with this
//! configuration, check it, print something) or an [`Error`] which says what, where and what to do.
//!
//! One static table (`options`) holds every option: its names, kind, range, default, texts and setter.
//! argv, ini, `--help`, `--show-config` and the reference document are all driven by it, so adding an
//! option is one row plus its test case in `options/cases.rs`.
//!
//! The road has two steps. `argv` and `ini` find out what was typed (`settings`); `resolve` decides what
//! it means. Invariant: nothing here has a side effect other than reading the named ini files.

#![forbid(unsafe_code)]

mod address;
mod agenda;
mod agreement;
mod alarm;
mod argv;
mod backend;
mod cache;
mod call;
mod config;
mod draft;
mod environment;
mod error;
mod farm;
mod ini;
mod options;
mod origin;
mod printable;
mod reference;
mod request;
mod resolve;
mod settings;
mod show;
mod socket;
mod tool;

pub use address::Address;
pub use agenda::{CronJob, Timer};
pub use alarm::{Alarm, AlarmDoes};
pub use backend::{Backend, RedisPlace, RedisServer, Secret};
pub use cache::{Cache, LARGEST_BLOCK, LONGEST_KEY, MOST_ITEMS};
pub use call::Call;
pub use config::{CheaperAlgo, Config, LoopEngine};
pub use error::Error;
pub use farm::Farm;
pub use origin::IniLine;
pub use reference::reference;
pub use request::{Request, parse};
pub use socket::{Owner, Protocol, Socket};
pub use tool::{Build, CacheDeed, CacheTool, Peer, Tool};
