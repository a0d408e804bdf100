//! The native loop: a worker without an application to run drives the reactor itself and says so to every peer.

use goherd_bridge::Host;
use goherd_proto::fields;
use goherd_proto::service::{RPC, Status, answer};
use goherd_reactor::{Event, Form, Mode, Reactor};

const TEXT: &[u8] = b"404 Not Found: this server has no application\n";

/// Serves for ever.
pub(crate) fn serve(reactor: &Reactor, host: &dyn Host) -> ! {
    let mut block = Vec::new();
    fields::push(&mut block, b"Content-Type", b"text/plain; charset=utf-8");
    let mut no_function = Vec::new();
    answer::write_failure(
        &mut no_function,
        RPC,
        Status::Unknown,
        "the server has no application, and so no function",
    );
    host.ready();
    loop {
        let mut call = None;
        match reactor.next(0, Mode::Lead, &mut |view| call = view.call) {
            Event::Request(id) => {
                host.took_request();
                let _never = match call {
                    None => reactor.respond(id, 404, &block, TEXT),
                    Some(Form::Array) => reactor.abort(id),
                    Some(Form::Dictionary) => reactor.respond(id, 200, b"", &no_function),
                };
                host.ended_request(reactor);
            }
            Event::Control => host.control(reactor),
            Event::Drained => host.drained(),
            Event::Nothing => reactor.park(),
            Event::Wake(..) | Event::Queued => {}
        }
    }
}
