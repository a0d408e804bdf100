//! What is the same over uwsgi, FastCGI and SCGI: variables are a request, or none (RFC 3875 §4.1).

use super::{Request, crc32, get, post, request};
use crate::protocol::Protocol;
use crate::row::{Expected, Outcome, Row, Rule, Then, by_server, closed, half_closed, ok, refused};

const GOOD: Rule = ("a request", "3875 §4.1");
const BODY: Rule = ("a request with a body", "3875 §4.2");
const ANSWER: Rule = ("an answer in the protocol's form", "3875 §6");
const SPLITTING: Rule = ("A28 response splitting", "3875 §6.3.4");
const MISSING: Rule = ("U4 variables that are missing", "3875 §4.1");
const LENGTH: Rule = ("U6 CONTENT_LENGTH", "3875 §4.1.2");
const SHORT: Rule = ("U6 a body that stops", "3875 §4.2");
const MAGIC: Rule = ("U7 variables that are orders to uWSGI", "ROBUSTNESS U7");
const LEFTOVER: Rule = ("U8 a body that nobody reads", "ROBUSTNESS U8");
const CONTROL: Rule = ("U9 NUL, CR and LF", "3875 §4.1");
const TWICE: Rule = ("U9 variables that are there twice", "ROBUSTNESS U9");
const ALIAS: Rule = ("U9 names that alias others", "ROBUSTNESS U9");
const MANY: Rule = ("U9 many variables", "6585 §5");
const TARGET: Rule = ("A18 targets", "9112 §3.2");
const HOST: Rule = ("A19 Host", "9112 §3.2");

/// All that the application sees of `POST /a`, with nothing that the variables beside it say.
const PICTURE: &str = "POST /a\nproto HTTP/1.1\nhost \"x\"\nlength 5\ncoding []\nclose false\npath \"/a\"\n\
                       field \"Content-Length\" = \"5\"\nbody \"hello\"\n";

/// The rows for one protocol.
pub fn rows(protocol: Protocol) -> Vec<Row> {
    let table = Table(protocol);
    let mut rows = table.first();
    rows.extend(table.bodies());
    rows.extend(table.leftovers());
    // What the variables say matters to these, not how they come.
    let of_variables = [
        table.good(),
        table.targets(),
        table.answers(),
        table.lengths(),
        table.orders(),
        table.controls(),
        table.doubles(),
        table.aliases(),
        table.limits(),
    ];
    rows.extend(of_variables.into_iter().flatten().map(Row::one_of_several));
    rows
}

struct Table(Protocol);

impl Table {
    fn answered(&self, rule: Rule, request: &Request, answer: Expected) -> Row {
        closed(rule, request.pack(self.0), answer)
    }

    fn refused(&self, rule: Rule, status: &'static [u16], request: &Request) -> Row {
        refused(rule, status, request.pack(self.0))
    }

    /// Some of each kind, which are cut at each place.
    fn first(&self) -> Vec<Row> {
        let stream = ok("GET /answer/stream").without("Content-Length").body("one two");
        let proxy = ok("POST /a").line("body \"hello\"").unannounced();
        let short = request("POST", "/careless").with("CONTENT_LENGTH", "10").and_then("hello");
        vec![
            self.answered(GOOD, &get("/a"), ok("GET /a").line("host \"x\"").line("length 0")),
            self.answered(ANSWER, &get("/answer/stream"), stream),
            self.answered(ANSWER, &get("/answer/204"), ok("GET /answer/204").status(204).body("")),
            self.answered(ANSWER, &request("HEAD", "/a"), ok("HEAD /a").of_head()),
            self.answered(ALIAS, &post("/a", "hello").with("HTTP_PROXY", "http://evil"), proxy),
            self.refused(CONTROL, &[400], &get("/a\r\nX: b")),
            self.refused(LENGTH, &[400], &request("POST", "/a").with("CONTENT_LENGTH", "-1")),
            self.answered(MISSING, &get("/a").without("REQUEST_METHOD"), by_server(400)),
            half_closed(SHORT, short.pack(self.0), Outcome::GivenUp),
        ]
    }

    fn good(&self) -> Vec<Row> {
        let with = |name: &str, value: &str| get("/a").with(name, value);
        let seen = |line: &str| ok("GET /a").line(line);
        let parts = |script: &str, path: &str, query: &str| {
            let parts = get("").without("REQUEST_URI").with("SCRIPT_NAME", script);
            parts.with("PATH_INFO", path).with("QUERY_STRING", query)
        };
        let nameless = || get("/a").without("HTTP_HOST");
        vec![
            self.answered(
                GOOD,
                &get("/a"),
                ok("GET /a").line("host \"x\"").line("proto HTTP/1.1").line("length 0"),
            ),
            self.answered(GOOD, &get("/a?b=c&d"), ok("GET /a?b=c&d").line("path \"/a\"")),
            self.answered(GOOD, &get("/a%20b"), ok("GET /a%20b").line("path \"/a b\"")),
            self.answered(GOOD, &request("DELETE", "/a"), ok("DELETE /a")),
            self.answered(GOOD, &request("HEAD", "/a"), ok("HEAD /a").of_head()),
            self.answered(GOOD, &request("OPTIONS", "*"), by_server(200).body("")),
            self.answered(GOOD, &with("HTTP_X_A_B", "c d"), seen("field \"X-A-B\" = \"c d\"")),
            self.answered(GOOD, &with("HTTP_COOKIE", "a=b"), seen("field \"Cookie\" = \"a=b\"")),
            self.answered(GOOD, &with("CONTENT_TYPE", "a/b"), seen("field \"Content-Type\" = \"a/b\"")),
            self.answered(GOOD, &with("HTTP_X", ""), seen("field \"X\" = \"\"")),
            self.answered(GOOD, &with("HTTP_X", "caf\u{e9}"), seen("field \"X\" = \"caf\u{e9}\"")),
            self.answered(GOOD, &with("SERVER_PROTOCOL", "HTTP/1.0"), seen("proto HTTP/1.0")),
            self.answered(GOOD, &with("SERVER_PROTOCOL", "HTTP/1.1"), seen("proto HTTP/1.1")),
            self.answered(GOOD, &with("SERVER_PROTOCOL", "HTTP/2.0"), seen("proto HTTP/1.1")),
            self.answered(GOOD, &parts("", "/a b", ""), ok("GET /a%20b").line("path \"/a b\"")),
            self.answered(GOOD, &parts("/a", "/b", "c=d"), ok("GET /a/b?c=d")),
            self.answered(GOOD, &parts("/a", "", ""), ok("GET /a")),
            self.answered(GOOD, &parts("", "/\r", ""), by_server(400)),
            self.answered(GOOD, &nameless().with("SERVER_NAME", "y"), seen("host \"y\"")),
            self.answered(
                GOOD,
                &nameless().with("SERVER_NAME", "y").with("SERVER_PORT", "81"),
                seen("host \"y:81\""),
            ),
            self.answered(MISSING, &get("/a").without("REQUEST_METHOD"), by_server(400)),
            self.answered(MISSING, &get("/a").set("REQUEST_METHOD", ""), by_server(400)),
            self.answered(MISSING, &get("/a").without("REQUEST_URI"), by_server(400)),
            self.answered(MISSING, &get("/a").set("REQUEST_URI", ""), by_server(400)),
            self.answered(MISSING, &nameless(), by_server(400)),
            self.answered(MISSING, &parts("", "", "a"), by_server(400)),
            self.answered(MISSING, &parts("", "a", ""), by_server(400)),
        ]
    }

    fn targets(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for target in [
            &b"/a b"[..],
            b"/%zz",
            b"/\x01",
            b"/\x7f",
            b"/caf\xc3\xa9",
            b"/\xc0\xaf",
            b"a",
            b" /a",
            b"*",
            b"x:/a",
        ] {
            rows.push(self.refused(TARGET, &[400], &get("").set("REQUEST_URI", target)));
        }
        for target in ["/../../etc", "//a", "/?a=%zz", "/%00", "/%0d%0aX:1"] {
            rows.push(self.answered(TARGET, &get(target), ok(format!("GET {target}")).without("X")));
        }
        for method in ["G T", "GET\t", "G(T", "G\u{e9}T"] {
            rows.push(self.refused(TARGET, &[400], &request(method, "/a")));
        }
        for version in ["HTTP/1", "FTP/1.1", "HTTP/0.9", "http/1.1", "HTTP/1.1 "] {
            rows.push(self.refused(TARGET, &[400], &get("/a").with("SERVER_PROTOCOL", version)));
        }
        rows.push(self.refused(TARGET, &[405], &request("CONNECT", "h:443")));
        rows.push(self.refused(TARGET, &[400], &request("CONNECT", "/")));
        rows.push(self.refused(TARGET, &[414], &get(&format!("/{}", "a".repeat(9000)))));
        for host in ["a, b", "u@h", "h/p", "[::1", "a b", "a\tb", "\u{e9}"] {
            rows.push(self.refused(HOST, &[400], &get("/a").set("HTTP_HOST", host)));
        }
        rows.push(self.refused(HOST, &[400], &get("http://b/")));
        rows.push(self.answered(HOST, &get("http://x/b"), ok("GET http://x/b").line("host \"x\"")));
        rows
    }

    fn bodies(&self) -> Vec<Row> {
        let large: Vec<u8> =
            (0..100_000_u32).map(|n| u8::try_from(n % 251 * (n / 251) % 251).unwrap()).collect();
        let seen = |body: &[u8]| {
            let sum = crc32(body);
            ok("POST /a").line(format!("body of {} bytes, {sum:08x}", body.len()))
        };
        let end = || Outcome::Answered(vec![ok("POST /a").line("body \"hello\"")], Then::Closed);
        let mut rows = vec![
            self.answered(BODY, &post("/a", "hello"), ok("POST /a").line("body \"hello\"").line("length 5")),
            self.answered(BODY, &post("/a", "\0\r\n\u{1}"), ok("POST /a").line("body \"\\x00\\r\\n\\x01\"")),
            self.answered(BODY, &post("/a", ""), ok("POST /a").line("body \"\"").line("length 0")),
            self.answered(BODY, &request("POST", "/a"), ok("POST /a").line("body \"\"")),
            half_closed(BODY, post("/a", "hello").pack(self.0), end()),
            half_closed(BODY, get("/a").pack(self.0), Outcome::Answered(vec![ok("GET /a")], Then::Closed)),
            self.answered(BODY, &post("/unread", "hello"), ok("POST /unread")),
            self.answered(BODY, &post("/half", "hello"), ok("POST /half")),
        ];
        for length in [101, 16_384, 65_535, 65_536, 100_000] {
            let row = self.answered(BODY, &post("/a", &large[..length]), seen(&large[..length]));
            rows.push(if length < 100_000 { row.one_of_many() } else { row });
        }
        rows
    }

    fn answers(&self) -> Vec<Row> {
        let get = |target: &str, answer: Expected| self.answered(ANSWER, &get(target), answer);
        let head = |target: &str| {
            self.answered(ANSWER, &request("HEAD", target), ok(format!("HEAD {target}")).of_head())
        };
        let is = |target: &str, status: u16| ok(format!("GET {target}")).status(status);
        let splitting = |target: &str, answer: Expected| {
            self.answered(SPLITTING, &super::get(target), answer.without("Set-Cookie"))
        };
        vec![
            get("/answer/204", is("/answer/204", 204).without("Content-Length").body("")),
            get("/answer/304", is("/answer/304", 304).body("")),
            get("/answer/404", is("/answer/404", 404).body("404 page not found\n")),
            get("/answer/500", is("/answer/500", 500).body("body")),
            get("/answer/302", is("/answer/302", 302).field("Location", "/a")),
            get("/answer/stream", is("/answer/stream", 200).without("Content-Length").body("one two")),
            get("/answer/large", is("/answer/large", 200).length(300_000)),
            get("/answer/nothing", is("/answer/nothing", 200).body("")),
            get("/answer/twice", is("/answer/twice", 202).body("accepted")),
            get("/answer/exact", is("/answer/exact", 200).field("Content-Length", "4").body("body")),
            get("/answer/short", is("/answer/short", 200).field("Content-Length", "10").torn()),
            get("/answer/long", is("/answer/long", 200).body("bo")),
            get("/answer/both", is("/answer/both", 200).body("body")),
            get("/answer/coding", is("/answer/coding", 200).body("body")),
            head("/answer/exact"),
            head("/answer/stream"),
            head("/answer/short"),
            head("/answer/nothing"),
            self.answered(
                ANSWER,
                &request("HEAD", "/answer/204"),
                ok("HEAD /answer/204").status(204).of_head().without("Content-Length"),
            ),
            splitting("/answer/lf", is("/answer/lf", 200).body("body")),
            splitting("/answer/crlf", is("/answer/crlf", 200).body("body")),
            splitting("/answer/nul", is("/answer/nul", 500).without("X")),
            splitting("/answer/name", is("/answer/name", 200).body("body")),
            splitting("/answer/status", is("/answer/status", 200).body("body")),
            splitting("/answer/redirection", is("/answer/redirection", 302)),
        ]
    }

    fn lengths(&self) -> Vec<Row> {
        let said =
            |length: &str, body: &str| request("POST", "/a").with("CONTENT_LENGTH", length).and_then(body);
        let mut rows = Vec::new();
        for length in [
            "-1",
            "+5",
            "-0",
            "abc",
            "5x",
            "0x5",
            "0o5",
            "1_0",
            "5 5",
            " 5",
            "5 ",
            "5,5",
            "5, 10",
            "5.0",
            "005",
            "99999999999999999999",
            "18446744073709551615",
            "9223372036854775808",
            "\u{b2}",
        ] {
            rows.push(self.refused(LENGTH, &[400], &said(length, "hello")));
        }
        rows.push(self.answered(LENGTH, &said("", ""), ok("POST /a").line("length 0")));
        for (first, second) in [("5", "5"), ("5", "10"), ("10", "5"), ("", "5"), ("5", "")] {
            let twice = said(first, "hello").with("CONTENT_LENGTH", second);
            rows.push(self.refused(LENGTH, &[400], &twice));
        }
        for path in ["/a", "/careless"] {
            for (length, body) in
                [("10", "hello"), ("5", ""), ("100000", "hello"), ("1000000000000", "hello")]
            {
                let short = request("POST", path).with("CONTENT_LENGTH", length).and_then(body);
                let row = half_closed(SHORT, short.pack(self.0), Outcome::GivenUp);
                rows.push(if path == "/a" { row } else { row.one_of_many() });
            }
        }
        rows
    }

    /// Variables by which uWSGI is told to load code, to change its settings, to touch or to read files.
    fn orders(&self) -> Vec<Row> {
        let orders = [
            ("UWSGI_FILE", "exec://touch /tmp/goherd-was-ordered"),
            ("UWSGI_FILE", "/tmp/goherd.so"),
            ("UWSGI_SCRIPT", "os"),
            ("UWSGI_MODULE", "os"),
            ("UWSGI_CALLABLE", "system"),
            ("UWSGI_PYHOME", "/tmp"),
            ("UWSGI_HOME", "/tmp"),
            ("UWSGI_CHDIR", "/tmp"),
            ("UWSGI_SETENV", "GODEBUG=gctrace=1"),
            ("UWSGI_TOUCH_RELOAD", "/tmp"),
            ("UWSGI_POSTFILE", "/tmp/goherd-was-ordered"),
            ("UWSGI_CACHE_GET", "key"),
            ("UWSGI_CACHE_SET", "key"),
            ("UWSGI_APPID", "other"),
            ("UWSGI_SCHEME", "https"),
            ("UWSGI_TRUSTED", "1"),
            ("SCRIPT_FILENAME", "/tmp/goherd.so"),
            ("DOCUMENT_ROOT", "/tmp"),
            ("PATH", "/tmp"),
            ("LD_PRELOAD", "/tmp/goherd.so"),
        ];
        let all = orders.iter().fold(post("/a", "hello"), |request, (name, value)| request.with(name, value));
        let each = orders.map(|(name, value)| post("/a", "hello").with(name, value));
        let row = |request: &Request| self.answered(MAGIC, request, ok("POST /a").body(PICTURE));
        each.iter().map(|request| row(request).one_of_many()).chain([row(&all)]).collect()
    }

    fn leftovers(&self) -> Vec<Row> {
        let hidden = get("/smuggled").pack(self.0);
        let http = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
        let mut rows = Vec::new();
        for hidden in [hidden, http] {
            for path in ["/unread", "/half", "/answer/exact", "/answer/204"] {
                let answer = ok(format!("POST {path}")).status(if path.ends_with("204") { 204 } else { 200 });
                let row = self.answered(LEFTOVER, &post(path, hidden.clone()), answer);
                rows.push(if path == "/unread" { row } else { row.one_of_several() });
            }
            let many = hidden.repeat(2000);
            rows.push(self.answered(LEFTOVER, &post("/unread", many), ok("POST /unread")).one_of_many());
            if self.0 != Protocol::FastCgi {
                // Without a length, or with one that is too small, what follows is nobody's.
                rows.push(self.answered(LEFTOVER, &get("/a").and_then(hidden.clone()), ok("GET /a")));
                let short = request("POST", "/a").with("CONTENT_LENGTH", "5");
                let more = short.and_then([b"hello", &hidden[..]].concat());
                rows.push(self.answered(LEFTOVER, &more, ok("POST /a").line("body \"hello\"")));
                let bad = get("/a b").and_then(hidden);
                rows.push(self.refused(LEFTOVER, &[400], &bad));
            }
        }
        rows
    }

    fn controls(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        // Over SCGI a NUL is the end of a name or value, and nothing else can be said with it.
        let all: &[&str] =
            if self.0 == Protocol::Scgi { &["\r", "\n", "\r\n"] } else { &["\r", "\n", "\0", "\r\n"] };
        for control in all {
            for (number, name) in [
                "REQUEST_METHOD",
                "REQUEST_URI",
                "HTTP_HOST",
                "QUERY_STRING",
                "CONTENT_TYPE",
                "SERVER_PROTOCOL",
                "SERVER_NAME",
                "HTTP_X",
                "HTTP_PROXY",
                "UNKNOWN",
                "UWSGI_FILE",
                "REMOTE_USER",
            ]
            .into_iter()
            .enumerate()
            {
                let value = format!("/a{control}X: b");
                let row = self.refused(CONTROL, &[400], &get("/a").set(name, value));
                rows.push(if number > 2 { row.one_of_many() } else { row });
            }
            for (name, value) in [
                (format!("HTTP_X{control}"), "a".to_owned()),
                (format!("HTTP_X{control}Y: b"), "a".to_owned()),
                (format!("{control}HTTP_X"), "a".to_owned()),
                ("HTTP_X".to_owned(), (*control).to_owned()),
                ("HTTP_X".to_owned(), format!("a{control}")),
                ("CONTENT_LENGTH".to_owned(), format!("0{control}")),
            ] {
                rows.push(self.refused(CONTROL, &[400], &get("/a").with(name, value)));
            }
        }
        for byte in (1..32).filter(|byte| ![b'\t', b'\r', b'\n'].contains(byte)).chain([127]) {
            let bytes = [b'a', byte, b'b'];
            rows.push(self.refused(CONTROL, &[400], &get("/a").with("HTTP_X", bytes)).one_of_many());
        }
        rows
    }

    fn doubles(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for name in [
            "REQUEST_METHOD",
            "REQUEST_URI",
            "PATH_INFO",
            "SCRIPT_NAME",
            "QUERY_STRING",
            "SERVER_PROTOCOL",
            "HTTP_HOST",
            "SERVER_NAME",
            "SERVER_PORT",
            "CONTENT_TYPE",
            "REMOTE_ADDR",
            "REMOTE_PORT",
            "HTTPS",
            "REQUEST_SCHEME",
        ] {
            let one = get("/a").variables.iter().find(|(found, _)| found == name.as_bytes()).cloned();
            let value = one.map_or(b"/b".to_vec(), |(_, value)| value);
            let once = get("/a").set(name, &value);
            rows.push(self.refused(TWICE, &[400], &once.clone().with(name, value)).one_of_many());
            rows.push(self.refused(TWICE, &[400], &once.with(name, "")).one_of_many());
        }
        let two = get("/a").with("HTTP_X", "1").with("HTTP_X", "2");
        let both = ok("GET /a").line("field \"X\" = \"1\"").line("field \"X\" = \"2\"");
        rows.push(self.answered(TWICE, &two, both));
        let two = get("/a").with("UNKNOWN", "1").with("UNKNOWN", "2");
        rows.push(self.answered(TWICE, &two, ok("GET /a")));
        rows
    }

    fn aliases(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (name, value) in [
            ("HTTP_PROXY", "http://evil"),
            ("HTTP_CONTENT_LENGTH", "10"),
            ("HTTP_CONTENT_TYPE", "a/b"),
            ("HTTP_TRANSFER_ENCODING", "chunked"),
            ("HTTP_CONNECTION", "close"),
            ("HTTP_CONNECTION", "upgrade"),
            ("HTTP_KEEP_ALIVE", "1"),
            ("HTTP_UPGRADE", "websocket"),
            ("HTTP_EXPECT", "100-continue"),
            ("HTTP_EXPECT", "200-ok"),
            ("http_x", "a"),
            ("HTTP_x", "a"),
            ("Http_X", "a"),
            ("HTTP_X-Y", "a"),
            ("HTTP-X", "a"),
            ("HTTP_", "a"),
            ("HTTP", "a"),
            ("HTTP_X Y", "a"),
            ("HTTP_X:", "a"),
            ("HTTP_X\u{e9}", "a"),
            ("http_host", "other"),
            ("HTTP_host", "other"),
            ("request_method", "PUT"),
            ("content_length", "10"),
            ("Content-Length", "10"),
            ("Content-Length: 10", ""),
            ("TRANSFER_ENCODING", "chunked"),
        ] {
            let answer = ok("POST /a").body(PICTURE).unannounced();
            let row = self.answered(ALIAS, &post("/a", "hello").with(name, value), answer);
            rows.push(if name.starts_with("HTTP_C") || name == "HTTP_PROXY" {
                row
            } else {
                row.one_of_many()
            });
        }
        rows
    }

    fn limits(&self) -> Vec<Row> {
        let own = get("/a").variables.len() + if self.0 == Protocol::Scgi { 2 } else { 0 };
        let many = |name: &str, count: usize| {
            (0..count).fold(get("/a"), |all, n| all.with(format!("{name}{n}"), "v"))
        };
        // Host is a field, and so is the CONTENT_LENGTH that SCGI must have.
        let most = if self.0 == Protocol::Scgi { 98 } else { 99 };
        let field = |length: usize| get("/a").with("HTTP_X", "y".repeat(length));
        vec![
            self.answered(MANY, &many("V", 256 - own), ok("GET /a")),
            self.refused(MANY, &[431], &many("V", 257 - own)),
            self.refused(MANY, &[431], &many("V", 600)),
            self.answered(MANY, &many("HTTP_X", most), ok("GET /a").line("field \"X97\" = \"v\"")),
            self.refused(MANY, &[431], &many("HTTP_X", most + 1)),
            self.answered(MANY, &field(15 << 10), ok("GET /a").line("field \"X\" = \"(15360 bytes)\"")),
            self.refused(MANY, &[431], &field(17 << 10)),
            self.refused(MANY, &[431], &field(60_000)).one_of_many(),
        ]
    }
}
