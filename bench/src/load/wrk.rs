//! wrk, as fast as it goes.

use std::process::Command;

use crate::cases::{Request, Workers};
use crate::{Outcome, places};

/// What wrk keeps busy.
const CONNECTIONS: &str = "64";

/// What wrk counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Count {
    /// Requests that were answered well.
    pub requests: f64,
    /// Of them per second.
    pub rate: f64,
}

/// One run. One with any bad answer is an error: it does not count at all.
pub fn saturate(url: &str, request: &Request, workers: Workers, seconds: u64) -> Outcome<Count> {
    let mut command = Command::new("wrk");
    command.args(["-t", &workers.wrk_threads().to_string(), "-c", CONNECTIONS, "--timeout", "10s"]);
    command.args(["-d", &format!("{seconds}s")]);
    for field in request.fields {
        command.args(["-H", field]);
    }
    if let Some(script) = request.wrk_script {
        command.arg("-s").arg(places::here().join("wrk").join(script));
    }
    let output = command.arg(url).output().map_err(|error| format!("cannot run wrk: {error}"))?;
    parse(&String::from_utf8(output.stdout)?)
}

fn parse(text: &str) -> Outcome<Count> {
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        return Err(format!("not every request was answered well:\n{}", text.trim_end()).into());
    }
    let line = |mark: &str| text.lines().find(|line| line.contains(mark));
    let requests = line("requests in").and_then(|line| line.split_whitespace().next());
    let rate = line("Requests/sec:").and_then(|line| line.split_whitespace().last());
    let (Some(requests), Some(rate)) = (requests, rate) else {
        return Err(format!("wrk did not count:\n{text}").into());
    };
    let count = Count { requests: requests.parse()?, rate: rate.parse()? };
    if count.requests > 0.0 { Ok(count) } else { Err("no request was answered".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "  80000 requests in 2.00s, 10.00MB read\nRequests/sec:  39900.50\nTransfer/sec: 5.00MB\n";

    #[test]
    fn what_wrk_says_is_read() {
        assert_eq!(parse(GOOD).unwrap(), Count { requests: 80_000.0, rate: 39_900.5 });
    }

    #[test]
    fn a_run_with_bad_answers_does_not_count() {
        for bad in
            ["  Non-2xx or 3xx responses: 1\n", "  Socket errors: connect 0, read 1, write 0, timeout 0\n"]
        {
            assert!(parse(&format!("{GOOD}{bad}")).is_err());
        }
        assert!(parse("unable to connect\n").is_err());
        assert!(parse("  0 requests in 2.00s, 0B read\nRequests/sec: 0.00\n").is_err());
    }
}
