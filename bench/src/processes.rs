//! What /proc says of a server's processes (proc(5)).

use std::fs;

use crate::Outcome;

/// The unit of times in /proc: USER_HZ, which is 100 wherever Linux runs today.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU time used so far, in seconds.
#[derive(Clone, Copy)]
pub struct CpuTime {
    /// In the program.
    pub user: f64,
    /// In the kernel, on its behalf.
    pub system: f64,
}

/// A process and its children.
pub fn family(parent: u32) -> Outcome<Vec<u32>> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
    let children = children.split_whitespace().map(str::parse);
    Ok(std::iter::once(Ok(parent)).chain(children).collect::<Result<_, _>>()?)
}

/// CPU time of all of `pids`.
pub fn cpu_time(pids: &[u32]) -> Outcome<CpuTime> {
    let mut total = CpuTime { user: 0.0, system: 0.0 };
    for pid in pids {
        let time = parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat"))?)?;
        total = CpuTime { user: total.user + time.user, system: total.system + time.system };
    }
    Ok(total)
}

/// Proportional set size of all of `pids`, in bytes: a page that several processes share counts once.
pub fn memory(pids: &[u32]) -> Outcome<f64> {
    let sizes =
        pids.iter().map(|pid| parse_rollup(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?));
    sizes.sum()
}

/// The same of memory that is no file's: pages of programs and libraries are shared with whoever else on the machine runs
/// them.
pub fn anonymous(pids: &[u32]) -> Outcome<f64> {
    let sizes = pids
        .iter()
        .map(|pid| parse_line(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?, "Pss_Anon:"));
    sizes.sum()
}

/// Unique set size of `pid`, in bytes: pages that no other process has.
pub fn unshared(pid: u32) -> Outcome<f64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    Ok(parse_line(&rollup, "Private_Clean:")? + parse_line(&rollup, "Private_Dirty:")?)
}

/// Fields 14 and 15; the second one, the name, may hold blanks.
fn parse_stat(stat: &str) -> Outcome<CpuTime> {
    let (_, after_name) = stat.rsplit_once(')').ok_or("a malformed /proc/PID/stat")?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut seconds = || -> Outcome<f64> {
        Ok(fields.next().ok_or("a short /proc/PID/stat")?.parse::<f64>()? / TICKS_PER_SECOND)
    };
    Ok(CpuTime { user: seconds()?, system: seconds()? })
}

fn parse_rollup(rollup: &str) -> Outcome<f64> {
    parse_line(rollup, "Pss:")
}

fn parse_line(rollup: &str, name: &str) -> Outcome<f64> {
    let size = rollup.lines().find_map(|line| line.strip_prefix(name));
    let size = size.ok_or_else(|| format!("no {name} in smaps_rollup"))?;
    Ok(size.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_past_any_name() {
        let time = parse_stat("7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20").unwrap();
        assert_eq!((time.user, time.system), (1.5, 0.5));
        assert!(parse_stat("7 (a) S 1").is_err());
    }

    #[test]
    fn memory_is_the_proportional_set_size() {
        let rollup = "00-ff ---p 0 00:00 0 [rollup]\nRss:    90 kB\nPss:      12 kB\nPss_Anon:  1 kB\n";
        assert_eq!(parse_rollup(rollup).unwrap(), 12.0 * 1024.0);
    }

    #[test]
    fn this_process_is_of_its_own_family() {
        let family = family(std::process::id()).unwrap();
        assert_eq!(family[0], std::process::id());
        assert!(memory(&family[..1]).unwrap() > 0.0);
    }
}
