//! Starting libgo by hand, in a process that was forked and not executed.
//!
//! An executable made by gccgo starts libgo in its C `main`. A worker has no such main, so this file takes the same
//! steps, with the symbols looked up in libgo itself. libgo calls two functions that an executable would have,
//! `main.main` and `__go_init_main`: the server exports both, and they jump to those of the application.
//!
//! The steps are an internal matter of libgo: each symbol is checked, and one that is missing is named.

use std::ffi::{CString, c_char, c_void};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

use goherd_sys::library::Library;
use goherd_sys::memory::Sealed;
use goherd_sys::process;

use crate::inspect::{Elf, GCCGO_INIT, GCCGO_MAIN};

/// The command of the gccgo that this server was built with.
pub const GCCGO: Option<&str> = option_env!("GOHERD_GCCGO_NAME");

#[cfg(goherd_gccgo)]
const PLUGIN: Option<&[u8]> = Some(include_bytes!(env!("GOHERD_GCCGO_PLUGIN")));
#[cfg(not(goherd_gccgo))]
const PLUGIN: Option<&[u8]> = None;

fn plugin_bytes() -> Result<&'static [u8], String> {
    PLUGIN.ok_or_else(|| {
        "is a gccgo library, and this server was built without gccgo: install gccgo and run `make gccgo`"
            .to_owned()
    })
}

/// The Go package `uwsgi` as gccgo compiled it, ready to be loaded.
pub(crate) fn plugin() -> Result<Sealed, String> {
    Sealed::new("uwsgi-gccgo", plugin_bytes()?).map_err(|error| format!("cannot be prepared: {error}"))
}

/// Whether a library goes with the plugin: the libgo that it needs, and what it uses of the package. The error is a sentence
/// without its subject.
pub(crate) fn check(libgo: Option<&str>, used: &[String]) -> Result<(), String> {
    let plugin = Elf::parse(plugin_bytes()?)?;
    if let (Some(theirs), Some(ours)) = (libgo, plugin.libgo())
        && theirs != ours
    {
        return Err(format!(
            "needs {theirs}, and this server was built with {ours}: use the same gccgo for both"
        ));
    }
    match used.iter().find(|name| !plugin.defines(name)) {
        None => Ok(()),
        Some(name) => Err(format!(
            "uses `{name}`, which the package uwsgi of this server does not have: they are of different versions; \
             rebuild the application with this server's uwsgi.gox, or a server that is older than the application"
        )),
    }
}

/// Where the server's `main.main` jumps to.
static MAIN: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
/// Where the server's `__go_init_main` jumps to.
static INIT: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Defines an exported function that is nothing but a jump through a static: every register, and the stack, reach the
/// target as they were, and no frame of ours stands in the way of an unwinding panic.
macro_rules! trampoline {
    ($name:ident, $export:literal, $target:ident) => {
        #[unsafe(naked)]
        #[unsafe(export_name = $export)]
        extern "C" fn $name() {
            #[cfg(target_arch = "x86_64")]
            std::arch::naked_asm!("jmp qword ptr [rip + {target}]", target = sym $target);
            #[cfg(target_arch = "aarch64")]
            std::arch::naked_asm!(
                "adrp x16, {target}",
                "ldr x16, [x16, :lo12:{target}]",
                "br x16",
                target = sym $target
            );
        }
    };
}

trampoline!(main_main, "main.main", MAIN);
trampoline!(go_init_main, "__go_init_main", INIT);

/// Keeps the two in the executable: nothing of Rust calls them.
pub(crate) static EXPORTS: [extern "C" fn(); 2] = [main_main, go_init_main];

/// The types that libgo gives to its functions.
type Plain = unsafe extern "C" fn();
type SetArgs = unsafe extern "C" fn(i32, *const *const c_char);
type Go = unsafe extern "C" fn(usize, *mut c_void) -> *mut c_void;
type ThisMachine = unsafe extern "C" fn() -> *mut c_void;
type Schedule = unsafe extern "C" fn(*mut c_void) -> !;

/// Starts the Go runtime on this thread and runs the `main.main` of `app` on it. Returns only if that cannot be done.
///
/// # Safety
///
/// The process must have been forked for this and have no Go runtime yet; `app` must be a library made by gccgo.
pub(crate) unsafe fn run_main(
    app: Library,
    args: &[String],
    env: &[(String, String)],
) -> Result<std::convert::Infallible, String> {
    let find = |name: &str| {
        app.symbol(name)
            .ok_or_else(|| format!("needs a libgo that this server does not know: it has no `{name}`"))
    };
    MAIN.store(find(GCCGO_MAIN)?.as_ptr(), Ordering::Release);
    INIT.store(find(GCCGO_INIT)?.as_ptr(), Ordering::Release);
    let steps_before = ["runtime.ginit", "runtime_cpuinit", "runtime.check"].map(find);
    let steps_after = ["runtime.osinit", "runtime.schedinit"].map(find);
    let (set_args, go, main) = (find("runtime.args")?, find("__go_go")?, find("runtime.main")?);
    let (this_machine, schedule) = (find("runtime_m")?, find("runtime_mstart")?);
    let block =
        ProcessBlock::new(args, env).map_err(|error| format!("cannot be given its arguments: {error}"))?;

    for step in steps_before {
        // SAFETY: libgo's functions of these names take and give nothing.
        let step = unsafe { std::mem::transmute::<NonNull<c_void>, Plain>(step?) };
        // SAFETY: called in the order of libgo's own main, on the thread that becomes its first machine.
        unsafe { step() };
    }
    // SAFETY: `runtime.args` takes the count and the vector, as C's main does.
    let set_args = unsafe { std::mem::transmute::<NonNull<c_void>, SetArgs>(set_args) };
    // SAFETY: the block has the form of the one that the kernel gives to a new process, and is never freed.
    unsafe { set_args(block.count, block.address) };
    for step in steps_after {
        // SAFETY: libgo's functions of these names take and give nothing.
        let step = unsafe { std::mem::transmute::<NonNull<c_void>, Plain>(step?) };
        // SAFETY: as above, in the order of libgo's own main.
        unsafe { step() };
    }
    // SAFETY: `__go_go` takes a function's address and its argument.
    let go = unsafe { std::mem::transmute::<NonNull<c_void>, Go>(go) };
    // SAFETY: the scheduler is set up; `runtime.main` is what libgo's own main starts here, without an argument.
    unsafe { go(main.as_ptr() as usize, ptr::null_mut()) };
    // SAFETY: `runtime_m` takes nothing and gives the machine of this thread.
    let this_machine = unsafe { std::mem::transmute::<NonNull<c_void>, ThisMachine>(this_machine) };
    // SAFETY: this thread has one since `runtime.ginit`.
    let machine = unsafe { this_machine() };
    // SAFETY: `runtime_mstart` takes a machine and never returns.
    let schedule = unsafe { std::mem::transmute::<NonNull<c_void>, Schedule>(schedule) };
    // SAFETY: the last step of libgo's own main.
    unsafe { schedule(machine) }
}

/// Arguments, environment and auxiliary vector in the form in which the kernel lays them under a new process's stack:
/// libgo reads on from the arguments to the others, and dies without the page size that it finds in the last.
struct ProcessBlock {
    count: i32,
    address: *const *const c_char,
}

impl ProcessBlock {
    /// The block is never freed: the Go runtime refers to it for as long as it lives.
    fn new(args: &[String], env: &[(String, String)]) -> io::Result<Self> {
        let mut words: Vec<usize> = Vec::new();
        let string = |bytes: &[u8]| -> io::Result<usize> { Ok(CString::new(bytes)?.into_raw() as usize) };
        for arg in args {
            words.push(string(arg.as_bytes())?);
        }
        words.push(0);
        for (name, value) in
            std::env::vars_os().filter(|(name, _)| env.iter().all(|(added, _)| name != added.as_str()))
        {
            words.push(string(&[name.as_bytes(), b"=", value.as_bytes()].concat())?);
        }
        for (name, value) in env {
            words.push(string(format!("{name}={value}").as_bytes())?);
        }
        words.push(0);
        words.extend(process::auxiliary_vector().concat());
        let count = i32::try_from(args.len()).map_err(|_too_many| io::ErrorKind::InvalidInput)?;
        Ok(Self { count, address: words.leak().as_ptr().cast() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_reads_like_a_new_process_s() {
        let block = ProcessBlock::new(&["app".to_owned(), "x y".to_owned()], &[]).unwrap();
        assert_eq!(block.count, 2);
        // SAFETY: the block begins with `count` strings and a null.
        let words = unsafe { std::slice::from_raw_parts(block.address, 3) };
        // SAFETY: the first two are NUL-terminated strings, never freed.
        let second = unsafe { std::ffi::CStr::from_ptr(words[1]) };
        assert_eq!(second.to_str().unwrap(), "x y");
        assert!(words[2].is_null());
    }
}
