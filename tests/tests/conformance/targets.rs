//! The target of a request, and the host that it is for (RFC 9112 §3.2, §3.3).

use crate::row::{Row, Rule, by_server, bytes, closed, each_refused, get, kept, line, ok, refused};

const RAW: Rule = ("A18 raw bytes in the target", "9112 §3.2");
const ENCODED: Rule = ("A18 encoded bytes in the target", "9112 §3.2, 9110 §4.2.4");
const FORM: Rule = ("A18 form of the target", "9112 §3.2");
const HOST: Rule = ("A19 Host", "9112 §3.2, 9110 §7.2");
const ABSOLUTE: Rule = ("A20 absolute-form", "9112 §3.2.2");
const STAR: Rule = ("A21 asterisk-form", "9112 §3.2.4");
const CONNECT: Rule = ("A21 CONNECT", "9112 §3.2.3, 9110 §9.3.6");

pub fn rows() -> Vec<Row> {
    let mut rows = targets();
    rows.extend(hosts());
    rows.extend(absolute());
    rows.extend(stars_and_tunnels());
    rows
}

fn targets() -> Vec<Row> {
    let mut rows: Vec<_> = each_refused(
        RAW,
        &[400],
        [
            "/\x00",
            "/caf\u{c3}\u{a9}",
            "/\u{c0}\u{af}",
            "/\x01",
            "/\x08",
            "/a\x0bb",
            "/a\x0cb",
            "/\x1b[2J",
            "/\x7f",
            "/\u{80}",
            "/\u{ff}",
            "/a\tb",
            "/a b",
            "/?q=\u{e9}",
            "/?\x00",
            "/a\x1f",
            "/#\u{e9}",
        ]
        .map(|target| bytes(&get(target))),
    )
    .collect();
    rows.extend(each_refused(
        FORM,
        &[400],
        [
            "#frag", "?query", "a", "x/y", "a:80", "%2f", "\\", "/%zz", "/%", "/%2", "/a%2gb", "*x", "**",
            "/a#frag", "/#", "/%%30", "http:", "://", "/a\\b", "/\\x",
        ]
        .map(get),
    ));
    for target in [
        "/",
        "//x",
        "///",
        "/../../etc",
        "/./a/../b",
        "/a%2fb",
        "/%2e%2e/",
        "/a//b/",
        "/?",
        "/??",
        "/a?b=c&d=e;f",
        "/a;b=c",
        "/?a\\b",
        "/~user",
        "/a:b@c",
        "/a+b%20c",
        "/?a=%zz",
        "/*",
        "/%C3%A9",
        "/%FF",
    ] {
        rows.push(kept(FORM, get(target), ok(format!("GET {target}"))));
    }
    rows.extend([
        kept(ENCODED, get("/%00"), ok("GET /%00").line("path \"/\\x00\"").without("Set-Cookie")),
        kept(
            ENCODED,
            get("/%0d%0aX:%201"),
            ok("GET /%0d%0aX:%201").line("path \"/\\r\\nX: 1\"").without("X"),
        ),
        kept(
            ENCODED,
            get("/%250d%250aX:1"),
            ok("GET /%250d%250aX:1").line("path \"/%0d%0aX:1\"").without("X"),
        ),
        kept(
            ENCODED,
            get("/%0D%0ASet-Cookie:a%0D%0A%0D%0AHTTP/1.1"),
            ok("GET /%0D%0ASet-Cookie:a%0D%0A%0D%0AHTTP/1.1").without("Set-Cookie"),
        ),
    ]);
    rows
}

fn hosts() -> Vec<Row> {
    let with = |host: &str| format!("GET /a HTTP/1.1\r\n{host}\r\n");
    let mut rows: Vec<_> = each_refused(
        HOST,
        &[400],
        [
            "",
            "Host: a\r\nHost: b\r\n",
            "Host: a\r\nHost: a\r\n",
            "Host: a\r\nhOST: a\r\n",
            "Host: a\r\nHost:\r\n",
            "Host:\r\n",
            "Host: \t\r\n",
            "Host: a, b\r\n",
            "Host: a,b\r\n",
            "Host: u@h\r\n",
            "Host: u:p@h\r\n",
            "Host: h/p\r\n",
            "Host: h?q\r\n",
            "Host: h#f\r\n",
            "Host: h\\p\r\n",
            "Host: [::1\r\n",
            "Host: ::1]\r\n",
            "Host: []\r\n",
            "Host: [::1]x\r\n",
            "Host: [x]\r\n",
            "Host: a b\r\n",
            "Host: a\tb\r\n",
            "Host: a\x01b\r\n",
            "Host: a\x7f\r\n",
            "Host: a\0\r\n",
            "Host: a\u{e9}\r\n",
            "Host: a:80:80\r\n",
            "Host: a:x\r\n",
            "Host: a:-1\r\n",
            "Host: a:+80\r\n",
            "Host: a:999999\r\n",
            "Host: a:65536\r\n",
            "Host: :80\r\n",
            "Host: a%zz\r\n",
            "Host: a%4\r\n",
            "Host: [1:2:3]\r\n",
            "Host: http://a\r\n",
            "Host: a\"b\r\n",
            "Host: <a>\r\n",
            "Host: a|b\r\n",
            "Host: a^b\r\n",
            "Host: {a}\r\n",
            "Host : a\r\n",
            "Host\t: a\r\n",
            " Host: a\r\n",
            "Host: a\r\n b\r\n",
            "X: y\r\n",
            "Host_: a\r\n",
        ]
        .map(|host| bytes(&with(host))),
    )
    .collect();
    for host in
        ["a", "a:80", "A.Example", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:80", "a-b_c.d", "a.", "a:"]
    {
        let answer = ok("GET /a").line(format!("host \"{host}\""));
        rows.push(kept(HOST, with(&format!("Host: {host}\r\n")), answer.clone()));
        rows.push(kept(HOST, with(&format!("hoST:{host} \t\r\n")), answer));
    }
    rows.extend([
        closed(HOST, "GET /a HTTP/1.0\r\n\r\n", ok("GET /a").line("host \"\"").line("proto HTTP/1.0")),
        closed(HOST, "GET /a HTTP/1.0\r\nHost: x\r\n\r\n", ok("GET /a").line("host \"x\"")),
        refused(HOST, &[400], "GET /a HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n"),
        refused(HOST, &[400], "GET /a HTTP/1.0\r\nHost: x y\r\n\r\n"),
        refused(HOST, &[400], "GET /a HTTP/1.9\r\n\r\n"),
    ]);
    rows
}

fn absolute() -> Vec<Row> {
    let with = |target: &str, host: &str| format!("GET {target} HTTP/1.1\r\n{host}\r\n");
    let mut rows: Vec<_> = each_refused(
        ABSOLUTE,
        &[400],
        [
            with("http://b/", "Host: a\r\n"),
            with("http://b:80/", "Host: b:81\r\n"),
            with("http://b.a/", "Host: b\r\n"),
            with("http://b/", ""),
            with("http://b/", "Host: b\r\nHost: b\r\n"),
            with("http://b/", "Host: b, b\r\n"),
            with("http://u@b/", "Host: b\r\n"),
            with("http://u@b/", "Host: u@b\r\n"),
            with("http://a@b/", "Host: a\r\n"),
            with("http:///a", "Host: b\r\n"),
            with("http://", "Host: b\r\n"),
            with("http:/a", "Host: b\r\n"),
            with("http:a", "Host: b\r\n"),
            with("http//b/", "Host: b\r\n"),
            with("http://b\\a/", "Host: b\r\n"),
            with("http://[::1/", "Host: [::1\r\n"),
            with("http://b/%zz", "Host: b\r\n"),
            with("://b/", "Host: b\r\n"),
        ],
    )
    .collect();
    for (target, host, seen) in [
        ("http://b/", "Host: b\r\n", "b"),
        ("http://b/a?q", "Host: b\r\n", "b"),
        ("http://b?q", "Host: b\r\n", "b"),
        ("http://b", "Host: b\r\n", "b"),
        ("HTTP://b/", "Host: b\r\n", "b"),
        ("http://B/", "Host: b\r\n", "B"),
        ("http://b:80/", "Host: b:80\r\n", "b:80"),
        ("http://[::1]:80/", "Host: [::1]:80\r\n", "[::1]:80"),
        ("http://b/?u@c", "Host: b\r\n", "b"),
    ] {
        let answer = ok(format!("GET {target}")).line(format!("host \"{seen}\""));
        rows.push(kept(ABSOLUTE, with(target, host), answer));
    }
    rows.push(closed(ABSOLUTE, "GET http://b/a HTTP/1.0\r\n\r\n", ok("GET http://b/a").line("host \"b\"")));
    rows.push(refused(ABSOLUTE, &[400], "GET http://b/a HTTP/1.0\r\nHost: a\r\n\r\n"));
    rows
}

fn stars_and_tunnels() -> Vec<Row> {
    let mut rows = vec![
        kept(STAR, line("OPTIONS * HTTP/1.1"), by_server(200).field("Content-Length", "0").body("")),
        kept(STAR, line("OPTIONS /a HTTP/1.1"), ok("OPTIONS /a")),
        refused(STAR, &[400], line("GET * HTTP/1.1")),
        refused(STAR, &[400], line("POST * HTTP/1.1")),
        refused(STAR, &[400], line("options * HTTP/1.1")),
        refused(STAR, &[400], line("OPTIONS ** HTTP/1.1")),
        refused(STAR, &[400], line("OPTIONS *?a HTTP/1.1")),
        refused(STAR, &[400], line("OPTIONS a HTTP/1.1")),
        refused(CONNECT, &[405], "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"),
        refused(CONNECT, &[405], line("CONNECT h:443 HTTP/1.1")),
        refused(CONNECT, &[405], "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nContent-Length: 5\r\n\r\nhello"),
        refused(CONNECT, &[405], "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"),
        closed(
            ("A21 CONNECT", "9110 §15.5.6"),
            line("CONNECT h:443 HTTP/1.1"),
            by_server(405).field("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE"),
        ),
    ];
    rows.extend(each_refused(
        CONNECT,
        &[400],
        ["/", "*", "h", "http://h:443/", "h:443/", "u@h:443", "h:x", "h:", ":443", "[::1]"]
            .map(|target| line(&format!("CONNECT {target} HTTP/1.1"))),
    ));
    rows
}
