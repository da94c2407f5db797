//! Which allocator a process has: a server takes mimalloc, all others the C library's.
//!
//! A document passes through some hundred small pieces of memory on its way into the store, where the C library's allocator took
//! a fifth of what that costs. A run allocates little: there mimalloc only took ten megabytes more in each of its processes.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU8, Ordering},
};

use mimalloc::MiMalloc;
use rustix::fs::{Mode, OFlags};

/// Decides with the first piece of memory, before there is a second thread.
pub(crate) struct Allocator {
    chosen: AtomicU8,
}

const UNDECIDED: u8 = 0;
const SERVERS: u8 = 1;
const USUAL: u8 = 2;

impl Allocator {
    pub(crate) const fn undecided() -> Self {
        Self {
            chosen: AtomicU8::new(UNDECIDED),
        }
    }

    fn is_servers(&self) -> bool {
        match self.chosen.load(Ordering::Relaxed) {
            UNDECIDED => self.decide(),
            chosen => chosen == SERVERS,
        }
    }

    #[cold]
    fn decide(&self) -> bool {
        let chosen = if is_server() { SERVERS } else { USUAL };
        self.chosen.store(chosen, Ordering::Relaxed);
        chosen == SERVERS
    }
}

/// Whether the first argument is `serve`; asked of the kernel, because the standard library would need memory for it.
fn is_server() -> bool {
    let mut line = [0; 4096];
    let read = rustix::fs::open(c"/proc/self/cmdline", OFlags::RDONLY, Mode::empty())
        .and_then(|file| rustix::io::read(&file, &mut line))
        .unwrap_or(0);
    let mut arguments = line
        .get(..read)
        .unwrap_or_default()
        .split(|byte| *byte == 0);
    arguments.nth(1) == Some(b"serve")
}

#[expect(unsafe_code, reason = "an allocator is unsafe to implement")]
// SAFETY: each call goes to one of two allocators as it came, and after the first one always to the same.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        unsafe {
            match self.is_servers() {
                true => MiMalloc.alloc(layout),
                false => System.alloc(layout),
            }
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe {
            match self.is_servers() {
                true => MiMalloc.dealloc(pointer, layout),
                false => System.dealloc(pointer, layout),
            }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        unsafe {
            match self.is_servers() {
                true => MiMalloc.alloc_zeroed(layout),
                false => System.alloc_zeroed(layout),
            }
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        unsafe {
            match self.is_servers() {
                true => MiMalloc.realloc(pointer, layout, size),
                false => System.realloc(pointer, layout, size),
            }
        }
    }
}
