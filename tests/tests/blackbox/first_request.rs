//! An application is served: the example, with either toolchain and every Go at hand.

use goherd_tests::{Toolchain, app, app_of, launch, with_both_toolchains, with_every_go};

use crate::probe;

with_both_toolchains!(
    the_first_request_is_answered,
    the_example_shows_its_page_in_html,
    the_example_answers_with_json,
    the_example_reads_a_form_and_a_query,
);

fn the_first_request_is_answered(toolchain: Toolchain) {
    let server = probe(toolchain).start();
    let answer = server.get("/");
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello from the probe\n"));
    assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.field("Content-Length"), Some("21"));
    assert!(answer.field("Date").is_some_and(|date| date.ends_with(" GMT")), "{}", answer.head);
    assert_eq!(server.get("/nowhere").status, 404);
}

#[test]
fn the_first_request_is_answered_with_every_go_at_hand() {
    with_every_go(|go| {
        let server = launch().on_loopback().load(&app_of(go, "probe")).start();
        assert_eq!(server.text("/"), "hello from the probe\n");
    });
}

fn example(toolchain: Toolchain) -> goherd_tests::Server {
    launch().on_loopback().load(&app(toolchain, "hello")).start()
}

fn the_example_shows_its_page_in_html(toolchain: Toolchain) {
    let server = example(toolchain);
    let page = server.get("/");
    assert_eq!(page.field("Content-Type"), Some("text/html; charset=utf-8"));
    let worker = server.worker_pids()[0].to_string();
    for part in ["<!DOCTYPE html>", "<h1>Hello from worker 1</h1>", &worker] {
        assert!(page.text().contains(part), "{part:?} is not in\n{}", page.text());
    }
}

fn the_example_answers_with_json(toolchain: Toolchain) {
    let server = example(toolchain);
    let answer = server.get("/json");
    assert_eq!(answer.field("Content-Type"), Some("application/json"));
    let compiler = match toolchain {
        Toolchain::Go => "\"compiler\":\"gc\"",
        Toolchain::Gccgo => "\"compiler\":\"gccgo\"",
    };
    let pid = format!("\"pid\":{},", server.worker_pids()[0]);
    for part in ["\"worker\":1,", &pid, compiler] {
        assert!(answer.text().contains(part), "{part:?} is not in {}", answer.text());
    }
}

fn the_example_reads_a_form_and_a_query(toolchain: Toolchain) {
    let server = example(toolchain);
    assert_eq!(server.text("/greet?name=Gopher%20%C3%A9"), "Hello, Gopher é!\n");
    let mut client = server.connect();
    client
        .send(
            "POST /greet HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 13\r\n\r\nname=A+%26+B+",
        )
        .unwrap();
    assert_eq!(client.receive().unwrap().text(), "Hello, A & B !\n");
    assert_eq!(server.get("/greet").status, 400);
}
