//! nginx with one worker and `return 200`: a fast server that runs no application.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use super::server::Launch;
use crate::cases::Request;
use crate::{Outcome, places};

/// With a configuration of its own, in a folder of its own, on a port that was free a moment ago.
pub fn launch(request: &Request) -> Outcome<Launch> {
    let folder = places::scratch("nginx")?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    fs::write(folder.join("nginx.conf"), configuration(address, request.path))?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "stderr"]);
    Ok(Launch { command, address: Some(address), workers_to_await: 0 })
}

fn configuration(address: SocketAddr, path: &str) -> String {
    format!(
        "daemon off;
worker_processes 1;
pid nginx.pid;
events {{
    worker_connections 16384;
}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    default_type text/plain;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    server {{
        listen {address} backlog=4096;
        location = {path} {{
            return 200 \"Hello, World!\\n\";
        }}
    }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_answers_at_its_path() {
        let text = configuration(SocketAddr::from(([127, 0, 0, 1], 8080)), "/hello");
        assert!(text.contains("listen 127.0.0.1:8080 "), "{text}");
        assert!(text.contains("location = /hello {\n            return 200 \"Hello, World!\\n\";"), "{text}");
    }
}
