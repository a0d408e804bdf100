//! The server as a library, for executables that carry it: `libgoherd.a`, `libgoherd.so`.
//!
//! In: an executable around it. A Go program is its own application: the constructor makes the process a server before the Go
//! runtime starts, if one is asked for, and lets each worker go on as the program. A C program calls `goherd_main`.
//!
//! # Safety
//!
//! `unsafe` is here because both doors are the C runtime's: what it hands to a constructor and to `main` is believed, and the
//! symbols of the program around are C's.

mod constructor;
mod entry;
mod program;

pub use constructor::goherd_constructor;
pub use entry::{goherd_main, uwsgi_init};
