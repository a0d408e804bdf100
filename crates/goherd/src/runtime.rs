//! What each worker's Go runtime is told of its share of the machine: `GOMAXPROCS` and `GOMEMLIMIT`, as variables.
//!
//! An option decides before everything else, then the variable, wherever it is set, then what the machine has for all. Mules and
//! spoolers hold memory as workers do, so they have a share of it; the processors are there for requests.

use goherd_bridge::{App, Toolchain};
use goherd_config::Config;
use goherd_sys::cgroup;

const PROCESSORS: &str = "GOMAXPROCS";
const MEMORY: &str = "GOMEMLIMIT";

/// The environment of workers, apart from the server's own.
pub fn environment(config: &Config, app: &App) -> Vec<(String, String)> {
    let machine = Machine {
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        memory: cgroup::memory_limit(),
    };
    let is_gccgo = app.toolchain() == Some(Toolchain::Gccgo);
    share(config, &machine, is_gccgo, |name| std::env::var_os(name).is_some())
}

/// What there is for all workers together.
#[derive(Debug)]
struct Machine {
    processors: usize,
    /// In bytes, if there is a limit.
    memory: Option<u64>,
}

/// Adds the share of a worker to the variables of the configuration.
fn share(
    config: &Config,
    machine: &Machine,
    is_gccgo: bool,
    is_set: impl Fn(&str) -> bool,
) -> Vec<(String, String)> {
    let mut variables = config.env.clone();
    let workers = config.processes;
    let runtimes = u64::from(workers) + u64::from(config.all_mules()) + u64::from(config.all_spoolers());
    // gccgo cannot preempt a goroutine that computes, so each such holds up one of the processors: one more goes on with all
    // the others.
    let least = if is_gccgo { 2 } else { 1 };
    let processors = (machine.processors / usize::from(workers)).max(least);
    let memory = machine.memory.map(|bytes| (bytes / 10 * 9 / runtimes).max(1));
    let asked_processors = config.go_maxprocs.map(usize::from);
    let asked_memory = config.go_memlimit.map(|mebibytes| mebibytes << 20);
    let mut settle = |name: &str, asked: Option<String>, share: Option<String>| {
        let chosen =
            |variables: &[(String, String)]| is_set(name) || variables.iter().any(|(other, _)| other == name);
        if let Some(value) = asked {
            variables.retain(|(other, _)| other != name);
            variables.push((name.to_owned(), value));
        } else if let Some(value) = share.filter(|_| !chosen(&variables)) {
            variables.push((name.to_owned(), value));
        }
    };
    let text = |number: usize| number.to_string();
    settle(PROCESSORS, asked_processors.map(text), Some(text(processors)));
    settle(MEMORY, asked_memory.map(|bytes| bytes.to_string()), memory.map(|bytes| bytes.to_string()));
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Machine = Machine { processors: 8, memory: Some(1_000_000_000) };

    fn shared(config: &Config, machine: &Machine, is_gccgo: bool, is_set: bool) -> String {
        let variables = share(config, machine, is_gccgo, |_| is_set);
        variables.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    fn workers(processes: u16) -> Config {
        Config { processes, ..Config::default() }
    }

    #[test]
    fn workers_share_what_there_is() {
        let four = workers(4);
        assert_eq!(shared(&four, &MACHINE, false, false), "GOMAXPROCS=2 GOMEMLIMIT=225000000");
        assert_eq!(shared(&workers(1), &MACHINE, false, false), "GOMAXPROCS=8 GOMEMLIMIT=900000000");
        let unlimited = Machine { memory: None, ..MACHINE };
        assert_eq!(shared(&workers(3), &unlimited, false, false), "GOMAXPROCS=2");
    }

    #[test]
    fn mules_and_spoolers_have_their_share_of_the_memory() {
        let spoolers = vec!["/spool".into()];
        let all = Config { mules: 1, spoolers, spooler_processes: 1, ..workers(2) };
        assert_eq!(shared(&all, &MACHINE, false, false), "GOMAXPROCS=4 GOMEMLIMIT=225000000");
    }

    #[test]
    fn nobody_goes_without_a_processor_and_gccgo_has_two() {
        let unlimited = Machine { memory: None, ..MACHINE };
        assert_eq!(shared(&workers(64), &unlimited, false, false), "GOMAXPROCS=1");
        assert_eq!(shared(&workers(64), &unlimited, true, false), "GOMAXPROCS=2");
        assert_eq!(shared(&workers(2), &unlimited, true, false), "GOMAXPROCS=4");
    }

    #[test]
    fn variables_decide_before_the_machine_and_options_before_variables() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(shared(&workers(4), &MACHINE, false, true), "", "they are the server's own");
        let env = vec![pair("GOMAXPROCS", "5"), pair("A", "1"), pair("GOMEMLIMIT", "off")];
        let variables = Config { env, ..workers(4) };
        assert_eq!(shared(&variables, &MACHINE, false, false), "GOMAXPROCS=5 A=1 GOMEMLIMIT=off");
        let options = Config { go_maxprocs: Some(3), go_memlimit: Some(2), ..variables };
        for is_set in [false, true] {
            assert_eq!(shared(&options, &MACHINE, true, is_set), "A=1 GOMAXPROCS=3 GOMEMLIMIT=2097152");
        }
    }
}
