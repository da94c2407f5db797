//! Allocators keep what was freed; a store that rests gives it back to the system. A server has mimalloc, other programs and what
//! is written in C have the C library's allocator: both are asked.

/// Returns free memory to the system. Costs some milliseconds.
#[expect(
    unsafe_code,
    reason = "the allocators are asked by calls of their C libraries"
)]
pub(crate) fn give_back() {
    // SAFETY: they touch only memory that is free.
    unsafe {
        libmimalloc_sys::mi_collect(true);
        #[cfg(target_env = "gnu")]
        libc::malloc_trim(0);
    }
}
