//! What is meant to differ from net/http, and why. A difference that is none any more fails the test.

use goherd_tests::Toolchain;

use crate::transcript::{Head, Heard, Transcript};

/// One difference.
pub struct Difference {
    pub why: &'static str,
    pub place: Place,
    /// Only this toolchain's net/http differs so.
    pub only: Option<Toolchain>,
    /// It is a matter of time whether it occurs.
    pub sometimes: bool,
}

/// Where it is to be met.
pub enum Place {
    /// Wherever it may be: this makes of net/http's transcript what Goherd's is meant to be, and says whether that was
    /// anything new.
    Everywhere(fn(&mut Transcript, &Transcript) -> bool),
    /// In the case of this name, or in all whose names begin so if it ends with `*`, with what both say in short.
    Case(&'static str, &'static str, &'static str),
}

impl Difference {
    pub fn name(&self) -> &'static str {
        match self.place {
            Place::Everywhere(_) => "everywhere",
            Place::Case(name, ..) => name,
        }
    }
}

const fn everywhere(turn: fn(&mut Transcript, &Transcript) -> bool, why: &'static str) -> Difference {
    Difference { why, place: Place::Everywhere(turn), only: None, sometimes: false }
}

const fn case(
    name: &'static str,
    net_http: &'static str,
    goherd: &'static str,
    why: &'static str,
) -> Difference {
    Difference { why, place: Place::Case(name, net_http, goherd), only: None, sometimes: false }
}

impl Difference {
    const fn only(self, toolchain: Toolchain) -> Self {
        Self { only: Some(toolchain), ..self }
    }

    const fn sometimes(self) -> Self {
        Self { sometimes: true, ..self }
    }
}

const TWO_WAYS: &str = "what can be read in two ways is refused";
const LIMIT: &str = "limits are tighter, with statuses of their own";
const CODING: &str = "a coding that is not one chunked is malformed, whatever it is";
const IN_A_BODY: &str = "an error in a chunked body is a 400, whatever the handler makes of it";
const UNREAD: &str =
    "the answer does not wait for a body in chunks that nobody reads, to tell how long it is";
const TOO_LARGE: &str = "no package but net/http learns of it: what is left is discarded, up to 256 KiB";
const DUPLEX: &str = "a body can always be read while its answer is written";
const CODED: &str = "how a body goes out is the server's to settle";
const PANIC: &str = "a handler that panics before its answer was begun is answered for: 500";
const NUL: &str = "no answer with a NUL in a field leaves";

pub const ALL: &[Difference] = &[
    everywhere(say_close, "RFC 9112 §9.6: who closes says so, to a client of 1.0 too"),
    everywhere(say_1_1, "RFC 9110 §6.2: a server says the version that it speaks"),
    everywhere(say_the_length, "an answer that is complete within 16 KiB gets its length"),
    everywhere(
        say_that_it_is_torn,
        "a whole body that is shorter than declared is said to end the connection",
    ),
    everywhere(say_a_number, "a Content-Length that is no plain number gives way to one that is"),
    everywhere(say_why, "a refusal says in its own words what is wrong, with a date"),
    case(
        "an empty line before the second",
        "200 400 closed",
        "200 200 kept",
        "RFC 9112 §2.2: one is ignored",
    ),
    case("a raw byte in the target", "200 kept", "400 closed", "RFC 9112 §3.2: it must be encoded"),
    case("lines that end in LF", "200 kept", "400 closed", TWO_WAYS),
    case("a folded field", "200 kept", "400 closed", TWO_WAYS),
    case("two equal lengths", "200 kept", "400 closed", TWO_WAYS),
    case("a length with a zero before it", "200 kept", "400 closed", TWO_WAYS),
    case("an empty length", "200 closed", "400 closed", TWO_WAYS),
    case("a length and chunks", "200 kept", "400 closed", TWO_WAYS),
    case("the target's authority is not the Host", "200 kept", "400 closed", TWO_WAYS),
    case("an unknown coding", "501 closed", "400 closed", CODING),
    case("two codings", "501 closed", "400 closed", CODING),
    case("identity", "501 closed", "400 closed", CODING),
    case("chunked twice", "501 closed", "400 closed", CODING),
    case("a long request line", "200 kept", "414 closed", LIMIT),
    case("an empty Host", "200 kept", "400 closed", "RFC 9110 §4.2.1: http knows no empty host"),
    case("another scheme", "200 kept", "400 closed", "this is no proxy"),
    case("GET /echo#frag (36)", "200 kept", "400 closed", TWO_WAYS),
    case("GET /echo?q#frag (38)", "200 kept", "400 closed", TWO_WAYS),
    case("get /echo (31)", "200 kept", "400 closed", TWO_WAYS),
    case("GET /a\\b (30)", "200 kept", "400 closed", TWO_WAYS),
    case(
        "1.0 keep-alive, close",
        "200 kept",
        "200 closed",
        "RFC 9112 §9.3: close counts, whatever else is said",
    ),
    case("many fields", "200 kept", "431 closed", LIMIT),
    case("a long field", "200 kept", "431 closed", LIMIT),
    case("CONNECT", "404 kept", "405 closed", "no tunnel is made"),
    case("PRI", "400 closed", "505 closed", "that is another version, whatever else it is"),
    case("POST /echo Transfer-Encoding: chunked|5|helloX|0|| (76)", "200 closed", "400 closed", IN_A_BODY),
    case("POST /echo Transfer-Encoding: chunked|x|hello|0|| (75)", "200 closed", "400 closed", IN_A_BODY),
    case("POST /half Transfer-Encoding: chunked|5|helloX|0|| (76)", "200 closed", "400 closed", IN_A_BODY),
    case("POST /ignore Transfer-Encoding: chunked|5|helloX|0|| (78)", "200 closed", "400 closed", IN_A_BODY),
    case("POST /ignore Transfer-Encoding: chunked|493e0|*", "200 closed", "200 closed", UNREAD).sometimes(),
    case("POST /half Transfer-Encoding: chunked|493e0|*", "200 closed", "200 closed", UNREAD).sometimes(),
    case("POST /nothing Transfer-Encoding: chunked|493e0|*", "200 closed", "200 closed", UNREAD).sometimes(),
    case("POST /status?code=204 Transfer-Encoding: chunked|493e0|*", "204 closed", "204 closed", UNREAD)
        .sometimes(),
    case("waits for /half with chunks", "200 closed", "200 kept", "all of the body has come"),
    case("POST /limited *", "413 closed", "413 kept", TOO_LARGE),
    case("POST /limited Transfer-Encoding: chunked|493e0|*", "413 closed", "413 closed", TOO_LARGE)
        .sometimes(),
    case("POST /read-late?flush=1 *", "200 kept", "200 kept", DUPLEX),
    case("POST /read-late?duplex=1*", "200 kept", "200 kept", DUPLEX).only(Toolchain::Gccgo),
    case("does not wait for /read-late", "200 kept", "200 kept", DUPLEX),
    case("GET /controller*", "200 kept", "200 kept", "handlers get what later Go has").only(Toolchain::Gccgo),
    case("HEAD /controller*", "200 kept", "200 kept", "handlers get what later Go has")
        .only(Toolchain::Gccgo),
    case("1.0 hints", "200 closed", "200 closed", "RFC 9110 §15.2: not to a client of 1.0")
        .only(Toolchain::Go),
    case("GET /lengths?says=0&pieces=1 (50)", "200 closed", "200 kept", "what goes beyond the length is cut"),
    case("GET /close-too (36)", "200 kept", "200 closed", "who says close closes"),
    case("HEAD /close-too (37)", "200 kept", "200 closed", "who says close closes"),
    case("GET /identity (35)", "200 closed", "200 kept", CODED),
    case("GET /identity Connection*", "200 closed", "200 closed", CODED),
    case("HEAD /identity*", "200 kept", "200 kept", CODED),
    case("GET /chunked (34)", "200 kept", "200 kept", CODED),
    case("GET /chunked Connection*", "200 closed", "200 closed", CODED),
    case("HEAD /chunked*", "200 kept", "200 kept", CODED),
    case("GET /coded (32)", "200 kept", "200 kept", CODED),
    case("GET /coded Connection*", "200 closed", "200 closed", CODED),
    case("HEAD /coded*", "200 kept", "200 kept", CODED),
    case("GET /both (31)", "200 kept", "200 kept", CODED),
    case("GET /both Connection*", "200 closed", "200 closed", CODED),
    case("HEAD /both*", "200 kept", "200 kept", CODED),
    case("GET /failing? (35)", "closed", "500 kept", PANIC),
    case("GET /failing?write=a (42)", "closed", "500 kept", PANIC),
    case("GET /wrapped (34)", "closed", "500 kept", PANIC),
    case("GET /status?code=0 (40)", "closed", "500 kept", PANIC),
    case("GET /status?code=99 (41)", "closed", "500 kept", PANIC),
    case("GET /status?code=1000 (43)", "closed", "500 kept", PANIC),
    case("a panic after a long body", "200 torn closed", "500 kept", PANIC),
    case("an abort after a long body", "200 torn closed", "closed", "16 KiB are kept back, not 4"),
    case("GET /nul (30)", "200 kept", "500 kept", NUL),
    case("HEAD /nul (31)", "200 kept", "500 kept", NUL),
    case("GET /nul Connection: close| (49)", "200 closed", "500 closed", NUL),
];

/// Applies `turn` to each answer beside its counterpart.
fn each(plain: &mut Transcript, goherd: &Transcript, turn: fn(&mut Heard, &Heard) -> bool) -> bool {
    let mut turned = false;
    for (plain, goherd) in plain.answers.iter_mut().zip(&goherd.answers) {
        turned |= turn(plain, goherd);
    }
    turned
}

fn say_1_1(plain: &mut Transcript, goherd: &Transcript) -> bool {
    each(plain, goherd, |plain, _| {
        let rest = plain.head.status_line.strip_prefix("HTTP/1.0 ");
        let said = rest.map(|rest| format!("HTTP/1.1 {rest}"));
        said.map(|line| plain.head.status_line = line).is_some()
    })
}

fn say_close(plain: &mut Transcript, goherd: &Transcript) -> bool {
    each(plain, goherd, |plain, goherd| {
        only_we_close(plain, goherd) && plain.head.status_line.starts_with("HTTP/1.0 ") && close(plain)
    })
}

fn say_that_it_is_torn(plain: &mut Transcript, goherd: &Transcript) -> bool {
    each(plain, goherd, |plain, goherd| {
        only_we_close(plain, goherd) && plain.torn && goherd.torn && close(plain)
    })
}

fn only_we_close(plain: &Heard, goherd: &Heard) -> bool {
    plain.head.field("Connection").is_none() && goherd.head.field("Connection") == Some("close")
}

fn close(plain: &mut Heard) -> bool {
    plain.head.set("Connection", Some("close"));
    true
}

fn say_the_length(plain: &mut Transcript, goherd: &Transcript) -> bool {
    each(plain, goherd, |plain, goherd| {
        let length = goherd.head.field("Content-Length").filter(|length| is_short(length));
        let of_the_body = goherd.body.is_empty() || length == Some(&goherd.body.len().to_string());
        let says_none = plain.head.field("Content-Length").is_none() && plain.trailer.is_empty();
        let turns = length.is_some() && of_the_body && says_none && says_no_coding(&plain.head);
        if turns {
            plain.head.set("Transfer-Encoding", None);
            plain.head.set("Content-Length", length);
        }
        turns
    })
}

/// None, or the one that an answer without a length has, which net/http would sniff the type of all the same.
fn says_no_coding(head: &Head) -> bool {
    matches!(head.field("Transfer-Encoding"), None | Some("chunked")) && head.field("Content-Type").is_some()
}

fn is_short(length: &str) -> bool {
    length.parse().is_ok_and(|length: usize| length <= 16 << 10)
}

fn say_a_number(plain: &mut Transcript, goherd: &Transcript) -> bool {
    each(plain, goherd, |plain, goherd| {
        let canonical = |length: &str| length.parse().is_ok_and(|n: u64| n.to_string() == length);
        let ours = goherd.head.field("Content-Length");
        let theirs = plain.head.field("Content-Length");
        let turns = theirs.is_some_and(|length| !canonical(length)) && ours.is_some_and(canonical);
        if turns {
            plain.head.set("Content-Length", ours);
        }
        turns
    })
}

fn say_why(plain: &mut Transcript, goherd: &Transcript) -> bool {
    let (Some(last), Some(ours)) = (plain.answers.last_mut(), goherd.answers.last()) else { return false };
    let code = ours.head.code();
    let is_ours = ours.body.starts_with(format!("{code}: the request ").as_bytes())
        || ours.body.starts_with(b"400 Bad Request: malformed request target");
    let turns = is_ours && last.head.code() == code && *last != *ours;
    if turns {
        last.clone_from(ours);
    }
    turns
}
