//! Wrong passwords: after a few the next attempt waits, longer each time.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

pub(super) const FREE_ATTEMPTS: u32 = 5;
/// Many people may be behind one address.
const FREE_OF_ADDRESS: u32 = 50;
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// Beyond it the oldest are forgotten.
const MOST: usize = 10_000;

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    fn pause(self, free: u32) -> Duration {
        match self.count.checked_sub(free) {
            None => Duration::ZERO,
            Some(beyond) => (FIRST_PAUSE * 2_u32.saturating_pow(beyond.min(10))).min(LONGEST_PAUSE),
        }
    }

    fn left(self, free: u32) -> Duration {
        self.pause(free).saturating_sub(self.last.elapsed())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Name(String),
    Address(IpAddr),
}

impl Key {
    fn free(&self) -> u32 {
        match self {
            Key::Name(_) => FREE_ATTEMPTS,
            Key::Address(_) => FREE_OF_ADDRESS,
        }
    }
}

fn keys(name: &str, address: Option<IpAddr>) -> impl Iterator<Item = Key> {
    [Some(Key::Name(name.to_owned())), address.map(Key::Address)]
        .into_iter()
        .flatten()
}

#[derive(Debug, Default)]
pub(super) struct Limits {
    failures: Mutex<HashMap<Key, Failures>>,
}

impl Limits {
    /// Seconds to wait, if it is too early.
    pub(super) fn may_try(&self, name: &str, address: Option<IpAddr>) -> Result<(), u64> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let left = keys(name, address)
            .filter_map(|key| Some(failures.get(&key)?.left(key.free())))
            .max()
            .unwrap_or_default();
        if left.is_zero() {
            Ok(())
        } else {
            Err(left.as_secs() + 1)
        }
    }

    pub(super) fn failed(&self, name: &str, address: Option<IpAddr>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MOST {
            failures.retain(|_, own| own.last.elapsed() < LONGEST_PAUSE);
        }
        for key in keys(name, address) {
            let own = failures.entry(key).or_insert(Failures {
                count: 0,
                last: Instant::now(),
            });
            own.count += 1;
            own.last = Instant::now();
        }
    }

    pub(super) fn succeeded(&self, name: &str, address: Option<IpAddr>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(name, address) {
            failures.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_somewhere() {
        let pause = |count| {
            Failures {
                count,
                last: Instant::now(),
            }
            .pause(FREE_ATTEMPTS)
            .as_secs()
        };
        assert_eq!([4, 5, 6, 7, 40].map(pause), [0, 5, 10, 20, 900]);
    }
}
