//! What is meant to differ from net/http, and why. A difference that is none any more fails the test.

use goherd_tests::Toolchain;

use crate::transcript::{Head, Transcript};

/// One difference.
#[derive(Debug)]
pub enum Difference {
    /// Wherever it may be: `turn` makes of net/http's transcript what Goherd's is meant to be, and says whether that was
    /// anything new.
    Everywhere { why: &'static str, turn: fn(&mut Transcript, &Transcript) -> bool },
    /// In one case: what both say in short.
    Case { name: &'static str, net_http: &'static str, goherd: &'static str, why: &'static str },
}

use Difference::{Case, Everywhere};

impl Difference {
    pub fn is_for(&self, _toolchain: Toolchain) -> bool {
        true
    }
}

const TWO_WAYS: &str = "what can be read in two ways is refused";
const LIMIT: &str = "limits are tighter, with statuses of their own";

pub const ALL: &[Difference] = &[
    Everywhere { why: "RFC 9110 §6.2: a server says the version that it speaks", turn: say_1_1 },
    Everywhere { why: "an answer that is complete within 16 KiB gets its length", turn: say_the_length },
    Case { name: "lines that end in LF", net_http: "200 kept", goherd: "400 closed", why: TWO_WAYS },
    Case { name: "a folded field", net_http: "200 kept", goherd: "400 closed", why: TWO_WAYS },
    Case { name: "a long request line", net_http: "200 kept", goherd: "414 closed", why: LIMIT },
    Case { name: "many fields", net_http: "200 kept", goherd: "431 closed", why: LIMIT },
    Case { name: "a long field", net_http: "200 kept", goherd: "431 closed", why: LIMIT },
    Case { name: "CONNECT", net_http: "404 kept", goherd: "405 closed", why: "no tunnel is made" },
];

/// Applies `turn` to each answer beside its counterpart.
fn each(plain: &mut Transcript, goherd: &Transcript, turn: fn(&mut Head, &Head, usize) -> bool) -> bool {
    let mut turned = false;
    for (plain, goherd) in plain.answers.iter_mut().zip(&goherd.answers) {
        turned |= turn(&mut plain.head, &goherd.head, goherd.body.len());
    }
    turned
}

fn say_1_1(plain: &mut Transcript, goherd: &Transcript) -> bool {
    each(plain, goherd, |plain, _, _| {
        let said = plain.status_line.strip_prefix("HTTP/1.0 ").map(|rest| format!("HTTP/1.1 {rest}"));
        said.map(|line| plain.status_line = line).is_some()
    })
}

fn say_the_length(plain: &mut Transcript, goherd: &Transcript) -> bool {
    each(plain, goherd, |plain, goherd, length| {
        let chunks = plain.field("Transfer-Encoding") == Some("chunked");
        let is_short = length <= 16 << 10 && goherd.field("Content-Length") == Some(&length.to_string());
        if chunks && is_short {
            plain.set("Transfer-Encoding", None);
            plain.set("Content-Length", Some(&length.to_string()));
        }
        chunks && is_short
    })
}
