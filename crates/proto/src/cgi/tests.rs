//! What requests become of variables, and what becomes of bad ones.

use super::*;

/// A request that is well-formed; tests change it.
const PLAIN: [(&str, &str); 4] = [
    ("REQUEST_METHOD", "GET"),
    ("REQUEST_URI", "/a?b=c"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
    ("HTTP_HOST", "x"),
];

/// What `read` makes of the variables.
fn read(variables: &[(&str, &str)]) -> Result<Request, u16> {
    let mut request = Request::default();
    let variables = variables.iter().map(|(name, value)| Ok((name.as_bytes(), value.as_bytes())));
    let result = request.read(variables, &Limits::default());
    result.map_err(|refusal| refusal.status).map(|()| request)
}

/// The plain request, in which the variables of the same name are replaced by `changes`, and the others added.
fn changed(changes: &[(&str, &str)]) -> Result<Request, u16> {
    let kept = PLAIN.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    read(&kept.chain(changes).copied().collect::<Vec<_>>())
}

fn text(request: &Request, span: Span) -> &str {
    std::str::from_utf8(span.of(&request.bytes)).unwrap()
}

fn fields(request: &Request) -> Vec<(&str, &str)> {
    let fields = request.head.fields.iter();
    fields.map(|field| (text(request, field.name), text(request, field.value))).collect()
}

fn target(changes: &[(&str, &str)]) -> Result<String, u16> {
    changed(changes).map(|request| text(&request, request.head.target).to_owned())
}

fn host(changes: &[(&str, &str)]) -> Result<String, u16> {
    changed(changes).map(|request| text(&request, request.head.host).to_owned())
}

fn peer(address: &str, port: &str) -> String {
    changed(&[("REMOTE_ADDR", address), ("REMOTE_PORT", port)]).unwrap().peer
}

#[test]
fn what_nginx_sends_becomes_a_request() {
    let request = read(&[
        ("QUERY_STRING", "b=c"),
        ("REQUEST_METHOD", "POST"),
        ("CONTENT_TYPE", "text/plain"),
        ("CONTENT_LENGTH", "3"),
        ("REQUEST_URI", "/%61?b=c"),
        ("PATH_INFO", "/a"),
        ("DOCUMENT_ROOT", "/var/www"),
        ("SERVER_PROTOCOL", "HTTP/2.0"),
        ("REQUEST_SCHEME", "https"),
        ("HTTPS", "on"),
        ("REMOTE_ADDR", "192.0.2.7"),
        ("REMOTE_PORT", "4711"),
        ("SERVER_PORT", "443"),
        ("SERVER_NAME", "_"),
        ("HTTP_HOST", "example.org:8443"),
        ("HTTP_X_REAL_IP", " 192.0.2.7 "),
        ("HTTP_ACCEPT", "*/*"),
    ])
    .unwrap();
    let head = &request.head;
    assert_eq!(text(&request, head.method), "POST");
    assert_eq!(text(&request, head.target), "/%61?b=c");
    assert_eq!(text(&request, head.host), "example.org:8443");
    assert_eq!((head.minor, head.length, head.framing.body), (1, request.bytes.len(), Body::Length(3)));
    assert!(!head.framing.keep_alive && !head.framing.expects_continue);
    assert_eq!((request.peer.as_str(), request.https), ("192.0.2.7:4711", true));
    let expected = [
        ("X-Real-Ip", "192.0.2.7"),
        ("Accept", "*/*"),
        ("Host", "example.org:8443"),
        ("Content-Type", "text/plain"),
        ("Content-Length", "3"),
    ];
    assert_eq!(fields(&request), expected);
}

#[test]
fn memory_is_used_again_and_nothing_stays_from_before() {
    let mut request =
        changed(&[("HTTP_A", "1"), ("HTTPS", "on"), ("REMOTE_ADDR", "::1"), ("CONTENT_LENGTH", "9")]);
    let request = request.as_mut().unwrap();
    let variables = [(&b"REQUEST_METHOD"[..], &b"GET"[..]), (b"PATH_INFO", b"/"), (b"HTTP_HOST", b"y")];
    request.read(variables.into_iter().map(Ok), &Limits::default()).unwrap();
    assert_eq!(fields(request), [("Host", "y")]);
    assert_eq!((request.peer.as_str(), request.https), ("@", false));
    assert_eq!((request.head.minor, request.head.framing.body), (1, Body::Length(0)));
    assert_eq!(request.bytes, b"GET/Hosty");
}

#[test]
fn a_request_has_a_method_and_a_target() {
    assert_eq!(read(&[]).unwrap_err(), 400);
    assert_eq!(read(&[("PATH_INFO", "/")]).unwrap_err(), 400);
    for method in ["", "G T", "GE\u{e9}", "GET/"] {
        assert_eq!(changed(&[("REQUEST_METHOD", method)]).unwrap_err(), 400, "{method:?}");
    }
    assert_eq!(target(&[("REQUEST_URI", "")]), Err(400));
    assert_eq!(target(&[("REQUEST_URI", ""), ("QUERY_STRING", "a")]), Err(400));
    assert_eq!(target(&[("REQUEST_URI", ""), ("SCRIPT_NAME", ""), ("PATH_INFO", "")]), Err(400));
}

#[test]
fn a_target_is_made_of_its_parts() {
    for (script, path, query, whole) in [
        ("", "/", "", "/"),
        ("/app", "", "", "/app"),
        ("/app", "/a b", "x=%20&y", "/app/a%20b?x=%20&y"),
        ("", "/100%/caf\u{e9}?#\"", "", "/100%25/caf%C3%A9%3F%23%22"),
        ("", "/-._~!$&'()*+,;=:@", "", "/-._~!$&'()*+,;=:@"),
    ] {
        let parts =
            [("REQUEST_URI", ""), ("SCRIPT_NAME", script), ("PATH_INFO", path), ("QUERY_STRING", query)];
        assert_eq!(target(&parts), Ok(whole.to_owned()));
    }
    for (path, query) in [("a", ""), ("http://x/", ""), ("*", ""), ("/", "a b"), ("/", "\u{e9}")] {
        let parts = [("REQUEST_URI", ""), ("PATH_INFO", path), ("QUERY_STRING", query)];
        assert_eq!(target(&parts), Err(400), "{path:?} {query:?}");
    }
}

#[test]
fn targets_obey_the_rules_of_http1() {
    assert_eq!(target(&[("REQUEST_METHOD", "OPTIONS"), ("REQUEST_URI", "*")]), Ok("*".to_owned()));
    assert_eq!(target(&[("REQUEST_METHOD", "CONNECT"), ("REQUEST_URI", "h:443")]), Err(405));
    assert_eq!(host(&[("REQUEST_URI", "http://X/a")]), Ok("X".to_owned()));
    for uri in ["*", "a", "/a b", "/\u{e9}", "/\x7f", "http://y/", "ftp://x/"] {
        assert_eq!(target(&[("REQUEST_URI", uri)]), Err(400), "{uri:?}");
    }
    let long = format!("/{}", "a".repeat(8 << 10));
    assert_eq!(target(&[("REQUEST_URI", &long)]), Err(414));
    assert_eq!(target(&[("REQUEST_URI", ""), ("PATH_INFO", &long)]), Err(414));
    let most = format!("/{}", "a".repeat((8 << 10) - "GET / HTTP/1.1".len()));
    assert_eq!(target(&[("REQUEST_URI", &most)]), Ok(most));
}

#[test]
fn versions() {
    for (version, minor) in
        [("HTTP/1.0", 0), ("HTTP/1.1", 1), ("HTTP/1.9", 1), ("HTTP/2.0", 1), ("HTTP/3.0", 1), ("", 1)]
    {
        assert_eq!(changed(&[("SERVER_PROTOCOL", version)]).unwrap().head.minor, minor, "{version}");
    }
    for version in ["HTTP/0.9", "HTTP/1.10", "http/1.1", "HTTP/4.0", "INCLUDED", "HTTP/1."] {
        assert_eq!(changed(&[("SERVER_PROTOCOL", version)]).unwrap_err(), 400, "{version}");
    }
}

#[test]
fn the_host_is_the_client_s_or_the_server_s_name() {
    for (name, port, https, expected) in [
        ("n", "", "", "n"),
        ("n", "80", "", "n"),
        ("n", "443", "on", "n"),
        ("n", "443", "", "n:443"),
        ("n", "80", "on", "n:80"),
        ("n", "8080", "", "n:8080"),
        ("[::1]", "81", "", "[::1]:81"),
    ] {
        let variables = [("HTTP_HOST", ""), ("SERVER_NAME", name), ("SERVER_PORT", port), ("HTTPS", https)];
        let request = changed(&variables).unwrap();
        assert_eq!(text(&request, request.head.host), expected);
        assert_eq!(fields(&request), [("Host", expected)]);
    }
    assert_eq!(host(&[("SERVER_NAME", "n")]), Ok("x".to_owned()));
    assert_eq!(host(&[("HTTP_HOST", "")]), Err(400));
    assert_eq!(host(&[("HTTP_HOST", ""), ("SERVER_PROTOCOL", "HTTP/1.0")]), Ok(String::new()));
    assert_eq!(host(&[("HTTP_HOST", ""), ("SERVER_NAME", "n"), ("SERVER_PORT", "8x")]), Err(400));
    for bad in ["a b", "a,b", "u@h", "h/p", "[::1"] {
        assert_eq!(host(&[("HTTP_HOST", bad)]), Err(400), "{bad:?}");
    }
}

#[test]
fn u6_lengths_are_strict() {
    assert_eq!(changed(&[("CONTENT_LENGTH", "")]).unwrap().head.framing.body, Body::Length(0));
    assert_eq!(fields(&changed(&[("CONTENT_LENGTH", "")]).unwrap()), [("Host", "x")]);
    for bad in
        ["-1", "+1", "abc", "0x5", "05", " 5", "5 ", "1,1", "99999999999999999999", "9223372036854775808"]
    {
        assert_eq!(changed(&[("CONTENT_LENGTH", bad)]).unwrap_err(), 400, "{bad:?}");
    }
    assert_eq!(changed(&[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "5")]).unwrap_err(), 400);
}

#[test]
fn u7_magic_variables_are_ignored() {
    let plain = changed(&[]).unwrap();
    for magic in [
        "UWSGI_APPID",
        "UWSGI_CACHE_GET",
        "UWSGI_CHDIR",
        "UWSGI_FILE",
        "UWSGI_HOME",
        "UWSGI_MODULE",
        "UWSGI_POSTFILE",
        "UWSGI_PYHOME",
        "UWSGI_SCHEME",
        "UWSGI_SCRIPT",
        "UWSGI_SETENV",
        "UWSGI_TOUCH_RELOAD",
        "PATH_TRANSLATED",
        "SCRIPT_FILENAME",
        "DOCUMENT_ROOT",
    ] {
        let request = changed(&[(magic, "exec://id")]).unwrap();
        assert_eq!(request.bytes, plain.bytes, "{magic}");
        assert_eq!((request.peer, request.https), (plain.peer.clone(), plain.https), "{magic}");
    }
}

#[test]
fn u9_variables_cannot_split_anything() {
    for bad in ["a\r\nb", "a\rb", "a\nb", "a\0b"] {
        assert_eq!(changed(&[("HTTP_A", bad)]).unwrap_err(), 400, "{bad:?}");
        assert_eq!(changed(&[("UNKNOWN", bad)]).unwrap_err(), 400, "{bad:?}");
        assert_eq!(changed(&[("REQUEST_URI", &format!("/{bad}"))]).unwrap_err(), 400, "{bad:?}");
        assert_eq!(changed(&[(&format!("HTTP_{bad}"), "v")]).unwrap_err(), 400, "{bad:?}");
    }
    for bad in ["\u{1}", "a\x7f", "a\u{b}b"] {
        assert_eq!(changed(&[("HTTP_A", bad)]).unwrap_err(), 400, "{bad:?}");
    }
    assert_eq!(changed(&[("", "v")]).unwrap_err(), 0);
}

#[test]
fn u9_duplicates() {
    for name in [
        "REQUEST_METHOD",
        "REQUEST_URI",
        "SCRIPT_NAME",
        "PATH_INFO",
        "QUERY_STRING",
        "SERVER_PROTOCOL",
        "HTTP_HOST",
        "SERVER_NAME",
        "SERVER_PORT",
        "CONTENT_TYPE",
        "CONTENT_LENGTH",
        "REMOTE_ADDR",
        "REMOTE_PORT",
        "HTTPS",
        "REQUEST_SCHEME",
    ] {
        assert_eq!(changed(&[(name, ""), (name, "")]).unwrap_err(), 400, "{name}");
    }
    let request = changed(&[("HTTP_COOKIE", "a"), ("HTTP_B", ""), ("HTTP_COOKIE", "c")]).unwrap();
    assert_eq!(fields(&request), [("Cookie", "a"), ("B", ""), ("Cookie", "c"), ("Host", "x")]);
}

#[test]
fn u9_and_a15_one_name_for_one_field() {
    for alias in [
        "http_x_real_ip",
        "HTTP_X-REAL-IP",
        "HTTP_x_real_ip",
        "Http_X",
        "HTTP_",
        "HTTP",
        "X_REAL_IP",
        "HTTP_\u{c4}",
    ] {
        assert_eq!(fields(&changed(&[(alias, "v")]).unwrap()), [("Host", "x")], "{alias}");
    }
    for dropped in [
        "HTTP_CONTENT_LENGTH",
        "HTTP_CONTENT_TYPE",
        "HTTP_TRANSFER_ENCODING",
        "HTTP_PROXY",
        "HTTP_CONNECTION",
        "HTTP_KEEP_ALIVE",
        "HTTP_UPGRADE",
        "HTTP_EXPECT",
    ] {
        let request = changed(&[(dropped, "7"), ("HTTP_Z9__Y_", "v")]).unwrap();
        assert_eq!(fields(&request), [("Z9--Y-", "v"), ("Host", "x")], "{dropped}");
        assert_eq!(request.head.framing, framing::Framing::default(), "{dropped}");
    }
}

#[test]
fn u9_too_many_are_a_431() {
    let with = |prefix: &str, count: usize| {
        let names: Vec<_> = (0..count).map(|n| format!("{prefix}{n}")).collect();
        changed(&names.iter().map(|name| (name.as_str(), "v")).collect::<Vec<_>>()).map(|_| ())
    };
    assert_eq!(with("X", MAX_VARIABLES - PLAIN.len()), Ok(()));
    assert_eq!(with("X", MAX_VARIABLES - PLAIN.len() + 1), Err(431));
    assert_eq!(with("X", 600), Err(431));
    assert_eq!(with("HTTP_X", Limits::default().fields - 1), Ok(()));
    assert_eq!(with("HTTP_X", Limits::default().fields), Err(431));
}

#[test]
fn peers_are_written_as_go_does() {
    for (address, port, expected) in [
        ("1.2.3.4", "5", "1.2.3.4:5"),
        ("1.2.3.4", "", "1.2.3.4:0"),
        ("1.2.3.4", "+5", "1.2.3.4:0"),
        ("1.2.3.4", "65536", "1.2.3.4:0"),
        ("::1", "5", "[::1]:5"),
        ("2001:DB8:0:0::1", "5", "[2001:db8::1]:5"),
        ("::ffff:1.2.3.4", "5", "1.2.3.4:5"),
        ("", "5", "@"),
        ("unix:", "", "@"),
        ("example.org", "5", "@"),
        ("1.2.3.4:5", "5", "@"),
        ("1.2.3.04", "5", "@"),
        ("[::1]", "5", "@"),
        ("fe80::1%eth0", "5", "@"),
    ] {
        assert_eq!(peer(address, port), expected, "{address:?} {port:?}");
    }
    assert_eq!(changed(&[]).unwrap().peer, "@");
}

#[test]
fn tls_in_front_is_seen() {
    for (name, value, https) in [
        ("HTTPS", "on", true),
        ("HTTPS", "ON", true),
        ("HTTPS", "1", true),
        ("HTTPS", "off", false),
        ("HTTPS", "", false),
        ("REQUEST_SCHEME", "https", true),
        ("REQUEST_SCHEME", "http", false),
        ("HTTP_X_FORWARDED_PROTO", "https", false),
    ] {
        assert_eq!(changed(&[(name, value)]).unwrap().https, https, "{name}={value}");
    }
}

#[test]
fn a_malformed_packet_is_refused_as_it_says() {
    let mut request = Request::default();
    let refusal = Refusal::silent("is malformed");
    let variables = [Ok((&b"REQUEST_METHOD"[..], &b"GET"[..])), Err(refusal)];
    assert_eq!(request.read(variables.into_iter(), &Limits::default()), Err(refusal));
}
