//! The differential suite: the same application, built by the same Go, under plain net/http and under Goherd.
//!
//! The same bytes go to both, and the answers must be equal: status, fields, body, trailers, and whether the connection
//! is kept. What is meant to differ stands in `differences`, with its reason, and must differ.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "all of this is a test"
)]

mod bodies;
mod case;
mod differences;
mod leaving;
mod requests;
mod responses;
mod transcript;

use std::collections::BTreeSet;
use std::path::Path;

use case::Case;
use differences::{ALL, Difference, Place};
use goherd_tests::{Address, Program, Scratch, Server, Toolchain, app, launch, with_both_toolchains};
use transcript::Transcript;

with_both_toolchains!(
    every_case_is_answered_alike,
    a_handler_learns_alike_that_its_client_is_gone,
    a_context_ends_alike_with_its_handler,
);

/// The application twice: under net/http, and under Goherd.
struct Pair {
    _net_http: Program,
    goherd: Server,
    addresses: [Address; 2],
    _files: Scratch,
}

fn pair(toolchain: Toolchain) -> Pair {
    let files = files();
    let (net_http, plain) = Program::start(toolchain, "gallery", &[("GALLERY", files.folder())]);
    let folder = files.folder().to_str().unwrap();
    let server = launch().on_loopback().goroutines(20).environment("GALLERY", folder);
    let goherd = server.load(&app(toolchain, "gallery")).start();
    let addresses = [plain, goherd.address()];
    Pair { _net_http: net_http, goherd, addresses, _files: files }
}

/// The folder that the gallery serves.
fn files() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("file.txt", "abcdefghijklmnopqrstuvwxyz");
    scratch.write("page.html", "<html>page");
    scratch.write("unknown", [0, 1, 2, 3]);
    scratch.write("large.bin", (0..200_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    std::fs::create_dir(scratch.path("inside")).unwrap();
    scratch.write("inside/index.html", "<html>index");
    std::fs::create_dir(scratch.path("list")).unwrap();
    scratch.write("list/a & b.txt", "a");
    for name in
        ["file.txt", "page.html", "unknown", "large.bin", "inside/index.html", "list/a & b.txt", "list"]
    {
        set_time(&scratch.path(name));
    }
    scratch
}

/// 2 February 2020: a file's time is part of answers.
fn set_time(path: &Path) {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_580_608_922);
    std::fs::File::open(path).unwrap().set_modified(time).unwrap();
}

fn every_case_is_answered_alike(toolchain: Toolchain) {
    let pair = pair(toolchain);
    let filter = std::env::var("CASES").unwrap_or_default();
    let cases = [requests::cases(), bodies::cases(), responses::cases()].concat();
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    let mut occurred = BTreeSet::new();
    let mut failures = Vec::new();
    for case in cases.iter().filter(|case| case.name.contains(&filter) && case.is_for(toolchain)) {
        if let Err(failure) = compare(case, &pair, &mut occurred) {
            failures.push(failure);
        }
    }
    let outdated = ALL.iter().enumerate().filter(|(n, difference)| {
        let must_occur = !difference.sometimes && difference.only.is_none_or(|only| only == toolchain);
        filter.is_empty() && must_occur && !occurred.contains(n)
    });
    failures.extend(outdated.map(|(_, it)| format!("no difference any more: {}, {:?}", it.name(), it.why)));
    assert!(
        failures.is_empty(),
        "{} of {} cases differ:\n\n{}\n",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
    assert_eq!(pair.goherd.stop(), 0);
}

/// Compares the answers to one case; `occurred` gets the numbers of the differences that were met.
fn compare(case: &Case, pair: &Pair, occurred: &mut BTreeSet<usize>) -> Result<(), String> {
    let [plain, goherd] = pair.addresses.each_ref().map(|address| Transcript::take(case, address));
    let (mut plain, goherd) = (plain?, goherd?);
    let found = [plain.clone(), goherd.clone()];
    for (number, difference) in ALL.iter().enumerate() {
        if apply(difference, case, &mut plain, &goherd) {
            occurred.insert(number);
        }
    }
    if plain == goherd {
        return Ok(());
    }
    let [plain, goherd] = found;
    let sent = case.sent.escape_ascii().to_string();
    let shown = sent.chars().take(300).collect::<String>();
    Err(format!("{}: \"{shown}\"\n{}", case.name, plain.against(&goherd)))
}

/// Makes of net/http's transcript what Goherd's is meant to be; `false`: this difference is none of this case.
fn apply(difference: &Difference, case: &Case, plain: &mut Transcript, goherd: &Transcript) -> bool {
    match difference.place {
        Place::Everywhere(turn) => turn(plain, goherd),
        Place::Case(name, theirs, ours) => {
            let named = match name.strip_suffix('*') {
                Some(start) => case.name.starts_with(start),
                None => case.name == name,
            };
            let occurs = named && *plain != *goherd && plain.summary() == theirs && goherd.summary() == ours;
            if occurs {
                plain.clone_from(goherd);
            }
            occurs
        }
    }
}

fn a_handler_learns_alike_that_its_client_is_gone(toolchain: Toolchain) {
    let pair = pair(toolchain);
    let [plain, goherd] = pair.addresses.each_ref().map(leaving::by_closing);
    assert_eq!(plain, goherd);
    let [plain, goherd] = pair.addresses.each_ref().map(leaving::by_closing_after_a_body);
    assert_eq!(plain, goherd);
}

fn a_context_ends_alike_with_its_handler(toolchain: Toolchain) {
    let pair = pair(toolchain);
    let [plain, goherd] = pair.addresses.each_ref().map(leaving::by_returning);
    assert_eq!(plain, goherd);
}
