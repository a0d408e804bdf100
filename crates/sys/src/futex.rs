//! futex(2): sleeping until a word in memory that processes share changes.
//!
//! The word is 64 bits wide and the kernel looks at its low half alone, which comes first in memory on the platforms
//! that Goherd runs on (little-endian).

use std::sync::atomic::AtomicU64;

/// Sleeps until somebody wakes this word, for up to `micros` microseconds; not at all if the word's low half is not
/// `expected`. It may also return for no reason: look at the word again.
pub fn wait(word: &AtomicU64, expected: u32, micros: u32) {
    let timeout = libc::timespec {
        tv_sec: libc::time_t::from(micros / 1_000_000),
        tv_nsec: libc::c_long::from(micros % 1_000_000) * 1000,
    };
    // SAFETY: the address is that of a live atomic, aligned to more than the four bytes that the kernel reads of it, and the
    // timeout is a local that outlives the call.
    let _woken_or_not = unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, &raw const timeout)
    };
}

/// Wakes up to `count` of those who sleep on this word, in whatever process.
pub fn wake(word: &AtomicU64, count: i32) {
    // SAFETY: the kernel takes the address of a live atomic as a name; it writes nothing.
    let _how_many = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) };
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_word_that_has_changed_is_not_waited_for() {
        let begun = Instant::now();
        wait(&AtomicU64::new(2), 1, 10_000_000);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_sleeper_wakes_when_told_or_when_its_time_is_over() {
        let word = AtomicU64::new(7);
        wait(&word, 7, 1000);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while word.load(Ordering::Acquire) == 7 {
                    wait(&word, 7, 10_000_000);
                }
            });
            word.store(8, Ordering::Release);
            wake(&word, 1);
        });
    }
}
