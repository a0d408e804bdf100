//! The atomics that shared words are made of: the processor's; or loom's, when the protocols are model-checked (`make model`);
//! or ones at whose stores a test can kill the writer.

#[cfg(test)]
#[cfg(not(loom))]
pub(crate) use killable::AtomicU64;
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(all(not(test), not(loom)))]
pub(crate) use std::sync::atomic::AtomicU64;
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{Ordering, fence};

/// Lets others run for a moment, within a loop that waits for them.
pub(crate) fn relax() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}

/// The processor's atomics, but that a test can have its thread end before any chosen store, as `kill -9` may.
#[cfg(test)]
#[cfg(not(loom))]
pub(crate) mod killable {
    use std::cell::Cell;
    use std::ops::Deref;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::atomic;

    thread_local! {
        static STORES_LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }

    struct Killed;

    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct AtomicU64(atomic::AtomicU64);

    impl AtomicU64 {
        pub(crate) fn new(value: u64) -> Self {
            Self(atomic::AtomicU64::new(value))
        }

        #[inline]
        pub(crate) fn store(&self, value: u64, order: atomic::Ordering) {
            match STORES_LEFT.get() {
                None => {}
                Some(0) => resume_unwind(Box::new(Killed)),
                Some(left) => STORES_LEFT.set(Some(left - 1)),
            }
            self.0.store(value, order);
        }
    }

    impl Deref for AtomicU64 {
        type Target = atomic::AtomicU64;

        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }

    /// Does `deed`, but no more than `stores` stores of it; `true`: it needed more.
    pub(crate) fn killed_after(stores: u32, deed: impl FnOnce()) -> bool {
        STORES_LEFT.set(Some(stores));
        let ended = catch_unwind(AssertUnwindSafe(deed));
        STORES_LEFT.set(None);
        ended.is_err_and(|reason| reason.is::<Killed>() || resume_unwind(reason))
    }
}
