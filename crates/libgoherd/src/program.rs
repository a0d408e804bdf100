//! What is known of the program around: symbols that it may have, looked for by weak references.

use std::ffi::CStr;

use goherd_bridge::abi::GOHERD_ABI_VERSION;

// The addresses of what the program around may have, each 0 if it does not: only the linker has weak references that stable
// Rust does not.
std::arch::global_asm!(
    ".weak goherd_go_main",
    ".weak uwsgi.Run",
    ".weak goherd_ini",
    ".weak goherd_package_abi",
    ".globl goherd_around",
    ".hidden goherd_around",
    ".pushsection goherd_server, \"aw\"", // a section that the linker keeps: `goherd inspect` looks for it
    ".balign 8",
    "goherd_around: .quad goherd_go_main, uwsgi.Run, goherd_ini, goherd_package_abi",
    ".popsection",
);

unsafe extern "C" {
    static goherd_around: [usize; 4];
}

/// The addresses of the entry of standard Go, of `uwsgi.Run` as gccgo calls it, of the built-in ini file, and of the
/// version that the package was built for.
fn around() -> [usize; 4] {
    // SAFETY: defined above, four words that nobody writes after the loader.
    unsafe { goherd_around }
}

/// Whether the package `uwsgi` is part of the program.
pub(crate) fn is_go() -> bool {
    let [standard, gccgo, ..] = around();
    standard != 0 || gccgo != 0
}

/// `const char goherd_ini[]`, the text of an ini file that the program may have.
pub(crate) fn built_in_ini() -> Option<&'static [u8]> {
    let [.., ini, _] = around();
    // SAFETY: the program that has this symbol has a string there, which is documented to be constant.
    (ini != 0).then(|| unsafe { CStr::from_ptr(ini as *const _) }.to_bytes())
}

/// Whether the package in the program was built for this interface.
pub(crate) fn check_version() -> Result<(), String> {
    let [standard, .., version] = around();
    if standard == 0 {
        return Ok(()); // gccgo's package was compiled with this library
    }
    let version = match version {
        0 => 0,
        // SAFETY: the package of standard Go has a constant of this type there.
        place => unsafe { *(place as *const u32) },
    };
    goherd_bridge::inspect::check_abi(version, GOHERD_ABI_VERSION)
        .map_err(|reason| format!("this program {reason}"))
}
