//! Processes: fork(2), waitpid(2), kill(2), process groups, the end.

use std::ffi::{CStr, CString, OsStr};
use std::io::{self, Write as _};
use std::mem::MaybeUninit;
use std::num::NonZeroI32;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process as rp;

use crate::signal::Signum;
use crate::user::{self, Identity};

/// A process number: positive, so that no slip makes `kill` mean "everyone".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pid(NonZeroI32);

impl Pid {
    /// `None` for numbers that are not a process's.
    #[must_use]
    pub fn new(number: i32) -> Option<Self> {
        NonZeroI32::new(number).filter(|n| n.get() > 0).map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0.get()
    }

    /// This process.
    #[must_use]
    pub fn me() -> Self {
        Self::from_rustix(rp::getpid())
    }

    pub(crate) fn from_rustix(pid: rp::Pid) -> Self {
        Self(pid.as_raw_nonzero())
    }

    pub(crate) fn to_rustix(self) -> rp::Pid {
        rp::Pid::from_raw(self.get()).expect("a Pid is not zero")
    }
}

impl std::fmt::Display for Pid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The kernel's number of the calling thread (gettid(2)), unlike that of any other thread of any process.
#[must_use]
pub fn thread_number() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// Which of the two processes came out of a fork.
#[derive(Debug, PartialEq, Eq)]
pub enum Fork {
    /// The one that called; the child's number.
    Parent(Pid),
    /// The new one.
    Child,
}

/// Forks, if this process has one thread, as a fork needs it: a child of a process with several has only the one that
/// forked, and any lock which another held (the allocator's, for one) would be held in it for ever.
pub fn fork_alone() -> io::Result<Fork> {
    expect_one_thread()?;
    // SAFETY: one thread (no other can make a second one meanwhile), so the child may do whatever the parent could.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            crate::stderr::begin();
            Ok(Fork::Child)
        }
        pid => Ok(Fork::Parent(Pid::new(pid).expect("fork answers with a process number"))),
    }
}

/// Forks a child that does `work`, and exits with what it gives. It dies with this process, and holds none of its
/// descriptors but the standard ones, so that whoever waits for their end waits for this process alone: `work` must use
/// only those that it opens.
pub fn fork_for(work: impl FnOnce() -> i32) -> io::Result<Pid> {
    let parent = Pid::me();
    match fork_alone()? {
        Fork::Parent(child) => Ok(child),
        Fork::Child => {
            let dies_with_parent = end_with_parent().is_ok() && rp::getppid() == Some(parent.to_rustix());
            // SAFETY: the numbers are passed by value; of what is closed nothing is used in this process, which ends below.
            let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) } == 0;
            exit_now(if dies_with_parent && closed { work() } else { 1 })
        }
    }
}

/// What bounds a command is started in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Whom it becomes.
    pub identity: Identity,
    /// The folder that it takes for the root.
    pub root: Option<PathBuf>,
    /// Whether it gains no rights.
    pub no_new_privileges: bool,
    /// Where it lives, seen from outside of that; within it, it lives at the root.
    pub folder: PathBuf,
}

/// Starts `/bin/sh -c command`, the leader of a group of its own, whose output goes to descriptor 2. The shell dies with this
/// process, if that comes to a sudden end. It can read `input`, of less than a page (4096 bytes), if there is one. Call it with
/// one thread.
pub fn start_command(command: &str, bounds: &Bounds, input: Option<&[u8]>) -> io::Result<Pid> {
    let child = fork_for(|| {
        let failure = match settle_in(bounds, input) {
            Ok(()) => Command::new("/bin/sh").arg("-c").arg(command).exec(),
            Err(error) => error,
        };
        crate::stderr::line(&format!("the command {command:?} cannot be started: {failure}"));
        CANNOT_BE_STARTED
    })?;
    give_own_group(child);
    Ok(child)
}

/// What a shell says of a program that cannot be started.
const CANNOT_BE_STARTED: i32 = 126;

fn settle_in(bounds: &Bounds, input: Option<&[u8]>) -> io::Result<()> {
    lead_own_group()?;
    crate::signal::reset()?;
    match input {
        Some(input) => {
            let (reader, mut writer) = io::pipe()?;
            writer.write_all(input)?; // an empty pipe has room for it
            rustix::stdio::dup2_stdin(reader)?;
        }
        None => close_stdin()?,
    }
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    std::env::set_current_dir(&bounds.folder)?;
    if let Some(root) = &bounds.root {
        user::stay_in(root)?;
    }
    user::become_identity(&bounds.identity)?;
    if bounds.no_new_privileges {
        user::gain_nothing()?;
    }
    end_with_parent() // once more: who becomes somebody else has forgotten it
}

/// Refuses what only a process with one thread may do.
pub(crate) fn expect_one_thread() -> io::Result<()> {
    match std::fs::read_dir("/proc/self/task")?.count() {
        1 => Ok(()),
        threads => {
            Err(io::Error::other(format!("this process has {threads} threads, and may have but one here")))
        }
    }
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this code.
    Exited(i32),
    /// A signal killed it.
    Killed(Signum),
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Killed(signal) => write!(f, "was killed by {}", signal.name()),
        }
    }
}

/// A child that has ended and was not reaped yet, if there is one. It keeps its number, and its group keeps it, until
/// [`reap`].
#[must_use]
pub fn ended() -> Option<Pid> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the record is ours to be written.
    let failed = unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) } != 0;
    // SAFETY: zeroes are a value of the record: what is left if no child has ended.
    let info = unsafe { info.assume_init() };
    // SAFETY: of a record about a child si_pid is the field in use, and of zeroes each is 0.
    let pid = unsafe { info.si_pid() };
    if failed { None } else { Pid::new(pid) }
}

/// Takes the child `pid`, which has ended; `None`: it has not, or is not ours.
#[must_use]
pub fn reap(pid: Pid) -> Option<Ending> {
    let (_, status) = rp::waitpid(Some(pid.to_rustix()), rp::WaitOptions::NOHANG).ok()??;
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Some(Ending::Exited(code)),
        (None, Some(signal)) => Some(Ending::Killed(Signum(signal))),
        (None, None) => None,
    }
}

/// From now on this process is the parent of every descendant whose own parent ends: nobody escapes its sight.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(rp::set_child_subreaper(Some(rp::getpid()))?)
}

/// The children of this process, whichever of its threads has started them, those that have ended among them.
#[must_use]
pub fn children() -> Vec<Pid> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let numbers = |list: String| -> Vec<i32> {
        list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    };
    lists.flat_map(numbers).filter_map(Pid::new).collect()
}

/// How often the children that are left are killed, so that their children, which are ours then, are too.
const LAST_ROUNDS: u32 = 100;
/// How long each of these rounds waits for them to be gone.
const LAST_WAIT: Duration = Duration::from_millis(2);

/// Ends whatever descends from this process, which has adopted its orphans and is about to end, but for the children that are
/// to be spared.
pub fn end_children(spared: &[Pid]) {
    for _ in 0..LAST_ROUNDS {
        while let Some(pid) = ended() {
            let _reaped = reap(pid);
        }
        let left: Vec<_> = children().into_iter().filter(|pid| !spared.contains(pid)).collect();
        if left.is_empty() {
            return;
        }
        left.into_iter().for_each(|pid| kill(pid, Signum::KILL));
        std::thread::sleep(LAST_WAIT);
    }
}

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of memory that are in RAM.
    pub rss: u64,
    /// Bytes of address space.
    pub address_space: u64,
    /// Milliseconds of processor time since its start.
    pub cpu: u64,
}

/// Looks what `pid` uses; nothing, if it is gone.
#[must_use]
pub fn usage(pid: Pid) -> Usage {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let (statm, stat) = (read("statm"), read("stat"));
    let mut pages = statm.split(' ').map(|pages| pages.parse::<u64>().unwrap_or(0));
    let mut bytes = || pages.next().unwrap_or(0) * rustix::param::page_size() as u64;
    let (address_space, rss) = (bytes(), bytes());
    // proc(5): utime and stime are the 14th and 15th field, counted from behind the name, which may hold anything.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ').skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Usage { rss, address_space, cpu: ticks * 1000 / per_second }
}

/// Puts the program at `path` in the place of this one, which keeps its number, its children, its blocked signals and every
/// descriptor that is not closed on exec. It returns only if that cannot be done. Call it with one thread.
pub fn become_program(path: &CStr, args: &[CString], variables: &[CString]) -> io::Error {
    if let Err(error) = expect_one_thread() {
        return error;
    }
    let list = |texts: &[CString]| -> Vec<*const libc::c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (args, variables) = (list(args), list(variables));
    // SAFETY: path, arguments and variables end with NULs, both lists with null, and all live until the call returns.
    unsafe { libc::execve(path.as_ptr(), args.as_ptr(), variables.as_ptr()) };
    io::Error::last_os_error()
}

/// Sends `signal` to the process group that `leader` leads: the worker and the children of its handlers.
///
/// A group that is gone already is no error.
pub fn kill_group(leader: Pid, signal: Signum) {
    if let Some(signal) = rp::Signal::from_named_raw(signal.0) {
        let _gone = rp::kill_process_group(leader.to_rustix(), signal);
    }
}

/// Sends `signal` to the process `pid`. One that is gone already is no error.
pub fn kill(pid: Pid, signal: Signum) {
    if let Some(signal) = rp::Signal::from_named_raw(signal.0) {
        let _gone = rp::kill_process(pid.to_rustix(), signal);
    }
}

/// Makes this process the leader of a group of its own.
pub fn lead_own_group() -> io::Result<()> {
    Ok(rp::setpgid(None, None)?)
}

/// Makes the child `pid` the leader of a group of its own, in case it has not come to that itself yet.
pub fn give_own_group(pid: Pid) {
    let _done_or_gone = rp::setpgid(Some(pid.to_rustix()), None);
}

/// What the kernel told this process at its start (getauxval(3)), as pairs of kind and value with the ending pair of
/// zeroes, as under a new process's stack. /proc/self/auxv has the same, but not for a process that dropped privileges.
#[must_use]
pub fn auxiliary_vector() -> Vec<[usize; 2]> {
    let kinds = [
        libc::AT_PAGESZ,
        libc::AT_CLKTCK,
        libc::AT_UID,
        libc::AT_EUID,
        libc::AT_GID,
        libc::AT_EGID,
        libc::AT_SECURE,
        libc::AT_RANDOM,
        libc::AT_HWCAP,
        libc::AT_HWCAP2,
        libc::AT_SYSINFO_EHDR,
        libc::AT_NULL,
    ];
    let words = |kind: libc::c_ulong| {
        // SAFETY: getauxval reads memory of the C library's own and answers 0 for a kind that is not there.
        let value = unsafe { libc::getauxval(kind) };
        [usize::try_from(kind).unwrap_or(0), usize::try_from(value).unwrap_or(0)]
    };
    kinds.into_iter().map(words).collect()
}

/// The path by which this program was started (execve(2)), relative to the folder that the process was in then, whatever it
/// was told that its name is.
#[must_use]
pub fn executed_path() -> Option<PathBuf> {
    // SAFETY: getauxval reads memory of the C library's own.
    let address = unsafe { libc::getauxval(libc::AT_EXECFN) };
    let text = std::ptr::with_exposed_provenance::<libc::c_char>(usize::try_from(address).ok()?);
    if text.is_null() {
        return None;
    }
    // SAFETY: the kernel has put a text that ends with a NUL there, where it stays unchanged for the life of the process.
    let text = unsafe { CStr::from_ptr(text) };
    Some(PathBuf::from(OsStr::from_bytes(text.to_bytes())))
}

/// The file whose code this function is in: the program's own, or that of a library. `None`: it is there no more.
#[must_use]
pub fn file_with_this_code() -> Option<PathBuf> {
    let here = file_with_this_code as fn() -> Option<PathBuf> as usize;
    let maps = std::fs::read("/proc/self/maps").ok()?;
    maps.split(|&byte| byte == b'\n').find_map(|line| mapped(line, here))
}

/// The file of a line of proc(5)'s `maps`, `start-end perms offset device inode path`, if `address` is in there.
fn mapped(line: &[u8], address: usize) -> Option<PathBuf> {
    let path = line.iter().position(|&byte| byte == b'/').map(|at| &line[at..])?;
    let (start, rest) = std::str::from_utf8(&line[..line.len() - path.len()]).ok()?.split_once('-')?;
    let place = |text| usize::from_str_radix(text, 16).ok();
    let place = place(start)?..place(rest.split(' ').next()?)?;
    place.contains(&address).then(|| PathBuf::from(OsStr::from_bytes(path)))
}

/// Has the kernel kill this process when the one that has started it ends.
pub fn end_with_parent() -> io::Result<()> {
    Ok(rp::set_parent_process_death_signal(Some(rp::Signal::KILL))?)
}

/// Ends this process at once, running nobody's exit handlers: they belong to the parent it was forked from, or to a Go
/// runtime that is still at work.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit takes any code, never returns and touches no memory of ours.
    unsafe { libc::_exit(code) }
}

/// Sleeps for ever; signals are handled meanwhile.
pub fn sleep_for_ever() -> ! {
    loop {
        // SAFETY: pause has no arguments and touches no memory of ours.
        unsafe { libc::pause() };
    }
}

/// Takes these permissions from every file that this process, and those forked from it, make from now on: umask(2).
pub fn set_umask(mode: u32) {
    let _before = rp::umask(rustix::fs::Mode::from_raw_mode(mode));
}

/// By how much the kernel prefers a process that was told so, in thousandths of the machine's memory.
const PREFERRED_BY: i32 = 200;
/// The most that it can be told.
const MOST_PREFERRED: i32 = 1000;

/// When memory runs out, has the kernel rather end this process, and those that it starts, than the one that it was forked from:
/// proc(5), `oom_score_adj`. Call it as long as the process is who it was at its start.
pub fn prefer_for_want_of_memory() -> io::Result<()> {
    let path = "/proc/self/oom_score_adj";
    let now = std::fs::read_to_string(path)?;
    let now: i32 = now.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
    std::fs::write(path, (now + PREFERRED_BY).min(MOST_PREFERRED).to_string())
}

/// Replaces the descriptor 0 by /dev/null, so that no worker reads the terminal.
pub fn close_stdin() -> io::Result<()> {
    let null = std::fs::File::open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdin(null)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positive_numbers_are_processes() {
        assert_eq!(Pid::new(0), None);
        assert_eq!(Pid::new(-1), None);
        assert!(Pid::me().get() > 0);
    }

    #[test]
    fn the_auxiliary_vector_names_the_page_size_and_ends() {
        let vector = auxiliary_vector();
        let page_size = vector.iter().find(|pair| pair[0] == 6).map(|pair| pair[1]); // AT_PAGESZ
        assert!(page_size.is_some_and(usize::is_power_of_two), "{vector:?}");
        assert_eq!(vector.last().map(|pair| pair[0]), Some(0));
    }

    #[test]
    fn the_path_of_this_program_is_known() {
        let found = std::fs::canonicalize(executed_path().unwrap()).unwrap();
        assert_eq!(found, std::fs::canonicalize("/proc/self/exe").unwrap());
    }

    #[test]
    fn the_file_of_this_code_is_this_program_s() {
        let found = std::fs::canonicalize(file_with_this_code().unwrap()).unwrap();
        assert_eq!(found, std::fs::canonicalize("/proc/self/exe").unwrap());
        let line = b"7f00-7f10 r-xp 00001000 08:01 42                 /usr/lib/a b.so";
        assert_eq!(mapped(line, 0x7f0f).as_deref(), Some(std::path::Path::new("/usr/lib/a b.so")));
        assert_eq!(mapped(line, 0x7f10), None);
        assert_eq!(mapped(b"7f00-7f10 r-xp 00000000 00:00 0", 0x7f00), None, "nobody's");
        assert_eq!(mapped(b"", 0), None);
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(usage(Pid::me()).rss > 4096);
        assert_eq!(usage(Pid::new(i32::MAX).unwrap()), Usage::default());
    }

    #[test]
    fn endings_are_sentences() {
        assert_eq!(Ending::Exited(3).to_string(), "exited with code 3");
        assert_eq!(Ending::Killed(Signum::KILL).to_string(), "was killed by SIGKILL");
    }
}
