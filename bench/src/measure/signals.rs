//! What a signal costs: from where a handler of requests raises it, by way of the master, until its own handler begins in the
//! same worker. The handler of requests measures that, so nothing of HTTP is in the figure.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::Outcome;
use crate::contestants::Server;
use crate::results::{Quantity, Sample};

/// How long the handler may take beyond what it is asked for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Measures for so many seconds.
pub fn measure(server: &Server, seconds: u64) -> Outcome<Sample> {
    let mut stream = TcpStream::connect(server.address)?;
    stream.set_read_timeout(Some(PATIENCE + Duration::from_secs(seconds)))?;
    let millis = seconds * 1000;
    let head =
        format!("GET /signals?millis={millis} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.trim());
    let nanos: f64 = body.and_then(|body| body.parse().ok()).ok_or_else(|| format!("no figure: {answer}"))?;
    Ok(Sample::from([(Quantity::Signal, nanos / 1e3)]))
}
