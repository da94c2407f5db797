//! What searches take of the memory, all of them together: one that would take too much is refused, as by Elasticsearch's
//! circuit breakers, so that no query ends the process.

use std::{
    cell::Cell,
    fs,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use canarytrace_es::{EsError, human_bytes};

/// As much as Elasticsearch lets requests have of a heap of 1 GiB, or less on a small machine.
const MOST: usize = 600 << 20;
/// Searches may have one part in so many of the machine's memory.
const SHARE: usize = 4;
const LEAST: usize = 128 << 20;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// What one search has taken; it is given back when this is dropped. Sizes are estimates, in bytes.
#[derive(Debug, Default)]
pub(crate) struct Account(Cell<usize>);

impl Account {
    /// 429 `circuit_breaking_exception` when there is not so much left.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), EsError> {
        self.0.set(self.0.get() + bytes);
        let all = TAKEN.fetch_add(bytes, Ordering::Relaxed) + bytes;
        refuse_beyond(all)
    }

    /// As [`Self::take`], and takes nothing.
    pub(crate) fn check(&self, bytes: usize) -> Result<(), EsError> {
        refuse_beyond(TAKEN.load(Ordering::Relaxed) + bytes)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        TAKEN.fetch_sub(self.0.get(), Ordering::Relaxed);
    }
}

fn refuse_beyond(all: usize) -> Result<(), EsError> {
    let limit = limit();
    if all <= limit {
        return Ok(());
    }
    Err(EsError::new(
        429,
        "circuit_breaking_exception",
        format!(
            "[request] Data too large: searches would take [{}], which is more than [{}]; ask for fewer buckets or hits",
            human_bytes(all as u64),
            human_bytes(limit as u64)
        ),
    ))
}

fn limit() -> usize {
    static LIMIT: OnceLock<usize> = OnceLock::new();
    *LIMIT.get_or_init(|| {
        let share = memory().map_or(MOST, |memory| memory / SHARE);
        share.clamp(LEAST, MOST)
    })
}

/// Of the machine or of the container, whichever is less.
fn memory() -> Option<usize> {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<usize>().ok();
    let of_container = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        let kibibytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kibibytes << 10)
    });
    of_container
        .into_iter()
        .filter_map(number)
        .chain(machine)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_refused_until_others_have_ended() {
        let (one, other) = (Account::default(), Account::default());
        one.take(limit() / 2).unwrap();
        let error = other.take(limit()).unwrap_err();
        assert_eq!(
            (error.status, &*error.kind),
            (429, "circuit_breaking_exception")
        );
        drop(other);
        assert!(one.check(limit()).is_err());
        one.take(limit() / 4).unwrap();
    }
}
