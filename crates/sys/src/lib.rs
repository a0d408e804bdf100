//! System calls, a family per file: the only crate of Goherd that names libc.
//!
//! In: Rust values. Out: `io::Result` and owned descriptors. Nothing here knows what Goherd is: no policy, no
//! protocol, no logging. What `rustix` offers safely is used through it; `libc` serves for fork, the dynamic loader
//! and the user database, which rustix lacks.
//!
//! # Safety
//!
//! One of the three crates that may hold `unsafe` (with `shm` and `bridge`). Each block says why it holds.

#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
compile_error!("Goherd runs on Linux with glibc, on x86-64 or aarch64 (see ARCHITECTURE.md, \"Platforms\")");

pub mod background;
pub mod cgroup;
pub mod clock;
pub mod control;
pub mod descriptors;
pub mod epoll;
pub mod eventfd;
pub mod fifo;
pub mod folder;
pub mod futex;
pub mod inbox;
pub mod inherited;
pub mod inotify;
pub mod library;
pub mod memory;
pub mod notify;
pub mod parcel;
pub mod process;
pub mod signal;
pub mod socket;
pub mod stderr;
pub mod timerfd;
pub mod trace;
pub mod user;

pub use process::Pid;
