//! What a handler's context says of its end.

use goherd_tests::{Address, Client, eventually};

fn left(address: &Address, name: &str) -> String {
    Client::connect(address).unwrap().get(&format!("/left?name={name}")).unwrap().text()
}

fn wait_for(address: &Address, name: &str, is_it: impl Fn(&str) -> bool) -> String {
    eventually(&format!("{name} becomes what it should"), || {
        Some(left(address, name)).filter(|text| is_it(text))
    })
}

fn leave(address: &Address, request: &str) -> String {
    let mut client = Client::connect(address).unwrap();
    client.send(request).unwrap();
    wait_for(address, "gone", |text| text == "waiting");
    drop(client);
    wait_for(address, "gone", |text| text != "waiting")
}

/// The client closes the connection while the handler waits.
pub fn by_closing(address: &Address) -> String {
    leave(address, "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n")
}

/// The same after a body that the handler has read.
pub fn by_closing_after_a_body(address: &Address) -> String {
    leave(address, "POST /gone HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
}

/// The handler returns.
pub fn by_returning(address: &Address) -> String {
    Client::connect(address).unwrap().get("/context").unwrap();
    wait_for(address, "context", |text| text != "lasting")
}
