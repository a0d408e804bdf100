//! Behind a web server: requests over uwsgi, FastCGI and SCGI, and packets that are none.

use std::io::ErrorKind;

use goherd_tests::{Answer, Client, Front, Server, Toolchain, uwsgi, with_both_toolchains};

use crate::probe;

with_both_toolchains!(
    requests_reach_the_application_as_the_client_sent_them,
    bodies_reach_the_application_and_answers_come_back_whole,
    an_answer_that_breaks_off_does_not_look_whole,
    both_modifiers_of_uwsgi_reach_the_application,
    variables_that_load_code_do_nothing,
    malformed_packets_end_the_connection_with_a_line_in_the_log,
);

fn started(toolchain: Toolchain, front: Front) -> Server {
    goherd_tests::launch()
        .load(&goherd_tests::app(toolchain, "probe"))
        .with([front.option(), "127.0.0.1:0"])
        .with(["--http-headers-timeout", "0.3"])
        .start()
}

fn ask(server: &Server, front: Front, request: &[u8]) -> Answer {
    let mut client = server.connect();
    client.send(request).unwrap();
    front.unpack(&client.receive_to_end().unwrap())
}

fn requests_reach_the_application_as_the_client_sent_them(toolchain: Toolchain) {
    for front in Front::ALL {
        let server = started(toolchain, front);
        let told = ask(&server, front, &front.request("GET", "/request?a=%2F+b", b"")).text();
        let expected = "GET /request?a=%2F+b HTTP/1.1 host=test remote=192.0.2.7:4321 length=0";
        assert_eq!(told, expected, "{front:?}");
        let told = ask(&server, front, &front.request("GET", "/headers", b"")).text();
        assert!(told.contains("\"X-Front\":[\"yes\"]"), "{front:?}: {told}");
        let answer = ask(&server, front, &front.request("GET", "/nowhere", b""));
        assert_eq!((answer.status, answer.text().as_str()), (404, "404 page not found\n"), "{front:?}");
    }
}

fn bodies_reach_the_application_and_answers_come_back_whole(toolchain: Toolchain) {
    for front in Front::ALL {
        let server = started(toolchain, front);
        for length in [0, 1, 65_536, 1 << 20] {
            let body: Vec<u8> = (0_u32..).flat_map(u32::to_le_bytes).take(length).collect();
            let answer = ask(&server, front, &front.request("POST", "/echo", &body));
            assert_eq!(answer.field("X-Length"), Some(length.to_string().as_str()), "{front:?}");
            assert!(answer.body == body, "{front:?}: {length} bytes came back changed");
        }
        let big = ask(&server, front, &front.request("GET", "/big?n=5000000", b""));
        assert_eq!(big.body.len(), 5_000_000, "{front:?}");
    }
}

/// Where the end of the connection ends an answer, a reset says that there was more to come.
fn an_answer_that_breaks_off_does_not_look_whole(toolchain: Toolchain) {
    for front in Front::ALL {
        let server = started(toolchain, front);
        let mut client = server.connect();
        client.send(front.request("GET", "/stream?torn=1", b"")).unwrap();
        let error = client.receive_to_end().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{front:?}");
    }
}

const GET: [(&str, &str); 4] =
    [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/"), ("PATH_INFO", "/"), ("HTTP_HOST", "test")];

fn both_modifiers_of_uwsgi_reach_the_application(toolchain: Toolchain) {
    let server = started(toolchain, Front::Uwsgi);
    for modifier1 in [0, 11] {
        let answer = ask(&server, Front::Uwsgi, &uwsgi([modifier1, 0], &GET, b""));
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello from the probe\n"));
    }
}

fn variables_that_load_code_do_nothing(toolchain: Toolchain) {
    let server = started(toolchain, Front::Uwsgi);
    let pid = ask(&server, Front::Uwsgi, &Front::Uwsgi.request("GET", "/pid", b"")).text();
    for name in
        ["UWSGI_FILE", "UWSGI_SCRIPT", "UWSGI_MODULE", "UWSGI_TOUCH_RELOAD", "UWSGI_SETENV", "UWSGI_CHDIR"]
    {
        let variables = [&GET[..], &[(name, "/bin/sh")]].concat();
        let answer = ask(&server, Front::Uwsgi, &uwsgi([0, 0], &variables, b""));
        assert_eq!(answer.text(), "hello from the probe\n", "{name}");
    }
    assert_eq!(ask(&server, Front::Uwsgi, &Front::Uwsgi.request("GET", "/pid", b"")).text(), pid);
}

/// What no web server sends; nothing of it has an answer.
fn malformed(front: Front) -> Vec<Vec<u8>> {
    let cut = |variables: &[u8]| [&[0, u8::try_from(variables.len()).unwrap(), 0, 0], variables].concat();
    match front {
        Front::Uwsgi => vec![
            b"GET / HTTP/1.1\r\nHost: test\r\n\r\n".to_vec(),
            uwsgi([30, 0], &GET, b""),
            uwsgi([0, 1], &GET, b""),
            uwsgi([0, 0], &[], b""),
            uwsgi([0, 0], &[("", "nameless")], b""),
            cut(b"\x05\0ab"),
            cut(b"\x01\0a\xff\xffb"),
        ],
        Front::FastCgi => vec![
            b"GET / HTTP/1.1\r\nHost: test\r\n\r\n".to_vec(),
            b"\x02\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0".to_vec(),
            b"\x01\x05\0\x01\0\0\0\0".to_vec(),
        ],
        Front::Scgi => vec![
            b"GET / HTTP/1.1\r\nHost: test\r\n\r\n".to_vec(),
            b"5:hello,".to_vec(),
            b"99999999:".to_vec(),
            b"0:,".to_vec(),
        ],
    }
}

fn malformed_packets_end_the_connection_with_a_line_in_the_log(toolchain: Toolchain) {
    for front in Front::ALL {
        let server = started(toolchain, front);
        let pids = server.worker_pids();
        let packets = malformed(front);
        for packet in &packets {
            let mut client = server.connect();
            client.send(packet).unwrap();
            assert_eq!(client.receive_to_end().unwrap_or_default(), b"", "{front:?}: {packet:?}");
        }
        server.wait_for_log("worker 1: refused a request over ");
        assert_eq!(ask(&server, front, &front.request("GET", "/", b"")).status, 200, "{front:?}");
        assert_eq!(server.worker_pids(), pids);
        assert!(
            server.lines_with("refused a request over ") < packets.len(),
            "the log is not theirs to fill"
        );
    }
}

#[test]
fn an_http_client_at_the_wrong_socket_is_told_in_the_log() {
    let server = goherd_tests::launch().with(["--socket", "127.0.0.1:0"]).start();
    let mut client = Client::connect(&server.address()).unwrap();
    client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    assert!(client.receive().is_err());
    let line = server.wait_for_log("refused a request over uwsgi from 127.0.0.1:");
    assert!(line.contains("asks for a modifier that this socket does not serve"), "{line}");
}

#[test]
fn http_sockets_speak_nothing_else() {
    Toolchain::Go.run(|toolchain| {
        let server = probe(toolchain).start();
        for front in [Front::Uwsgi, Front::FastCgi] {
            let mut client = server.connect();
            client.send(front.request("GET", "/", b"")).unwrap();
            assert_eq!(client.receive().unwrap().status, 400, "{front:?}");
        }
    });
}
