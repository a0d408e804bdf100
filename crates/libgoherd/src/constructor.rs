//! What runs before the program around: it becomes the server here, or nothing happens.

use std::ffi::{c_char, c_int};

use goherd_server::{Application, Next};
use goherd_sys::{process, stderr};

use crate::entry::call;
use crate::program;

/// The constructor's place in the list of those that the C runtime calls before `main`, with what it gives to `main`. The Go
/// package refers to it by this name, which is what brings it out of the archive.
#[used]
#[unsafe(no_mangle)]
// SAFETY: the section is a list of addresses of functions of this type (glibc passes them what `main` gets).
#[unsafe(link_section = ".init_array")]
#[allow(non_upper_case_globals, reason = "this is a name of C")]
pub static goherd_constructor: unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char) =
    construct;

/// # Safety
///
/// For the C runtime, before `main`, with what `main` will get.
unsafe extern "C" fn construct(count: c_int, args: *const *const c_char, variables: *const *const c_char) {
    if !program::is_go() {
        return;
    }
    // SAFETY: these are the vectors of the process, which live as long as it does.
    let (call, name) = unsafe { call(count, args, variables) };
    let call = call.with_built_in(program::built_in_ini());
    if !call.asks_for_a_server() {
        return;
    }
    if let Err(sentence) = program::check_version() {
        stderr::line(&sentence);
        process::exit_now(1);
    }
    match goherd_server::main(&call, &Application::Own(name)) {
        Next::Application => {} // a worker: the Go runtime starts, and comes to main.main
        // Nothing of the program has begun, so there is nothing to be ended in order.
        Next::Exit(code) => process::exit_now(code.into()),
    }
}
