//! The few process calls that have no safe wrapper in the standard library.

#![expect(
    unsafe_code,
    reason = "prctl, kill and setsid are plain system calls without memory arguments"
)]

/// The kernel kills this process when its parent thread ends.
pub fn die_with_parent() -> std::io::Result<()> {
    // SAFETY: prctl with integer arguments touches no memory of ours.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) })
}

/// Orphans of our descendants become our children instead of init's.
pub fn become_subreaper() -> std::io::Result<()> {
    // SAFETY: as above.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })
}

/// Moves this process into a process group of its own, so that a terminal's Ctrl-C reaches only its parent.
pub fn process_group_of_own() -> std::io::Result<()> {
    // SAFETY: setpgid with zeroes concerns this process only.
    check(unsafe { libc::setpgid(0, 0) })
}

pub(crate) fn no_new_privileges() -> std::io::Result<()> {
    // SAFETY: as above.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })
}

/// SIGKILL; a process that is gone already is not an error.
pub fn send_kill(pid: u32) {
    signal(pid, libc::SIGKILL);
}

/// SIGTERM; a process that is gone already is not an error.
pub fn send_terminate(pid: u32) {
    signal(pid, libc::SIGTERM);
}

fn signal(pid: u32, signal: i32) {
    if let Ok(pid) = i32::try_from(pid)
        && pid > 1
    {
        // SAFETY: kill with a positive pid signals that process only.
        unsafe { libc::kill(pid, signal) };
    }
}

/// Collects zombies that were reparented to us; tokio waits only for its own children.
pub(crate) fn reap(pid: u32) {
    if let Ok(pid) = i32::try_from(pid) {
        // SAFETY: a null status pointer is allowed.
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG) };
    }
}

fn check(result: i32) -> std::io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}
