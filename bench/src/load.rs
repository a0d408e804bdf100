//! The load: wrk, in one thread, on the same machine.

use std::process::Command;

use crate::Outcome;
use crate::contestant::Contestant;

/// What is put on a server.
pub struct Load {
    /// Keep-alive connections.
    pub connections: u64,
    /// Length of a run.
    pub seconds: u64,
}

/// What came of it.
#[derive(Clone, Copy)]
pub struct Run {
    /// User time per request, in microseconds.
    pub user: f64,
    /// System time per request, in microseconds.
    pub system: f64,
    /// Requests per second.
    pub rate: f64,
}

impl Run {
    /// CPU time per request, in microseconds.
    pub fn cpu(&self) -> f64 {
        self.user + self.system
    }
}

impl Load {
    /// A short run that does not count.
    pub fn warm_up(&self, contestant: &Contestant) -> Outcome<()> {
        Self { connections: self.connections, seconds: 1 }.run(contestant).map(drop)
    }

    /// One run.
    pub fn run(&self, contestant: &Contestant) -> Outcome<Run> {
        let before = contestant.cpu()?;
        let requests = self.wrk(&contestant.url)?;
        let after = contestant.cpu()?;
        let per_request = 1e6 / requests;
        Ok(Run {
            user: (after.0 - before.0) * per_request,
            system: (after.1 - before.1) * per_request,
            #[allow(clippy::cast_precision_loss, reason = "a few seconds")]
            rate: requests / self.seconds as f64,
        })
    }

    /// Answers with how many requests were answered well; a run with any other answer does not count at all.
    fn wrk(&self, url: &str) -> Outcome<f64> {
        let (connections, duration) = (self.connections.to_string(), format!("{}s", self.seconds));
        let output = Command::new("wrk").args(["-t1", "-c", &connections, "-d", &duration, url]).output()?;
        let text = String::from_utf8(output.stdout)?;
        if text.contains("Non-2xx") || text.contains("Socket errors") {
            return Err(format!("not every request was answered well:\n{text}").into());
        }
        let line =
            text.lines().find(|line| line.contains("requests in")).ok_or("wrk said nothing of requests")?;
        Ok(line.split_whitespace().next().ok_or("wrk gave no number")?.parse()?)
    }
}
