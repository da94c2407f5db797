//! The allocator keeps what was freed; a store that rests gives it back to the system.

/// Returns free memory to the system. Costs some milliseconds.
#[expect(
    unsafe_code,
    reason = "the allocator is asked by a call of its C library"
)]
pub(crate) fn give_back() {
    // SAFETY: it touches only memory that is free. Where a program has another allocator there is nothing to return.
    unsafe {
        libmimalloc_sys::mi_collect(true);
    }
}
