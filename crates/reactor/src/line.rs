//! A queue of slots, whose length is known without a lock: whoever looks at an empty one pays for a load alone.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::table::locked;

/// Slots that wait for their turn, first come, first served.
#[derive(Debug, Default)]
pub struct Line {
    slots: Mutex<VecDeque<u32>>,
    length: AtomicUsize,
}

impl Line {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.length.load(Ordering::Acquire)
    }

    /// Lets `index` wait behind all others.
    pub fn push(&self, index: u32) {
        let mut slots = locked(&self.slots);
        slots.push_back(index);
        self.length.store(slots.len(), Ordering::Release);
    }

    /// Takes the first one.
    pub fn pop(&self) -> Option<u32> {
        if self.len() == 0 {
            return None;
        }
        let mut slots = locked(&self.slots);
        let first = slots.pop_front();
        self.length.store(slots.len(), Ordering::Release);
        first
    }
}
