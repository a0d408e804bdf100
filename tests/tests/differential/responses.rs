//! Answers: everything that a handler may do with its ResponseWriter.

use crate::case::{Case, bytes, get, get_with, request};

pub fn cases() -> Vec<Case> {
    let mut cases = statuses();
    cases.extend(lengths_and_types());
    cases.extend(fields());
    cases.extend(files());
    cases.extend(endings());
    cases.extend(special());
    cases
}

/// The same with HEAD.
fn both(target: &str) -> [Case; 2] {
    [get(target), request("HEAD", target, "", "")]
}

fn statuses() -> Vec<Case> {
    let mut cases = Vec::new();
    for code in [
        200, 201, 202, 204, 205, 206, 226, 299, 300, 301, 304, 400, 401, 404, 413, 418, 429, 451, 499, 500,
        501, 503, 599, 600, 799, 999,
    ] {
        cases.extend(both(&format!("/status?code={code}")));
        cases.push(get("/left?name=status").named(&format!("the error of writing with {code}")));
    }
    for code in [0, 99, 1000] {
        cases.push(get(&format!("/status?code={code}")));
    }
    for target in
        ["/implicit", "/nothing", "/twice", "/after-body", "/error?code=404", "/error?code=500", "/notfound"]
    {
        cases.extend(both(target));
    }
    for (to, code) in [
        ("/echo", 301),
        ("/echo", 302),
        ("echo", 303),
        ("../echo", 307),
        ("//y/a", 308),
        ("http://y/%25", 302),
        ("", 302),
        ("?a=b", 302),
        ("/caf%C3%A9", 302),
        ("/a%0d%0aX:%20y", 302),
        ("/%3Cscript%3E", 302),
    ] {
        cases.extend(both(&format!("/redirect?to={to}&code={code}")));
    }
    cases
}

fn lengths_and_types() -> Vec<Case> {
    let mut cases = Vec::new();
    for (says, pieces) in [
        ("10", 1),
        ("20", 2),
        ("20", 1),
        ("5", 1),
        ("15", 2),
        ("0", 0),
        ("0", 1),
        ("10", 0),
        ("x", 1),
        ("-1", 1),
        ("%2B10", 1),
        ("%2010%20", 1),
        ("010", 1),
        ("100000", 1),
        ("10,10", 1),
    ] {
        cases.extend(both(&format!("/lengths?says={says}&pieces={pieces}")));
        cases.push(get("/left?name=lengths").named(&format!("the errors of writing {pieces} with {says}")));
    }
    cases.push(get("/lengths?says=&pieces=1").only_go());
    for n in 0..27 {
        cases.push(get(&format!("/sniff?n={n}")));
        cases.extend(
            ["pieces", "flushed", "late", "empty%20first"].map(|how| get(&format!("/sniff?n={n}&how={how}"))),
        );
    }
    for n in [1, 511, 512, 513, 2047, 2048, 2049, 4096, 16_383, 16_384, 16_385, 65_536, 102_400, 1_000_000] {
        cases.extend(both(&format!("/big?n={n}")));
        cases.push(get(&format!("/big?n={n}&length=1")));
        cases.push(get(&format!("/big?n={n}&piece=1000")));
        cases.push(get(&format!("/copied?n={n}")));
    }
    for query in ["", "?piece=a", "?piece=a&piece=b", "?piece=&piece=a", "?piece="] {
        cases.extend(both(&format!("/flushes{query}")));
    }
    for target in ["/typed", "/untyped", "/encoded", "/sniffless", "/zipped", "/file", "/file?length=1"] {
        cases.extend(both(target));
    }
    cases
}

fn fields() -> Vec<Case> {
    let mut cases = Vec::new();
    for target in [
        "/names",
        "/close",
        "/kept",
        "/other",
        "/close-too",
        "/identity",
        "/chunked",
        "/coded",
        "/both",
        "/dated",
        "/undated",
        "/nul",
        "/etag",
        "/upgrade",
        "/cookies",
    ] {
        cases.extend(both(target));
        cases.push(get_with(target, "Connection: close\r\n"));
    }
    cases.push(get_with("/etag", "If-None-Match: \"tag\"\r\n"));
    cases
}

fn files() -> Vec<Case> {
    let mut cases = Vec::new();
    for target in [
        "/files/",
        "/files/file.txt",
        "/files/page.html",
        "/files/unknown",
        "/files/large.bin",
        "/files/inside",
        "/files/inside/",
        "/files/inside/index.html",
        "/files/list",
        "/files/list/",
        "/files/list/a%20&%20b.txt",
        "/files/none",
        "/files/../secret",
        "/files/%2e%2e/secret",
        "/files/file.txt/",
        "/files/file.txt%00",
        "/servefile",
        "/content",
        "/files/a%2fb",
    ] {
        cases.extend(both(target));
    }
    let conditions = [
        "Range: bytes=0-4\r\n",
        "Range: bytes=5-\r\n",
        "Range: bytes=-5\r\n",
        "Range: bytes=0-0,2-3\r\n",
        "Range: bytes=30-\r\n",
        "Range: bytes=0-100\r\n",
        "Range: bytes=x\r\n",
        "Range: lines=0-1\r\n",
        "Range: bytes=5-2\r\n",
        "Range: bytes=0-\r\n",
        "Range: bytes=\r\n",
        "If-Modified-Since: Sun, 02 Feb 2020 02:02:02 GMT\r\n",
        "If-Modified-Since: Sat, 01 Feb 2020 02:02:02 GMT\r\n",
        "If-Modified-Since: x\r\n",
        "If-Unmodified-Since: Sat, 01 Feb 2020 02:02:02 GMT\r\n",
        "If-None-Match: \"tag\"\r\n",
        "If-None-Match: \"x\", W/\"tag\"\r\n",
        "If-None-Match: *\r\n",
        "If-None-Match: \"x\"\r\n",
        "If-Match: \"tag\"\r\n",
        "If-Match: \"x\"\r\n",
        "If-Range: \"tag\"\r\nRange: bytes=1-2\r\n",
        "If-Range: \"x\"\r\nRange: bytes=1-2\r\n",
        "If-Range: Sun, 02 Feb 2020 02:02:02 GMT\r\nRange: bytes=1-2\r\n",
    ];
    for fields in conditions {
        for target in ["/content", "/files/file.txt", "/servefile"] {
            // The boundary between several ranges is a random one.
            if !fields.contains(",2-3") {
                cases.push(get_with(target, fields));
                cases.push(request("HEAD", target, fields, ""));
            }
        }
    }
    cases.push(get_with("/content", "Range: bytes=0-0,2-3\r\n").named("several ranges"));
    cases.push(get_with("/files/large.bin", "Range: bytes=1000-700000\r\n"));
    cases
}

fn endings() -> Vec<Case> {
    let mut cases = Vec::new();
    for query in [
        "abort=1",
        "abort=1&write=a",
        "abort=1&write=a&flush=1",
        "abort=1&flush=1",
        "",
        "write=a",
        "write=a&flush=1",
        "flush=1",
    ] {
        cases.push(get(&format!("/failing?{query}")));
    }
    let long = "a".repeat(6000);
    cases.push(get(&format!("/failing?write={long}")).named("a panic after a long body"));
    cases.push(get(&format!("/failing?abort=1&write={long}")).named("an abort after a long body"));
    cases.push(get("/wrapped"));
    cases
}

fn special() -> Vec<Case> {
    let mut cases = Vec::new();
    for target in [
        "/trailer-declared",
        "/trailer-undeclared",
        "/abilities",
        "/controller",
        "/context",
        "/timeout",
        "/in-time",
        "/proxy/implicit",
        "/proxy/big?n=100000",
        "/proxy/flushes?piece=a&piece=b",
        "/proxy/trailer-declared",
        "/proxy/status?code=204",
        "/proxy/files/file.txt",
        "/proxy/redirect?to=/x&code=302",
        "/proxy/zipped",
        "/proxy/close",
        "/proxy/names",
        "/proxy/nothing",
    ] {
        cases.extend(both(target));
    }
    cases.push(get("/left?name=copied"));
    cases.push(get_with("/trailer-declared", "TE: trailers\r\n"));
    cases.push(bytes("1.0 trailer", "GET /trailer-declared HTTP/1.0\r\n\r\n"));
    cases.extend(
        ["/hints", "/status?code=100", "/status?code=102", "/status?code=103", "/proxy/hints"]
            .map(|target| get(target).only_go()),
    );
    cases.push(bytes("1.0 hints", "GET /hints HTTP/1.0\r\n\r\n").only_go());
    for (name, rest) in [("hijack", "line\n"), ("hijack with more", "line\nmore")] {
        cases.push(
            bytes(name, format!("GET /hijack HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n{rest}")).raw(),
        );
    }
    cases
}
