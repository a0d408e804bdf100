//! What is left of a process: whether it lives, and when it began, by which it is told from a later one that was given the
//! same number (/proc/PID/stat, proc_pid_stat(5)).

use crate::Pid;

/// What can be seen of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// It runs no more: not one thread of it. Its parent may not have taken it yet.
    Gone,
    /// It lives.
    Alive {
        /// When it began, in ticks since the boot of the machine; never 0.
        began: u64,
    },
    /// It exists, and /proc does not tell more (`hidepid`).
    Hidden,
}

/// Looks for the process `pid`.
#[must_use]
pub fn of(pid: Pid) -> Trace {
    // Miri has no such call; to it a process that /proc does not show is gone.
    if cfg!(miri) && !std::path::Path::new(&format!("/proc/{pid}")).exists() {
        return Trace::Gone;
    }
    if !cfg!(miri) && rustix::process::test_kill_process(pid.to_rustix()) == Err(rustix::io::Errno::SRCH) {
        return Trace::Gone;
    }
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(Trace::Hidden, |text| read(&text))
}

/// Reads a line of /proc/PID/stat. The process's name, in brackets, may hold anything, brackets too.
fn read(line: &str) -> Trace {
    let after_name = line.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |number: usize| after_name.split_ascii_whitespace().nth(number - 3);
    let Some(began) = field(22).and_then(|text| text.parse().ok()) else { return Trace::Hidden };
    // While other threads of it still come to their end, a process whose first thread has ended is a zombie too.
    match (field(3), field(20)) {
        (Some("Z" | "X"), Some("0" | "1")) => Trace::Gone,
        _ => Trace::Alive { began },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_always_began_at_the_same_time() {
        let first = of(Pid::me());
        assert!(matches!(first, Trace::Alive { began } if began > 0), "{first:?}");
        assert_eq!(of(Pid::me()), first);
    }

    #[test]
    fn a_child_that_has_ended_is_gone_before_and_after_it_is_taken() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = Pid::new(i32::try_from(child.id()).unwrap()).unwrap();
        while of(pid) != Trace::Gone {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(of(pid), Trace::Gone);
    }

    #[test]
    fn lines_are_read_behind_the_name() {
        let line = |state: &str, threads: &str| {
            format!("7 (a) Z 1) {state} 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0 4711 0 0")
        };
        assert_eq!(read(&line("S", "3")), Trace::Alive { began: 4711 });
        assert_eq!(read(&line("Z", "1")), Trace::Gone);
        assert_eq!(read(&line("Z", "2")), Trace::Alive { began: 4711 }); // threads are still ending
        assert_eq!(read("nonsense"), Trace::Hidden);
    }
}
