//! The allocator of this test program: the system's, with a tally for each thread of what it is asked for.

#![allow(unsafe_code)] // an allocator can't be had without

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::{Add, AddAssign, Sub};

/// What the heap was asked for. Growing in place or by moving is an allocation of the new size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// How often.
    pub count: u64,
    /// For how many bytes.
    pub bytes: u64,
}

/// What `work` asks for on this thread, beside what it returns.
pub fn allocations_of<T>(work: impl FnOnce() -> T) -> (T, Allocations) {
    let before = MADE.get();
    let done = work();
    (done, MADE.get() - before)
}

impl Add for Allocations {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { count: self.count + other.count, bytes: self.bytes + other.bytes }
    }
}

impl AddAssign for Allocations {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Allocations {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { count: self.count - other.count, bytes: self.bytes - other.bytes }
    }
}

thread_local! {
    // Constant, and nothing to drop: looking at it allocates nothing, and it is there until the thread is gone.
    static MADE: Cell<Allocations> = const { Cell::new(Allocations { count: 0, bytes: 0 }) };
}

fn note(bytes: usize) {
    MADE.set(MADE.get() + Allocations { count: 1, bytes: bytes as u64 });
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call is handed on to the system's allocator as it came, so its promises hold; taking note touches
// neither the memory nor the layout, and neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(start, layout, size) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(start, layout) }
    }
}
