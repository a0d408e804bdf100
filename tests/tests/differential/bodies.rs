//! Bodies of requests: read, half read, not read, in all framings.

use crate::case::{Case, bytes, chunked, post, request};

pub fn cases() -> Vec<Case> {
    let mut cases = framings();
    cases.extend(forms());
    cases.extend(expectations());
    cases
}

fn framings() -> Vec<Case> {
    let large = "x".repeat(300_000);
    let mut cases = Vec::new();
    for target in [
        "/echo",
        "/ignore",
        "/half",
        "/nothing",
        "/status?code=204",
        "/close",
        "/read-late",
        "/limited",
        "/proxy/echo",
        "/in-time",
    ] {
        for body in ["", "abc", "a longer body", &large[..5000], &large[..100_000], &large] {
            cases.push(post(target, "", body));
            let chunks =
                if body.is_empty() { String::new() } else { format!("{:x}\r\n{body}\r\n", body.len()) };
            cases.push(chunked(target, "", &format!("{chunks}0\r\n\r\n")));
        }
    }
    for target in ["/read-late?flush=1", "/read-late?duplex=1", "/read-late?duplex=1&flush=1"] {
        cases.push(post(target, "", "hello"));
        cases.push(chunked(target, "", "5\r\nhello\r\n0\r\n\r\n"));
    }
    cases.extend([
        chunked("/echo", "", "5;a=b\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
        chunked("/echo", "", "5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n"),
        chunked("/echo", "Trailer: X-Sum, X-None\r\n", "5\r\nhello\r\n0\r\nX-Sum: abc\r\nX-Other: d\r\n\r\n"),
        chunked("/ignore", "Trailer: X-Sum\r\n", "5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n"),
        chunked("/echo", "Trailer: Content-Length\r\n", "0\r\n\r\n"),
        chunked("/echo", "", "5\r\nhelloX\r\n0\r\n\r\n"),
        chunked("/echo", "", "x\r\nhello\r\n0\r\n\r\n"),
        chunked("/half", "", "5\r\nhelloX\r\n0\r\n\r\n"),
        chunked("/ignore", "", "5\r\nhelloX\r\n0\r\n\r\n"),
        request("POST", "/echo", "", ""),
        request("GET", "/echo", "Content-Length: 5\r\n", "hello"),
        request("DELETE", "/echo", "Content-Length: 5\r\n", "hello"),
        request("HEAD", "/echo", "Content-Length: 5\r\n", "hello").only_go(),
        request("PUT", "/echo", "Content-Length: 5\r\nConnection: close\r\n", "hello"),
        request("OPTIONS", "*", "Content-Length: 5\r\n", "hello"),
        bytes(
            "a large body that does not come",
            "POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nx",
        ),
    ]);
    cases
}

fn forms() -> Vec<Case> {
    let typed = |content_type: &str| format!("Content-Type: {content_type}\r\n");
    let form = typed("application/x-www-form-urlencoded");
    let mut cases: Vec<_> = ["a=b&c=d", "a=%20+b&a=2", "a=%zz", "a;b", "", "a=b\r\n"]
        .map(|body| post("/form?q=1&a=0", &form, body))
        .into();
    cases.push(post("/form", &typed("text/plain"), "a=b"));
    cases.push(post("/form", &typed("x; =bad"), "a=b"));
    cases.push(post("/form", "", "a=b"));
    cases.push(request("PUT", "/form?q=1", &format!("{form}Content-Length: 3\r\n"), "a=b"));
    cases.push(request("GET", "/form?q=1", &format!("{form}Content-Length: 3\r\n"), "a=b"));
    let multipart = typed("multipart/form-data; boundary=B");
    let text = "--B\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\ntext\r\n";
    let file = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a b.txt\"\r\nContent-Type: text/plain\r\n\r\nfile\r\ncontent\r\n";
    for body in
        [format!("{text}{file}--B--\r\n"), format!("{text}--B--"), format!("{text}{file}"), "none".to_owned()]
    {
        cases.push(post("/upload", &multipart, &body));
    }
    let body = format!("{text}{file}--B--\r\n");
    cases.push(chunked("/upload", &multipart, &format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())));
    cases.push(post("/upload", "", &body));
    cases.push(post("/upload", &typed("multipart/form-data"), &body));
    let large = format!("{text}{}--B--\r\n", file.replace("content", &"y".repeat(90_000)));
    cases.push(post("/upload", &multipart, &large).named("a large upload"));
    cases.push(post("/cookies", "Cookie: a=b; c=\"d\"; bad; e=f\r\n", "x"));
    cases
}

fn expectations() -> Vec<Case> {
    let mut cases = Vec::new();
    for target in ["/echo", "/half", "/ignore", "/nothing", "/limited", "/close", "/proxy/echo", "/unknown"] {
        let head = expecting(target);
        cases.push(
            bytes(&format!("waits for {target}"), head.clone() + "Content-Length: 5\r\n\r\n")
                .after_interim("hello"),
        );
        cases.push(
            bytes(
                &format!("waits for {target} with chunks"),
                head.clone() + "Transfer-Encoding: chunked\r\n\r\n",
            )
            .after_interim("5\r\nhello\r\n0\r\n\r\n"),
        );
        cases.push(bytes(&format!("does not wait for {target}"), head + "Content-Length: 5\r\n\r\nhello"));
    }
    // Whoever waited here would wait for ever: net/http says no 100 when an answer has begun.
    for target in ["/read-late", "/read-late?flush=1"] {
        let sent = expecting(target) + "Content-Length: 5\r\n\r\nhello";
        cases.push(bytes(&format!("does not wait for {target}"), sent));
    }
    cases
}

fn expecting(target: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n")
}
