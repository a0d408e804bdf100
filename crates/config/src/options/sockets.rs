//! Rows: where Goherd listens.

use super::{Kind, OptionRow, ROW};
use crate::draft::Draft;
use crate::socket::{Owner, Protocol, Socket};

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["http-socket", "http11-socket"],
        kind: Kind::Text(|draft, value| listen(draft, value, Protocol::Http)),
        value_name: "ADDRESS",
        list: true,
        help: "Serve HTTP on this address, such as :9090, 127.0.0.1:9090, [::1]:9090 or /run/app.sock",
        doc: "\
`:9090` means port 9090 of all IPv4 interfaces (`0.0.0.0`); for IPv6 write `[::]:9090`. Port 0 lets the
kernel choose a free port. The host is an IP address or `localhost`, which is `127.0.0.1`; other names are
refused, since they would have to be looked up. A text with a `/`, without a colon or with the end `.sock`
is the path of a Unix socket, and `@name` a Linux abstract socket; both have names of at most 107 bytes.

Sockets of several protocols can be served at once. None has to be named where systemd, or another starter that speaks its
protocol, hands over listening sockets (`LISTEN_FDS`). One that is bound to the address of a socket named here is
used in its place, as it is, and one on `[::]` that takes IPv4 too in that of `0.0.0.0`. Any other is served too, with the
protocol that its name in `LISTEN_FDNAMES` (systemd: `FileDescriptorName=`) says: `http`, `uwsgi`, `fastcgi`,
`scgi`, `cache`, `signal` or `rpc`; a socket of another name speaks HTTP.",
        uwsgi: "looks host names up.",
        ..ROW
    },
    OptionRow {
        names: &["uwsgi-socket", "socket"],
        short: Some('s'),
        kind: Kind::Text(|draft, value| listen(draft, value, Protocol::Uwsgi)),
        value_name: "ADDRESS",
        list: true,
        help: "Serve the uwsgi protocol, nginx's uwsgi_pass, on this address",
        doc: "\
The modifiers 0 and 11 reach the Go application; a packet with another one ends its connection, with a line in the
log. Let nobody but the web server reach the socket: it tells whom a request comes from, and is believed.",
        uwsgi: "needs the modifier 11 (`uwsgi_modifier1 11;` in nginx), or Go is not reached; other modifiers and variables \
                such as `UWSGI_FILE` run code there.",
        ..ROW
    },
    OptionRow {
        names: &["fastcgi-socket"],
        kind: Kind::Text(|draft, value| listen(draft, value, Protocol::FastCgi)),
        value_name: "ADDRESS",
        list: true,
        help: "Serve FastCGI on this address",
        doc: "Let nobody but the web server reach the socket: it tells whom a request comes from, and is believed.",
        ..ROW
    },
    OptionRow {
        names: &["scgi-socket"],
        kind: Kind::Text(|draft, value| listen(draft, value, Protocol::Scgi)),
        value_name: "ADDRESS",
        list: true,
        help: "Serve SCGI on this address",
        doc: "Let nobody but the web server reach the socket: it tells whom a request comes from, and is believed.",
        ..ROW
    },
    OptionRow {
        names: &["cache-socket"],
        kind: Kind::Text(|draft, value| listen(draft, value, Protocol::Cache)),
        value_name: "ADDRESS",
        list: true,
        help: "Let other servers and `goherd cache` use the caches, on this address",
        doc: "\
Packets of the uwsgi protocol with the modifier 111 are answered there, and nothing else: docs/remote.md. Whoever can connect
can read, change and delete everything in every cache: choose an address that only trusted machines and users can reach.",
        uwsgi: "answers them at every uwsgi socket.",
        ..ROW
    },
    OptionRow {
        names: &["signal-socket"],
        kind: Kind::Text(|draft, value| listen(draft, value, Protocol::Signal)),
        value_name: "ADDRESS",
        list: true,
        help: "Let other servers and `goherd signal` raise signals, on this address",
        doc: "\
Packets of the uwsgi protocol with the modifier 110 are answered there, and nothing else: docs/remote.md. Whoever can connect
can raise every signal that the application has registered.",
        uwsgi: "answers them at every uwsgi socket.",
        ..ROW
    },
    OptionRow {
        names: &["rpc-socket"],
        kind: Kind::Text(|draft, value| listen(draft, value, Protocol::Rpc)),
        value_name: "ADDRESS",
        list: true,
        help: "Let other servers and `goherd rpc` call the application's functions, on this address",
        doc: "\
Packets of the uwsgi protocol with the modifier 173 are answered there, and nothing else: docs/remote.md. Whoever can connect
can call every function that the application has registered (`uwsgi.RegisterRPC`). A call is a request: it takes a core
(`goroutines`), and `harakiri` holds for it.",
        uwsgi: "answers them at every uwsgi socket.",
        ..ROW
    },
    OptionRow {
        names: &["http-enable-proxy-protocol"],
        kind: Kind::Flag(|draft, on| draft.config.http_enable_proxy_protocol = on),
        default: Some("false"),
        help: "Each HTTP connection begins with a PROXY header, version 1 or 2, which tells who the client is",
        doc: "\
It holds for every HTTP socket; a connection without the header is refused. Switch it on only where every peer is a
trusted proxy (HAProxy, a load balancer): whoever can connect can claim to be anybody.",
        uwsgi: "has it for the HTTP router alone, knows version 1 only, and takes connections without the header.",
        ..ROW
    },
    OptionRow {
        names: &["chmod-socket"],
        kind: Kind::Mode(|draft, mode| draft.config.chmod_socket = Some(mode)),
        value_name: "MODE",
        bare: Some("666"),
        help: "The permissions of socket files, in octal, such as 660; without it the umask decides",
        doc: "\
It holds for the file of every Unix socket that the server binds, whatever its protocol, and is set before the first
connection can be made. Who may write to the file may connect.",
        ..ROW
    },
    OptionRow {
        names: &["chown-socket"],
        kind: Kind::Text(set_owner),
        value_name: "USER[:GROUP]",
        help: "The owner of socket files, names or numbers",
        doc: "As for `chmod-socket`. To give a file to somebody else takes root. Without `:GROUP` the group stays as it is.",
        ..ROW
    },
    OptionRow {
        names: &["http-socket-modifier1"],
        kind: Kind::Text(set_modifier1),
        value_name: "N",
        default: Some("0"),
        help: "The uWSGI modifier of HTTP requests: 0 or 11, which both reach the Go application",
        doc: "A line `http-socket-modifier1 = 11` of a uWSGI configuration may stay; it is not needed.",
        uwsgi: "needs 11 here, or Go is not reached: its default of 0 is Python.",
        ..ROW
    },
    OptionRow {
        names: &["listen"],
        short: Some('l'),
        kind: Kind::Number { min: 1, max: 65_535, field: |config| &mut config.listen },
        value_name: "N",
        default: Some("1024"),
        help: "Length of the listen queue of each socket",
        doc: "\
The number of connections which may wait in the kernel until a worker takes them. The kernel silently caps
it to `net.core.somaxconn`.",
        uwsgi: "has a default of 100, and does not start when the kernel's limit is lower.",
        ..ROW
    },
];

fn listen(draft: &mut Draft, value: &str, protocol: Protocol) -> Result<(), String> {
    draft.config.sockets.push(Socket { address: value.parse()?, protocol });
    Ok(())
}

fn set_owner(draft: &mut Draft, value: &str) -> Result<(), String> {
    let (user, group) = value.split_once(':').map_or((value, None), |(user, group)| (user, Some(group)));
    let is_name = |name: &str| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == ':');
    if !is_name(user) || !group.is_none_or(is_name) {
        return Err("expected USER or USER:GROUP, names or numbers".to_owned());
    }
    draft.config.chown_socket = Some(Owner { user: user.to_owned(), group: group.map(str::to_owned) });
    Ok(())
}

fn set_modifier1(draft: &mut Draft, value: &str) -> Result<(), String> {
    draft.config.http_socket_modifier1 = match value {
        "0" => 0,
        "11" => 11,
        _ => return Err("expected 11 (Go) or 0; other modifiers are other languages of uWSGI".to_owned()),
    };
    Ok(())
}
