//! What reading 100 bytes from the cache costs, in one process and in two at a time: `cargo run --release -p goherd-shm
//! --example get`. Figures depend on the machine; those of `make bench` count.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use goherd_shm::cache::{Rule, Settings, Ttl};
use goherd_shm::{Cache, Seats};
use goherd_sys::clock::Millis;
use goherd_sys::control::{Control, Received};
use goherd_sys::process::{Fork, exit_now, fork_alone};

const KEYS: usize = 1000;
const ROUNDS: usize = 3000;

/// Nanoseconds that one process takes for a get, while as many others do the same.
fn measure(cache: &Cache, seats: &Arc<Seats>, writes: bool) -> f64 {
    let seat = seats.sit().expect("there are seats for all");
    let keys: Vec<_> = (0..KEYS).map(|number| format!("session:{number:08}").into_bytes()).collect();
    let mut value = Vec::new();
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        for key in &keys {
            let now = Millis::lately();
            if writes {
                let put = cache.put(&seat, key, &[7; 100], Ttl::Millis(600_000), Rule::Always, now);
                put.expect("the cache has room");
            } else {
                assert!(cache.get_into(&seat, black_box(key), &mut value, now));
            }
        }
    }
    let operations = u32::try_from(ROUNDS * KEYS).expect("a few millions");
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(operations)
}

/// The same in `count` processes at a time; the mean of them.
fn measure_in(count: u32, cache: &Cache, seats: &Arc<Seats>, writes: bool) -> f64 {
    let children: Vec<_> = (0..count)
        .map(|_| {
            let (mine, theirs) = Control::pair().expect("a pair of sockets");
            if fork_alone().expect("a fork") == Fork::Child {
                let nanos = measure(cache, seats, writes);
                let _parent_waits = theirs.send(nanos.to_string().as_bytes());
                exit_now(0);
            }
            mine
        })
        .collect();
    let answer = |control: &Control| loop {
        match control.receive() {
            Received::Message(text) => return String::from_utf8_lossy(&text).parse().unwrap_or(f64::NAN),
            Received::Nothing => std::thread::sleep(std::time::Duration::from_millis(1)),
            Received::Closed => return f64::NAN,
        }
    };
    children.iter().map(answer).sum::<f64>() / f64::from(count)
}

fn main() -> std::io::Result<()> {
    let settings =
        Settings { items: 10_000, key_size: 64, block_size: 128, blocks: 10_000, purge_lru: false };
    let (cache, seats) = (Cache::new("bench", &settings)?, Arc::new(Seats::new(64)?));
    let one_write = measure(&cache, &seats, true);
    println!("put of 100 bytes, one process     {one_write:6.0} ns");
    for count in [1, 2] {
        let nanos = measure_in(count, &cache, &seats, false);
        println!("get of 100 bytes, {count} process(es)  {nanos:6.0} ns each");
    }
    Ok(())
}
