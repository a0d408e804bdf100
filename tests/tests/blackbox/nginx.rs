//! A real nginx in front, over each of the protocols it speaks to applications.

use goherd_tests::{
    Client, Nginx, Scratch, Server, Toolchain, app, launch, skip_for_want_of, with_both_toolchains,
};

with_both_toolchains!(
    uwsgi_pass_reaches_the_application,
    fastcgi_pass_reaches_the_application,
    fastcgi_pass_keeps_its_connections,
    fastcgi_pass_hands_on_a_body_whose_length_nobody_knows,
    scgi_pass_reaches_the_application,
    proxy_pass_keeps_its_connections,
);

/// The variables that nginx's own parameter files set, in short: `kind` is uwsgi, fastcgi or scgi.
fn params(kind: &str) -> String {
    let params = [
        ("REQUEST_METHOD", "$request_method"),
        ("REQUEST_URI", "$request_uri"),
        ("QUERY_STRING", "$query_string"),
        ("CONTENT_TYPE", "$content_type"),
        // nginx itself puts the length in front of an SCGI request.
        if kind == "scgi" { ("SCGI", "1") } else { ("CONTENT_LENGTH", "$content_length") },
        ("PATH_INFO", "$document_uri"),
        ("SERVER_PROTOCOL", "$server_protocol"),
        ("SERVER_NAME", "$server_name"),
        ("SERVER_PORT", "80"),
        ("REMOTE_ADDR", "192.0.2.7"),
        ("REMOTE_PORT", "4711"),
        // Names that would load code into uWSGI.
        ("UWSGI_FILE", "exec:///bin/false"),
        ("UWSGI_SETENV", "A=b"),
    ];
    params.iter().map(|(name, value)| format!("{kind}_param {name} {value};\n")).collect()
}

/// A server on a unix socket of the protocol `kind`, with nginx in front, and what keeps both.
struct Pair {
    server: Server,
    nginx: Nginx,
    _files: Scratch,
}

/// Starts both; `None`: there is no nginx.
fn pair(toolchain: Toolchain, kind: &str, extra: &str) -> Option<Pair> {
    let files = Scratch::new();
    let socket = files.text("app.sock");
    let option = if kind == "proxy" { "--http-socket".to_owned() } else { format!("--{kind}-socket") };
    let server = launch()
        .with([option.as_str(), &socket, "--chmod-socket=666"])
        .load(&app(toolchain, "probe"))
        .goroutines(4)
        .start();
    files.open_to_all();
    let pass = if kind == "proxy" { "http://app".to_owned() } else { "app".to_owned() };
    let params = if kind == "proxy" { String::new() } else { params(kind) };
    let http = format!("upstream app {{ server unix:{socket}; keepalive 4; }}\n");
    let location = format!("location / {{\n{kind}_pass {pass};\n{params}{extra}\n}}\n");
    let Some(nginx) = Nginx::start(&http, &location) else {
        skip_for_want_of("nginx");
        return None;
    };
    Some(Pair { server, nginx, _files: files })
}

fn uwsgi_pass_reaches_the_application(toolchain: Toolchain) {
    if let Some(pair) = pair(toolchain, "uwsgi", "uwsgi_modifier1 11;") {
        reaches_the_application(&pair);
    }
}

fn fastcgi_pass_reaches_the_application(toolchain: Toolchain) {
    if let Some(pair) = pair(toolchain, "fastcgi", "") {
        reaches_the_application(&pair);
    }
}

fn fastcgi_pass_keeps_its_connections(toolchain: Toolchain) {
    if let Some(pair) = pair(toolchain, "fastcgi", "fastcgi_keep_conn on;") {
        reaches_the_application(&pair);
    }
}

fn fastcgi_pass_hands_on_a_body_whose_length_nobody_knows(toolchain: Toolchain) {
    let extra = "fastcgi_keep_conn on; fastcgi_request_buffering off;";
    let Some(pair) = pair(toolchain, "fastcgi", extra) else { return };
    let mut client = pair.nginx.connect();
    for body in [b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", &b"6\r\nhello!\r\n0\r\n\r\n"[..]] {
        client.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        client.send(body).unwrap();
        assert_eq!(client.receive().unwrap().text(), "hello!");
        assert_eq!(client.get("/request").unwrap().text().split(' ').next_back(), Some("length=0"));
    }
    assert_eq!(pair.server.lines_with("refused"), 0, "{}", pair.server.log());
}

fn scgi_pass_reaches_the_application(toolchain: Toolchain) {
    if let Some(pair) = pair(toolchain, "scgi", "") {
        reaches_the_application(&pair);
    }
}

fn proxy_pass_keeps_its_connections(toolchain: Toolchain) {
    let extra = "proxy_http_version 1.1; proxy_set_header Connection '';";
    if let Some(pair) = pair(toolchain, "proxy", extra) {
        answers(&mut pair.nginx.connect());
    }
}

fn reaches_the_application(pair: &Pair) {
    let mut client = pair.nginx.connect();
    let seen = client.get("/request?a=%20b&c").unwrap().text();
    assert_eq!(seen, "GET /request?a=%20b&c HTTP/1.1 host=test remote=192.0.2.7:4711 length=0");
    client.send("GET /headers HTTP/1.1\r\nHost: test\r\nX-One: 1\r\nx-two: 2\r\nX_Two: smuggled\r\nProxy: x\r\n\r\n").unwrap();
    let fields = client.receive().unwrap().text();
    assert!(fields.contains("\"X-One\":[\"1\"]") && fields.contains("\"X-Two\":[\"2\"]"), "{fields}");
    assert!(
        !fields.contains("smuggled") && !fields.contains("Proxy") && !fields.contains("Uwsgi"),
        "{fields}"
    );
    answers(&mut client);
    assert_eq!(pair.server.lines_with("refused"), 0, "{}", pair.server.log());
}

/// What any way to the application must carry, over one connection to nginx.
fn answers(client: &mut Client) {
    for length in [0, 1, 1000, 100_000, 3_000_000] {
        let body: Vec<u8> = (0..length).map(|n: u32| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        let answer = client.post("/echo", &body).unwrap();
        assert_eq!((answer.status, answer.field("X-Length")), (200, Some(length.to_string().as_str())));
        assert!(answer.body == body, "a body of {length} bytes comes back as it went");
    }
    assert_eq!(client.get("/big?n=5000000").unwrap().body.len(), 5_000_000);
    assert_eq!(client.get("/stream").unwrap().text(), "piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n");
    assert_eq!(client.post("/ignore", &[b'x'; 300_000]).unwrap().text(), "not read");
    assert_eq!(client.get("/nowhere").unwrap().status, 404);
    assert_eq!(client.get("/panic").unwrap().status, 500);
    client.send("HEAD / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    assert_eq!(client.receive_head().unwrap().status, 200);
    for _ in 0..50 {
        assert_eq!(client.get("/").unwrap().text(), "hello from the probe\n");
    }
}
