//! The dynamic loader: dlopen(3), dlsym(3).
//!
//! Nothing is ever closed: a Go runtime cannot be unloaded, so a library stays for the life of its process.

use std::ffi::{CStr, CString, c_void};
use std::ptr::NonNull;

/// A loaded library, found by [`Library::open`]; copies of it are the same library.
#[derive(Clone, Copy, Debug)]
pub struct Library {
    handle: NonNull<c_void>,
}

impl Library {
    /// Loads the library at `path` and binds all its symbols now; its own symbols serve libraries loaded later.
    ///
    /// The error is the loader's own sentence.
    ///
    /// # Safety
    ///
    /// The library's initialisers run in this process: the caller must trust the file, and must be in the process in
    /// which the library is to live (a Go runtime that starts here does not survive a fork).
    pub unsafe fn open(path: &str) -> Result<Self, String> {
        let path = CString::new(path).map_err(|_nul| "the path has a NUL byte in it".to_owned())?;
        // SAFETY: a NUL-terminated string and flags; what the initialisers do is the caller's to answer for.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
        NonNull::new(handle).map(|handle| Self { handle }).ok_or_else(last_error)
    }

    /// The address of the symbol `name` (which may hold dots, as libgo's do) in this library or in one that it needs.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<NonNull<c_void>> {
        let name = CString::new(name).ok()?;
        // SAFETY: the handle is of a library that is never closed, the name is NUL-terminated.
        NonNull::new(unsafe { libc::dlsym(self.handle.as_ptr(), name.as_ptr()) })
    }
}

fn last_error() -> String {
    // SAFETY: dlerror has no arguments; it answers with this thread's last error or with null.
    let message = unsafe { libc::dlerror() };
    if message.is_null() {
        return "the loader gave no reason".to_owned();
    }
    // SAFETY: not null, so a NUL-terminated string that lives until this thread's next dl call; it is copied here.
    unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_why_a_library_cannot_be_loaded() {
        // SAFETY: there is no such file, so nothing runs.
        let error = unsafe { Library::open("/no/such/library.so") }.unwrap_err();
        assert!(error.contains("/no/such/library.so"), "{error}");
    }

    #[test]
    fn finds_symbols_by_name() {
        // SAFETY: the C library is part of this process already.
        let libc = unsafe { Library::open("libc.so.6") }.unwrap();
        assert!(libc.symbol("getpid").is_some());
        assert!(libc.symbol("no.such.symbol").is_none());
    }
}
