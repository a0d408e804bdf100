//! Requests in all their forms: what the handler sees, and what it never does.

use crate::case::{Case, bytes, get, get_with, request};

pub fn cases() -> Vec<Case> {
    let mut cases = targets();
    cases.extend(heads());
    cases.extend(connections());
    cases.extend(refusals());
    cases
}

fn targets() -> Vec<Case> {
    let mut cases: Vec<_> = [
        "/",
        "/echo",
        "/echo?",
        "/echo?a=b&c=d",
        "/echo?a=%20b+c&a=d",
        "/echo#frag",
        "/echo?q#frag",
        "/unknown",
        "/a%2Fb",
        "/a%20b",
        "/caf%C3%A9",
        "/%FF",
        "/%00",
        "/a;b=c",
        "/a:b",
        "/a\\b",
        "/~a",
        "/a+b",
        "/a[b]",
        "/a|b",
        "/a\"b",
        "/a<b>",
        "/a^b`c{d}",
        "/a//b",
        "/a/../b",
        "/a/./b",
        "/..",
        "//",
        "//x/y",
        "/folder",
        "/folder/",
        "/folder/a",
        "/folder//a",
        "/folder/../echo",
        "/folder/./a",
        "/folder?q=1",
        "/strip/a",
        "/strip/a%2Fb",
        "/strip",
        "/%zz",
        "/%",
        "/echo?%zz",
        "/%2e%2e/echo",
        "*",
        "/*",
        "http://x/echo?a=b",
        "http://x",
        "http://x?q",
        "HTTP://x/echo",
        "https://x/echo",
        "/echo/",
        "/files",
        "http://x/a%2Fb",
    ]
    .map(get)
    .into();
    cases.extend(
        [
            "a=b;c=d",
            "a",
            "a=",
            "=b",
            "&&",
            "a=b=c",
            "a=%",
            "a=%C3%A9",
            "%61=b",
            "a+b=c+d",
            "a=1&a=2",
            "a[]=1",
            "a=%00",
            "a=b&%zz=c",
        ]
        .map(|query| get(&format!("/query?{query}"))),
    );
    cases.extend(
        ["OPTIONS", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "get", "FOO-BAR"]
            .map(|method| request(method, "/echo", "", "")),
    );
    cases.extend(["*", "/folder", "http://x/echo"].map(|target| request("OPTIONS", target, "", "")));
    cases.push(request("HEAD", "/folder", "", ""));
    cases.push(request("POST", "/folder", "Content-Length: 2\r\n", "ab"));
    cases
}

fn heads() -> Vec<Case> {
    let mut cases: Vec<_> = [
        "X-Odd_name: 1\r\nx-LOWER: 2\r\n",
        "X: a\r\nx: b\r\nX: \r\n",
        "Accept:   a/b , c \t\r\n",
        "X:\r\n",
        "X: caf\u{e9}\r\n",
        "Cookie: a=b; c=d\r\nCookie: e=f\r\n",
        "Pragma: no-cache\r\n",
        "Pragma: no-cache\r\nCache-Control: x\r\n",
        "!#$%&'*+-.^_`|~: v\r\n",
        "Connection: close\r\n",
        "Connection: keep-alive\r\n",
        "Connection: x, close\r\n",
        "Connection: Close\r\n",
        "Connection: upgrade\r\nUpgrade: x\r\n",
        "Trailer: X\r\n",
        "TE: trailers\r\n",
        "Keep-Alive: timeout=5\r\n",
        "Proxy-Connection: close\r\n",
        "Expect: 100-continue\r\n",
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\n",
        "Authorization: Basic YTpi\r\n",
        "Range: bytes=0-1\r\n",
        "Date: x\r\n",
        "Content-Type: text/plain\r\n",
        "Content-Length: 0\r\n",
        "Content_Length: 5\r\n",
        "Proxy: http://evil/\r\n",
        "Referer: http://x/\r\nUser-Agent: y\r\n",
        "Transfer-Encoding: chunked\r\nTrailer: X\r\n",
    ]
    .map(|fields| {
        request("GET", "/echo", fields, if fields.contains("chunked") { "0\r\nX: y\r\n\r\n" } else { "" })
    })
    .into();
    for host in ["x:80", "X.example", "[::1]:80", "127.0.0.1", "x."] {
        cases.push(bytes(&format!("Host {host}"), format!("GET /echo HTTP/1.1\r\nHost: {host}\r\n\r\n")));
    }
    cases
}

fn connections() -> Vec<Case> {
    let mut cases = Vec::new();
    for target in [
        "/echo",
        "/implicit",
        "/close",
        "/kept",
        "/nothing",
        "/big?n=100000",
        "/big?n=100000&length=1",
        "/flushes?piece=a",
        "/unknown",
    ] {
        for (name, fields) in
            [("", ""), (" keep-alive", "Connection: keep-alive\r\n"), (" close", "Connection: close\r\n")]
        {
            for version in ["1.0", "1.1"] {
                let sent = format!("GET {target} HTTP/{version}\r\nHost: x\r\n{fields}\r\n");
                cases.push(bytes(&format!("{version}{name} {target}"), sent));
            }
        }
    }
    let get = |n: usize| format!("GET /query?a={n} HTTP/1.1\r\nHost: x\r\n\r\n");
    let post = |path: &str, body: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    cases.extend([
        bytes("1.0 without Host", "GET /echo HTTP/1.0\r\n\r\n"),
        bytes("1.0 absolute", "GET http://x/echo HTTP/1.0\r\n\r\n"),
        bytes("1.0 POST", "POST /echo HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello"),
        bytes("1.0 HEAD", "HEAD /echo HTTP/1.0\r\n\r\n"),
        bytes("1.0 HEAD keep-alive", "HEAD /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
        bytes("1.0 keep-alive, close", "GET /echo HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"),
        bytes(
            "an empty Expect",
            "POST /echo HTTP/1.1\r\nHost: x\r\nExpect:\r\nContent-Length: 5\r\n\r\nhello",
        ),
        bytes("1.0 Expect", "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"),
        bytes("three pipelined", get(1) + &get(2) + &get(3)).answers(3),
        bytes(
            "three pipelined with bodies",
            post("/echo", "one") + &post("/ignore", "GET /x HTTP/1.1\r\n\r\n") + &post("/half", "three"),
        )
        .answers(3),
        bytes("pipelined, the second closes", get(1) + "GET /close HTTP/1.1\r\nHost: x\r\n\r\n" + &get(3))
            .answers(2),
        bytes("pipelined, the second fails", get(1) + "GET /unknown%zz HTTP/1.1\r\nHost: x\r\n\r\n")
            .answers(2),
        bytes("an empty line before the second", get(1) + "\r\n" + &get(2)).answers(2),
    ]);
    cases
}

/// What net/http refuses as well, and what it takes.
fn refusals() -> Vec<Case> {
    let line = |line: &str| format!("{line}\r\nHost: x\r\n\r\n");
    let field = |fields: &str| format!("GET /implicit HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n");
    let mut cases = vec![
        bytes("no version", line("GET /")),
        bytes("two blanks", line("GET  / HTTP/1.1")),
        bytes("HTTP/2.0", line("GET /implicit HTTP/2.0")),
        bytes("a bad method", line("G@T / HTTP/1.1")),
        bytes("a target without /", line("GET x HTTP/1.1")),
        bytes("no Host", "GET /implicit HTTP/1.1\r\n\r\n"),
        bytes("an empty Host", "GET /implicit HTTP/1.1\r\nHost:\r\n\r\n"),
        bytes("two Hosts", "GET /implicit HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"),
        bytes("a malformed Host", "GET /implicit HTTP/1.1\r\nHost: x y\r\n\r\n"),
        bytes("a Host with a user", "GET /implicit HTTP/1.1\r\nHost: u@x\r\n\r\n"),
        bytes("no colon", field("X")),
        bytes("a blank before the colon", field("X : y")),
        bytes("a bad field name", field("X(: y")),
        bytes("a NUL in a value", field("X: a\0b")),
        bytes("a control in a value", field("X: a\x07b")),
        bytes("a DEL in a value", field("X: a\x7fb")),
        bytes("a folded field", field("X: a\r\n b")),
        bytes("a field that is folded first", "GET /implicit HTTP/1.1\r\n X: y\r\nHost: x\r\n\r\n"),
        bytes("lines that end in LF", "GET /implicit HTTP/1.1\nHost: x\n\n"),
        bytes("a raw byte in the target", b"GET /echo\xe9 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        bytes("a blank in the target", line("GET /echo x HTTP/1.1")),
        bytes("CONNECT", line("CONNECT x:443 HTTP/1.1")),
        bytes("an unknown expectation", field("Expect: a miracle")),
        bytes("the target's authority is not the Host", line("GET http://y/implicit HTTP/1.1")),
        bytes("another scheme", line("GET ftp://x/implicit HTTP/1.1")),
        bytes("PRI", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        bytes("HTTP/1.9", line("GET /implicit HTTP/1.9")),
    ];
    for (name, fields) in [
        ("two equal lengths", "Content-Length: 5\r\nContent-Length: 5"),
        ("two lengths", "Content-Length: 5\r\nContent-Length: 6"),
        ("a length with a zero before it", "Content-Length: 005"),
        ("a length with a sign", "Content-Length: +5"),
        ("an empty length", "Content-Length:"),
        ("a list of lengths", "Content-Length: 5, 5"),
        ("a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
        ("an unknown coding", "Transfer-Encoding: gzip"),
        ("two codings", "Transfer-Encoding: gzip, chunked"),
        ("identity", "Transfer-Encoding: identity"),
        ("chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    ] {
        cases.push(bytes(name, field(fields) + "0\r\n\r\n"));
    }
    cases.push(bytes("a long request line", line(&format!("GET /implicit?{} HTTP/1.1", "a".repeat(9000)))));
    cases.push(bytes("many fields", field(&vec!["X: y"; 150].join("\r\n"))));
    cases.push(bytes("a long field", field(&format!("X: {}", "y".repeat(70_000)))));
    cases.push(get_with("/implicit", &format!("X: {}\r\n", "y".repeat(10_000))));
    cases
}
