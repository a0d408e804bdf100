//! The server, called from a program of C.
//!
//! # Safety
//!
//! The caller's duty is the same for both functions: `argv` holds `argc` strings, `envp` is null or holds strings up to a null.

#![allow(
    clippy::missing_safety_doc,
    reason = "one duty for both, above; the functions' comments go to C as they stand"
)]

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;

use goherd_config::Call;
use goherd_server::{Application, Next};

/// Runs the server, as the command `goherd` does, with the arguments and the environment of `main`; `envp` may be NULL.
/// Gives the code to exit with. Workers are made by fork(2): call it while the process has one thread. They do not return.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn goherd_main(argc: c_int, argv: *mut *mut c_char, envp: *mut *mut c_char) -> c_int {
    // SAFETY: the caller passes the vectors of its main, or such as are like them.
    let (call, _name) = unsafe { call(argc, argv.cast(), envp.cast()) };
    match goherd_server::main(&call, &Application::Loaded) {
        Next::Exit(code) => code.into(),
        Next::Application => unreachable!("a worker with a loaded application does not return"),
    }
}

/// `goherd_main` under the name that uWSGI gave it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn uwsgi_init(argc: c_int, argv: *mut *mut c_char, envp: *mut *mut c_char) -> c_int {
    // SAFETY: the same duty.
    unsafe { goherd_main(argc, argv, envp) }
}

/// What the process was called with, and under which name.
///
/// # Safety
///
/// `args` must be null, or hold `count` strings; `variables` must be null, or hold strings up to a null.
pub(crate) unsafe fn call(
    count: c_int,
    args: *const *const c_char,
    variables: *const *const c_char,
) -> (Call, String) {
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: this function's contract.
    let args: Vec<OsString> = unsafe { strings(args) }.take(count).collect();
    let name = args.first().map_or("goherd".into(), |name| name.to_string_lossy().into_owned());
    let call = Call::new(args);
    if variables.is_null() {
        return (call.with_environment(std::env::vars_os()), name);
    }
    // SAFETY: this function's contract.
    let variables = unsafe { strings(variables) };
    (call.with_environment(variables.filter_map(|variable| assignment(&variable))), name)
}

fn assignment(variable: &OsStr) -> Option<(OsString, OsString)> {
    let at = variable.as_bytes().iter().position(|byte| *byte == b'=')?;
    let (name, value) = (&variable.as_bytes()[..at], &variable.as_bytes()[at + 1..]);
    Some((OsStr::from_bytes(name).to_owned(), OsStr::from_bytes(value).to_owned()))
}

/// # Safety
///
/// `vector` must be null, or hold strings up to a null, or as many as are taken.
unsafe fn strings(vector: *const *const c_char) -> impl Iterator<Item = OsString> {
    let vector = std::ptr::NonNull::new(vector.cast_mut());
    (0..).map_while(move |index| {
        // SAFETY: not null; `index` is not beyond the first null, where the iterator ends.
        let place = unsafe { vector?.add(index) };
        // SAFETY: as above.
        let string = unsafe { place.read() };
        // SAFETY: not null, so one of the strings, which end with a NUL.
        (!string.is_null())
            .then(|| OsStr::from_bytes(unsafe { CStr::from_ptr(string) }.to_bytes()).to_owned())
    })
}
