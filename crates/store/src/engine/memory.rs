//! The allocator keeps what was freed; a store that rests gives it back to the system.

/// Returns free memory to the system. Costs some milliseconds.
#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "the allocator is asked by a call of the C library"
)]
pub(crate) fn give_back() {
    // SAFETY: it takes a number and touches only memory that is free.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Threads share a few pools of memory; one for each would keep what another could use.
#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "the allocator is told by a call of the C library"
)]
pub(crate) fn share() {
    // SAFETY: it takes two numbers.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, POOLS);
    }
}

#[cfg(target_env = "gnu")]
const POOLS: i32 = 2;

#[cfg(not(target_env = "gnu"))]
pub(crate) fn give_back() {}

#[cfg(not(target_env = "gnu"))]
pub(crate) fn share() {}
