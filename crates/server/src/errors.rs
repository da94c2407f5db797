//! Errors that are the same but for numbers and ids as one group: what it says, where, on which host, since when, how often.
//! Pure, so that it can be tested without a store; [`group`] is the start.

use std::collections::BTreeMap;

use canarytrace_model::{folding, time::Moment};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// What noticed an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ErrorKind)]
pub(crate) enum Kind {
    /// A step of a script, or a page of a list, failed.
    Step,
    /// The page wrote an error to its console, or threw one.
    Console,
    /// A request was refused or never answered.
    Request,
}

/// Where an error was seen, as far as it is known; all of it but the monitor and the times tells groups apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Occurrence {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    pub(crate) step: Option<String>,
    pub(crate) host: Option<String>,
    /// File of the innermost frame of the stack.
    pub(crate) file: Option<String>,
    pub(crate) first: Seen,
    pub(crate) last: Seen,
    /// Within the time that is looked at.
    pub(crate) count: u64,
    pub(crate) monitors: BTreeMap<String, u64>,
    /// Counts of the [`SLOTS`] parts of the time that is looked at.
    pub(crate) trend: [u64; SLOTS],
}

/// One run that had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// ms since the epoch.
    pub(crate) at: i64,
    pub(crate) run: Option<String>,
}

/// Parts of a trend.
pub(crate) const SLOTS: usize = 24;

/// Occurrences that are the same.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ErrorGroup)]
pub(crate) struct Group {
    /// Stays the same as long as message, step, host and file do.
    pub(crate) fingerprint: String,
    pub(crate) kind: Kind,
    /// As it was last seen.
    pub(crate) message: String,
    #[schema(required)]
    pub(crate) step: Option<String>,
    #[schema(required)]
    pub(crate) host: Option<String>,
    #[schema(required)]
    pub(crate) file: Option<String>,
    /// RFC 3339.
    pub(crate) first_seen: Moment,
    pub(crate) last_seen: Moment,
    /// The runs of those two moments.
    #[schema(required)]
    pub(crate) first_run: Option<String>,
    #[schema(required)]
    pub(crate) last_run: Option<String>,
    /// First seen within the time that is looked at.
    pub(crate) is_new: bool,
    pub(crate) count: u64,
    pub(crate) monitors: BTreeMap<String, u64>,
    pub(crate) trend: [u64; SLOTS],
}

/// The groups of occurrences, those first that are new, then by how often they were seen. `from`: ms since the epoch.
pub(crate) fn group(occurrences: Vec<Occurrence>, from: i64) -> Vec<Group> {
    let mut merged: BTreeMap<String, Occurrence> = BTreeMap::new();
    for own in occurrences {
        let fingerprint = fingerprint(&own);
        match merged.get_mut(&fingerprint) {
            Some(known) => merge(known, own),
            None => {
                merged.insert(fingerprint, own);
            }
        }
    }
    let mut groups: Vec<Group> = merged
        .into_iter()
        .filter(|(_, own)| own.count > 0)
        .map(|(fingerprint, own)| Group {
            fingerprint,
            kind: own.kind,
            message: own.message,
            step: own.step,
            host: own.host,
            file: own.file,
            first_seen: Moment::from_epoch_ms(own.first.at),
            last_seen: Moment::from_epoch_ms(own.last.at),
            first_run: own.first.run,
            last_run: own.last.run,
            is_new: own.first.at >= from,
            count: own.count,
            monitors: own.monitors,
            trend: own.trend,
        })
        .collect();
    groups.sort_by(|one, other| {
        (other.is_new, other.count)
            .cmp(&(one.is_new, one.count))
            .then_with(|| one.fingerprint.cmp(&other.fingerprint))
    });
    groups
}

/// Sixteen hexadecimal digits of what tells one group from another.
fn fingerprint(own: &Occurrence) -> String {
    let message = match own.kind {
        Kind::Request => own.message.clone(),
        Kind::Step | Kind::Console => folding::folded_text(&own.message),
    };
    let mut hash = Sha256::new();
    let step = own.step.as_deref().map(folding::folded_text);
    for part in [
        Some(format!("{:?}", own.kind)),
        Some(message),
        step,
        own.host.clone(),
        own.file.as_deref().map(folding::folded_url),
    ] {
        hash.update(part.unwrap_or_default());
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn merge(known: &mut Occurrence, own: Occurrence) {
    if own.first.at < known.first.at {
        known.first = own.first;
    }
    if own.last.at >= known.last.at {
        known.last = own.last;
        known.message = own.message;
        known.step = own.step;
    }
    known.count += own.count;
    for (monitor, count) in own.monitors {
        *known.monitors.entry(monitor).or_default() += count;
    }
    for (sum, count) in known.trend.iter_mut().zip(own.trend) {
        *sum += count;
    }
}

/// The parts of a time that a trend counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    /// ms since the epoch.
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Slots {
    /// Milliseconds of one part.
    pub(crate) fn length(self) -> i64 {
        let slots = i64::try_from(SLOTS).unwrap_or(i64::MAX);
        ((self.to - self.from) / slots + 1).max(1)
    }

    /// The part that a moment belongs to; none: outside.
    pub(crate) fn of(self, at: i64) -> Option<usize> {
        if at < self.from || at > self.to {
            return None;
        }
        usize::try_from((at - self.from) / self.length())
            .ok()
            .filter(|slot| *slot < SLOTS)
    }

    /// A trend with `count` at a moment.
    pub(crate) fn add(self, trend: &mut [u64; SLOTS], at: i64, count: u64) {
        if let Some(slot) = self.of(at).and_then(|slot| trend.get_mut(slot)) {
            *slot += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Slots = Slots {
        from: 1_000_000,
        to: 1_240_000,
    };

    fn seen(message: &str, at: i64, monitor: &str) -> Occurrence {
        let run = Seen {
            at,
            run: Some(format!("run at {at}")),
        };
        let mut trend = [0; SLOTS];
        TIME.add(&mut trend, at, 1);
        Occurrence {
            kind: Kind::Step,
            message: message.to_owned(),
            step: Some("shop opens".to_owned()),
            host: Some("shop.example".to_owned()),
            file: None,
            first: run.clone(),
            last: run,
            count: u64::from(at >= TIME.from),
            monitors: [(monitor.to_owned(), 1)].into(),
            trend,
        }
    }

    #[test]
    fn numbers_and_ids_do_not_tell_errors_apart_but_words_hosts_and_steps_do() {
        let one = seen("order 4711 of 0af3c9d2 failed", 1_100_000, "shop");
        let mut elsewhere = seen("order 1 of 77bc01d2 failed", 1_100_000, "shop");
        assert_eq!(fingerprint(&one), fingerprint(&elsewhere));
        elsewhere.host = Some("bank.example".to_owned());
        assert_ne!(fingerprint(&one), fingerprint(&elsewhere));
        let mut later = one.clone();
        later.step = Some("shop pays".to_owned());
        assert_ne!(fingerprint(&one), fingerprint(&later));
        let mut thrown = one.clone();
        thrown.file = Some("pages/cart.js".to_owned());
        assert_ne!(fingerprint(&one), fingerprint(&thrown));
        let said = seen("order 4711 of 0af3c9d2 was lost", 1_100_000, "shop");
        assert_ne!(fingerprint(&one), fingerprint(&said));
    }

    #[test]
    fn a_group_knows_when_it_began_and_whom_it_concerns() {
        let groups = group(
            vec![
                seen("cart 2 is empty", 1_100_000, "b"),
                seen("cart 1 is empty", 900_000, "a"),
                seen("cart 3 is empty", 1_239_999, "b"),
                seen("no answer", 1_150_000, "c"),
                seen("long ago", 500_000, "c"),
            ],
            TIME.from,
        );
        assert_eq!(
            groups.len(),
            2,
            "what was not seen in this time is left out"
        );
        let (new, old) = (&groups[0], &groups[1]);
        assert!(new.is_new && new.message == "no answer");
        assert!(!old.is_new);
        assert_eq!(old.message, "cart 3 is empty", "as it was last seen");
        assert_eq!(old.first_run.as_deref(), Some("run at 900000"));
        assert_eq!(old.last_run.as_deref(), Some("run at 1239999"));
        assert_eq!(old.count, 2);
        assert_eq!(old.trend.iter().sum::<u64>(), 2);
        assert_eq!(old.trend[23], 1);
        assert_eq!(old.monitors.len(), 2);
    }

    #[test]
    fn a_trend_covers_its_time_to_both_ends() {
        assert_eq!(TIME.of(TIME.from), Some(0));
        assert_eq!(TIME.of(TIME.to), Some(SLOTS - 1));
        assert_eq!(TIME.of(TIME.from - 1), None);
        assert_eq!(TIME.of(TIME.to + 1), None);
    }
}
