//! docs/benchmarks.md.

use super::PLOT;
use super::machine::Machine;
use crate::results::Results;
use crate::settings::Settings;

/// The whole document.
pub fn render(settings: &Settings, machine: &Machine, results: &Results) -> String {
    let (rounds, seconds) = (settings.rounds, settings.seconds);
    let machine: String = machine.iter().map(|(name, what)| format!("- {name}: {what}\n")).collect();
    format!(
        "# Benchmarks

<!-- Written by `make bench`; do not edit. -->

Medians of {rounds} rounds with runs of {seconds} s, all in one go, on the machine described below. Ratios are medians of the
ratios within each round; behind them, or beside them, the least and the greatest.

![CPU time per request, as a share of net/http's]({PLOT})

{tables}
## The machine

{machine}
{METHOD}",
        tables = super::tables(results),
    )
}

const METHOD: &str = "\
## How this is measured

- `make bench` builds and starts every server itself, on loopback, one at a time. In each round every contestant has its
  turn (A B A B …), with a fresh server and a warm-up of one second that does not count.
- The load is wrk with 64 connections, on one thread, or on half as many threads as there are cores where Goherd has a
  worker per core. It shares the machine with the servers, so requests/s is what the machine can do with both on it.
- CPU time is user + system time of all of a server's processes from `/proc/PID/stat`, divided by the requests answered.
  Its unit is 10 ms. It holds the kernel's work on the server's behalf, but not all of its interrupts. Most of the
  system time is waking a process on another core: a server that has to share its core with the load, because something
  else runs on the machine, comes out at half of it (the bare loop at 1.9 µs in place of 4.4, pinned to try it). Such
  runs are what min–max shows; the median is to be taken on a quiet machine.
- A run in which any request was answered badly, or not at all, does not count; it is listed.
- net/http runs with all its defaults: on all cores, also where Goherd has one worker. nginx has one worker, no access log
  and keep-alive without end. The bare epoll loop (bench/src/contestants/floor.rs) receives once and sends once for each
  request, always the same answer: no server can be cheaper.
- gccgo builds with -O2. Where a contestant is built with gccgo, \"vs net/http\" is net/http built with gccgo; in all
  other lines it is net/http built with standard Go.
- latency: an open loop on 64 connections with a constant rate, half of what net/http reached with wrk just before. Each
  request has its time; latency counts from then, also when no connection was free (no coordinated omission). The load
  runs on the same cores as the server: the line of the bare epoll loop shows what the load and the machine add.
- memory: the proportional set size (Pss in `/proc/PID/smaps_rollup`, which counts shared pages once) of all of a server's
  processes, after 8 000 connections have each made one request and rest for 2 s, less the same after 64 such connections
  have come and gone. What the kernel keeps for a socket is not in it; it is the same for all.
- shapes: the same application as a library (the file is that alone; the server is another), and as an executable with its
  server in it. Memory is the proportional set size of master and worker after the first answer.
- start: the time from the exec of the server (by setpriv, which takes about a millisecond of it) to the last byte of the
  answer to a request that is sent as soon as the log says where it listens. A turn is 20 such starts, of which the median
  counts. The files are in the page cache, as they are for a server that is started again.
- signal: a handler raises signals one after another, each when the handler of the one before has begun, and tells the median;
  the way leads from the worker to the master and back.
- cache: a handler gets values of 100 bytes under 1 000 keys in turn, for half a second at a time, and counts; nothing of HTTP
  is in the figures. `Cache.Get` and `CacheGet` copy the value, the call from Go into the server included; the `sync.Map` of
  the process gives a reference. Redis listens on a unix socket and keeps nothing on disk; the handler speaks its protocol
  itself, in the least code that it takes. Two workers: both get at once from the same cache, on a machine of as many cores
  or more, one, both, one, both.
- workers: memory of master and workers that is no file's (Pss_Anon, which counts shared pages once) with one, two and four
  workers, after 64 requests and 2 s, and the differences. Pages of the program and of libraries are in memory once for all. And
  the pages that one worker of four shares with no process.
- The machine is not ours alone. Ratios within a round suffer least from that; still, look at min–max before believing a
  second digit.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::CASES;

    #[test]
    fn the_document_names_machine_figures_and_method() {
        let settings = Settings { rounds: 5, seconds: 3, cases: CASES.iter().collect() };
        let machine = vec![("kernel", "6.1".to_owned())];
        let text = render(&settings, &machine, &Results::default());
        for part in
            ["Medians of 5 rounds", "(benchmarks.svg)", "## Figures\n\n| figure", "- kernel: 6.1\n", METHOD]
        {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
    }
}
