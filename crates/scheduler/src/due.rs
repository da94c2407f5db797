//! When a schedule is due. Pure.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use canarytrace_model::{stack::Schedule, time::Moment};
use croner::parser::{CronParser, Seconds};
use jiff::tz::TimeZone;

/// The first runs of monitors are spread over this, so that a start is no stampede.
const SPREAD: Duration = Duration::from_secs(3);

/// Whether a cron expression and its zone can be used; why not, otherwise.
pub fn check_cron(expression: &str, timezone: &str) -> Result<(), String> {
    parse(expression)?;
    TimeZone::get(timezone).map(drop).map_err(|_| {
        format!("time zone `{timezone}` is not known; hint: an IANA name such as Europe/Prague")
    })
}

/// The first due moment of a cron schedule after another; none where it cannot be told.
pub fn next_of_cron(
    expression: &str,
    timezone: &str,
    after: jiff::Timestamp,
) -> Option<jiff::Timestamp> {
    let zoned = after.to_zoned(TimeZone::get(timezone).ok()?);
    let next = parse(expression).ok()?.find_next_occurrence(&zoned, false);
    next.ok().map(|next| next.timestamp())
}

fn parse(expression: &str) -> Result<croner::Cron, String> {
    CronParser::builder()
        .seconds(Seconds::Optional)
        .build()
        .parse(expression)
        .map_err(|error| format!("cron `{expression}` is not valid: {error}"))
}

/// The first due moment after the start: intervals begin at once, with a jitter that is the same each time for an id.
pub fn first(schedule: &Schedule, id: &str, start: Moment) -> Option<Moment> {
    match schedule {
        Schedule::Every(interval) => {
            let spread = SPREAD.min(interval.0 / 4).as_millis().max(1);
            let mut hasher = DefaultHasher::new();
            id.hash(&mut hasher);
            let jitter = u128::from(hasher.finish()) % spread;
            Some(Moment::from_epoch_ms(
                start.epoch_ms() + i64::try_from(jitter).unwrap_or(0),
            ))
        }
        Schedule::Cron { .. } => next(schedule, start, start),
    }
}

/// The due moment after `due` that is not before `now`: what was missed is not caught up.
pub fn next(schedule: &Schedule, due: Moment, now: Moment) -> Option<Moment> {
    match schedule {
        Schedule::Every(interval) => {
            let step = i64::try_from(interval.0.as_millis())
                .unwrap_or(i64::MAX)
                .max(1);
            let behind = (now.epoch_ms() - due.epoch_ms()).max(0);
            Some(Moment::from_epoch_ms(
                due.epoch_ms()
                    .saturating_add((behind / step + 1).saturating_mul(step)),
            ))
        }
        Schedule::Cron {
            expression,
            timezone,
        } => {
            let zone = TimeZone::get(timezone).ok()?;
            let from = now.0.max(due.0).to_zoned(zone);
            let next = parse(expression)
                .ok()?
                .find_next_occurrence(&from, false)
                .ok()?;
            Some(Moment(next.timestamp()))
        }
    }
}

#[cfg(test)]
mod tests {
    use canarytrace_model::stack::Span;

    use super::*;

    fn at(text: &str) -> Moment {
        Moment(text.parse().unwrap())
    }

    #[test]
    fn intervals_keep_their_rhythm_and_miss_without_catching_up() {
        let every = Schedule::Every(Span::parse("1m").unwrap());
        let start = at("2026-11-22T10:00:00Z");
        assert_eq!(next(&every, start, start), Some(at("2026-11-22T10:01:00Z")));
        assert_eq!(
            next(&every, start, at("2026-11-22T10:05:30Z")),
            Some(at("2026-11-22T10:06:00Z"))
        );
        let first_due = first(&every, "shop", start).unwrap();
        assert_eq!(first(&every, "shop", start), Some(first_due));
        assert!((start.epoch_ms()..start.epoch_ms() + 3000).contains(&first_due.epoch_ms()));
    }

    #[test]
    fn cron_follows_its_zone_through_the_gap() {
        let daily = Schedule::Cron {
            expression: "30 2 * * *".to_owned(),
            timezone: "Europe/Prague".to_owned(),
        };
        let before = at("2024-03-31T00:00:00Z");
        assert_eq!(
            next(&daily, before, before),
            Some(at("2024-03-31T01:00:00Z"))
        );
        let work = Schedule::Cron {
            expression: "*/5 8-20 * * MON-FRI".to_owned(),
            timezone: "UTC".to_owned(),
        };
        let friday = at("2026-11-20T20:56:00Z");
        assert_eq!(
            next(&work, friday, friday),
            Some(at("2026-11-23T08:00:00Z"))
        );
    }

    #[test]
    fn wrong_schedules_say_why() {
        assert!(
            check_cron("61 * * * *", "UTC")
                .unwrap_err()
                .contains("61 * * * *")
        );
        assert!(
            check_cron("* * * * *", "Mars/Base")
                .unwrap_err()
                .contains("Mars/Base")
        );
        assert!(check_cron("@hourly", "UTC").is_ok());
    }
}
