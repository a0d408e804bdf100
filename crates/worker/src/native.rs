//! The native loop: a worker without an application to run drives the reactor itself and says so to every peer.

use goherd_bridge::Host;
use goherd_proto::fields;
use goherd_reactor::{Event, Mode, Reactor};

const TEXT: &[u8] = b"404 Not Found: this server has no application\n";

/// Serves for ever.
pub(crate) fn serve(reactor: &Reactor, host: &dyn Host) -> ! {
    let mut block = Vec::new();
    fields::push(&mut block, b"Content-Type", b"text/plain; charset=utf-8");
    host.ready();
    loop {
        match reactor.next(0, Mode::Lead, &mut |_| {}) {
            Event::Request(id) => {
                host.took_request();
                let _never = reactor.respond(id, 404, &block, TEXT);
                host.ended_request(reactor);
            }
            Event::Control => host.control(reactor),
            Event::Drained => host.drained(),
            Event::Nothing => reactor.park(),
            Event::Wake(..) | Event::Queued => {}
        }
    }
}
