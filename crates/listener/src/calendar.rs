//! When nobody is told: maintenance that comes once, weekly or by cron, in a zone of its own, overnight and across changes
//! of the clock; silences with an end; and the hours of those who are told.

use std::{str::FromStr, time::Duration};

use canarytrace_es::query::wildcard_matches;
use canarytrace_model::{alerting::MaintenanceConfig, time::Moment};
use croner::Cron;
use jiff::{
    ToSpan, Zoned,
    civil::{DateTime, Time, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

/// A [`MaintenanceConfig`] that was understood.
#[derive(Clone, Debug)]
pub struct Maintenance {
    /// Of one that was written in the UI.
    pub id: Option<String>,
    /// When, as a person reads it.
    pub words: String,
    pub reason: String,
    pub monitors: Vec<String>,
    pub rules: Vec<String>,
    when: When,
}

#[derive(Clone, Debug)]
enum When {
    Once(Moment, Moment),
    Weekly(Weekly),
    Cron(Box<Cron>, Duration, TimeZone),
}

/// Days and hours of a week in a zone.
#[derive(Clone, Debug)]
pub struct Weekly {
    days: Vec<Weekday>,
    from: Time,
    until: Time,
    zone: TimeZone,
}

const DAYS: [(&str, Weekday); 7] = [
    ("MON", Weekday::Monday),
    ("TUE", Weekday::Tuesday),
    ("WED", Weekday::Wednesday),
    ("THU", Weekday::Thursday),
    ("FRI", Weekday::Friday),
    ("SAT", Weekday::Saturday),
    ("SUN", Weekday::Sunday),
];

/// A zone by name, or why not.
fn zone(name: Option<&str>) -> Result<TimeZone, String> {
    let name = name.unwrap_or("UTC");
    TimeZone::get(name)
        .map_err(|_| format!("time zone `{name}` is not known; write one such as Europe/Prague"))
}

impl Weekly {
    /// `MON-FRI 08:00-18:00`, `SAT,SUN 22:00-02:00`, `08:00-18:00` (every day).
    pub fn parse(text: &str, timezone: Option<&str>) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not days and hours such as `SAT 22:00-02:00` or `MON-FRI 08:00-18:00`"
            )
        };
        let (days, hours) = match text.trim().rsplit_once(' ') {
            Some((days, hours)) => (days, hours),
            None => ("MON-SUN", text.trim()),
        };
        let (from, until) = hours.split_once('-').ok_or_else(wrong)?;
        let time = |text: &str| match text.trim() {
            "24:00" => Some(Time::midnight()),
            other => Time::from_str(&format!("{other}:00")).ok(),
        };
        let mut chosen = Vec::new();
        for part in days.split(',') {
            let number = |name: &str| {
                let name = name.trim().to_uppercase();
                DAYS.iter().position(|(own, _)| name.starts_with(own))
            };
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first = number(first).ok_or_else(wrong)?;
            let last = number(last).ok_or_else(wrong)?;
            let count = (last + 7 - first) % 7;
            chosen.extend((0..=count).map(|step| DAYS[(first + step) % 7].1));
        }
        Ok(Self {
            days: chosen,
            from: time(from).ok_or_else(wrong)?,
            until: time(until).ok_or_else(wrong)?,
            zone: zone(timezone)?,
        })
    }

    /// The end of the time that holds `at`, if one does. Begin and end are what the clock on the wall says, so a night in
    /// which it is changed is an hour shorter or longer.
    pub fn end_at(&self, at: Moment) -> Option<Moment> {
        let here = at.0.to_zoned(self.zone.clone());
        // A night began yesterday.
        [0, 1].into_iter().find_map(|back: i64| {
            let date = here.date().checked_sub(back.days()).ok()?;
            if !self.days.contains(&date.weekday()) {
                return None;
            }
            let last = match self.until <= self.from {
                true => date.tomorrow().ok()?,
                false => date,
            };
            let from = self.instant(date.to_datetime(self.from))?;
            let until = self.instant(last.to_datetime(self.until))?;
            (from <= at && at < until).then_some(until)
        })
    }

    fn instant(&self, civil: DateTime) -> Option<Moment> {
        civil
            .to_zoned(self.zone.clone())
            .ok()
            .map(|zoned| Moment(zoned.timestamp()))
    }
}

impl Maintenance {
    pub fn parse(config: &MaintenanceConfig) -> Result<Self, String> {
        let place = |error: String| format!("maintenance `{}`: {error}", config.reason);
        let zone_name = config.timezone.as_deref();
        let when = match (&config.from, &config.until, &config.weekly, &config.cron) {
            (Some(from), Some(until), None, None) => {
                let from = civil(from, zone_name).map_err(place)?;
                let until = civil(until, zone_name).map_err(place)?;
                if until <= from {
                    return Err(place("it ends before it begins".to_owned()));
                }
                When::Once(from, until)
            }
            (None, None, Some(weekly), None) => {
                When::Weekly(Weekly::parse(weekly, zone_name).map_err(place)?)
            }
            (None, None, None, Some(expression)) => {
                let cron = Cron::from_str(expression)
                    .map_err(|error| place(format!("cron `{expression}`: {error}")))?;
                let span = config
                    .span
                    .filter(|span| !span.0.is_zero() && span.0 <= LONGEST)
                    .ok_or_else(|| {
                        place("`cron` needs `for`, such as 30m (at most 7d)".to_owned())
                    })?;
                When::Cron(Box::new(cron), span.0, zone(zone_name).map_err(place)?)
            }
            _ => {
                return Err(place(
                    "it needs one of `from` with `until`, `weekly`, `cron` with `for`".to_owned(),
                ));
            }
        };
        Ok(Self {
            id: None,
            words: words(config),
            reason: config.reason.clone(),
            monitors: config.monitors.clone(),
            rules: config.rules.clone(),
            when,
        })
    }

    /// When the time that holds `at` ends; none: it is not maintained.
    pub fn end_at(&self, at: Moment) -> Option<Moment> {
        match &self.when {
            When::Once(from, until) => (*from <= at && at < *until).then_some(*until),
            When::Weekly(weekly) => weekly.end_at(at),
            When::Cron(cron, span, zone) => {
                let here: Zoned = at.0.to_zoned(zone.clone());
                let begun = cron.find_previous_occurrence(&here, true).ok()?;
                let until = Moment(begun.timestamp().checked_add(*span).ok()?);
                (at < until).then_some(until)
            }
        }
    }

    /// Whether all of an incident is concerned.
    pub fn concerns(&self, rule: &str, monitors: &[String]) -> bool {
        let rules =
            self.rules.is_empty() || self.rules.iter().any(|own| own.eq_ignore_ascii_case(rule));
        rules && covers(&self.monitors, monitors)
    }
}

/// When a window is, for lists.
fn words(config: &MaintenanceConfig) -> String {
    let zone = config.timezone.as_deref().unwrap_or("UTC");
    match config {
        MaintenanceConfig {
            weekly: Some(weekly),
            ..
        } => match weekly.trim().contains(' ') {
            true => format!("every {weekly}, {zone}"),
            false => format!("every day {weekly}, {zone}"),
        },
        MaintenanceConfig {
            cron: Some(cron),
            span: Some(span),
            ..
        } => format!("at `{cron}` for {span}, {zone}"),
        MaintenanceConfig {
            from: Some(from),
            until: Some(until),
            ..
        } => format!("from {from} until {until}, {zone}"),
        _ => String::new(),
    }
}

const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// Whether patterns match every one of the monitors; an incident without monitors is matched by no pattern.
fn covers(patterns: &[String], monitors: &[String]) -> bool {
    patterns.is_empty()
        || !monitors.is_empty()
            && monitors.iter().all(|monitor| {
                patterns
                    .iter()
                    .any(|pattern| wildcard_matches(pattern, monitor))
            })
}

/// A date with an offset, or one of the wall clock in a zone.
fn civil(text: &str, zone_name: Option<&str>) -> Result<Moment, String> {
    if let Ok(timestamp) = text.parse() {
        return Ok(Moment(timestamp));
    }
    let civil: DateTime = text
        .parse()
        .map_err(|_| format!("`{text}` is not a time such as 2026-11-26T22:00"))?;
    civil
        .to_zoned(zone(zone_name)?)
        .map(|zoned| Moment(zoned.timestamp()))
        .map_err(|error| format!("`{text}`: {error}"))
}

/// What somebody wants to hear nothing of for a while.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Silence {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub reason: String,
    #[serde(default)]
    pub by: String,
    pub until: Moment,
    /// One incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// Titles of rules; empty: all.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Patterns of monitors; empty: all.
    #[serde(default)]
    pub monitors: Vec<String>,
}

impl Silence {
    pub fn concerns(&self, incident: &str, rule: &str, monitors: &[String], at: Moment) -> bool {
        if at >= self.until {
            return false;
        }
        if let Some(own) = &self.incident {
            return own == incident;
        }
        let rules =
            self.rules.is_empty() || self.rules.iter().any(|own| own.eq_ignore_ascii_case(rule));
        rules && covers(&self.monitors, monitors)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Moment {
        Moment(text.parse().unwrap())
    }

    #[track_caller]
    fn check(weekly: &str, zone: &str, inside: &[&str], outside: &[&str]) {
        let weekly = Weekly::parse(weekly, Some(zone)).unwrap();
        for text in inside {
            assert!(weekly.end_at(at(text)).is_some(), "{text} is outside");
        }
        for text in outside {
            assert!(weekly.end_at(at(text)).is_none(), "{text} is inside");
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_it_began() {
        check(
            "SAT 22:00-02:00",
            "Europe/Prague",
            &["2026-11-28T21:00:00Z", "2026-11-29T00:59:59Z"],
            &[
                "2026-11-28T20:59:59Z",
                "2026-11-29T01:00:00Z",
                "2026-11-29T21:30:00Z",
            ],
        );
        check(
            "SUN-MON 08:00-18:00",
            "UTC",
            &["2026-11-29T08:00:00Z", "2026-11-30T17:59:00Z"],
            &["2026-11-28T12:00:00Z", "2026-12-01T12:00:00Z"],
        );
    }

    #[test]
    fn nights_in_which_the_clock_changes() {
        // Clocks go forward at 02:00 on 29 March 2026 and back at 03:00 on 25 October.
        let weekly = Weekly::parse("SAT 23:00-04:00", Some("Europe/Prague")).unwrap();
        let length = |begin: &str| {
            let end = weekly.end_at(at(begin)).unwrap();
            (end.epoch_ms() - at(begin).epoch_ms()) / 3_600_000
        };
        assert_eq!(length("2026-03-28T22:00:00Z"), 4);
        assert_eq!(length("2026-10-24T21:00:00Z"), 6);
        assert_eq!(length("2026-11-28T22:00:00Z"), 5);
    }

    #[test]
    fn cron_and_once() {
        let parse = |yaml: &str| Maintenance::parse(&serde_saphyr::from_str(yaml).unwrap());
        let cron =
            parse("{reason: r, cron: '30 1 * * *', for: 45m, timezone: Europe/Prague}").unwrap();
        assert_eq!(
            cron.end_at(at("2026-11-26T00:45:00Z")),
            Some(at("2026-11-26T01:15:00Z"))
        );
        assert_eq!(cron.end_at(at("2026-11-26T01:15:00Z")), None);
        let once = parse("{reason: r, from: '2026-11-26T20:00', until: '2026-11-26T22:00', timezone: Europe/Prague}").unwrap();
        assert!(once.end_at(at("2026-11-26T19:30:00Z")).is_some());
        for wrong in [
            "{reason: r}",
            "{reason: r, weekly: 'SOMEDAY 1-2'}",
            "{reason: r, cron: '* *', for: 1h}",
            "{reason: r, cron: '0 1 * * *'}",
            "{reason: r, weekly: 'SAT 01:00-02:00', timezone: Mars}",
            "{reason: r, from: '2026-11-26T20:00', until: '2026-11-26T19:00'}",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_incident_is_concerned_as_a_whole() {
        let silence = Silence {
            id: None,
            reason: "r".to_owned(),
            by: String::new(),
            until: at("2026-11-26T20:00:00Z"),
            incident: None,
            rules: Vec::new(),
            monitors: vec!["shop-*".to_owned()],
        };
        let monitors = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let now = at("2026-11-26T19:00:00Z");
        assert!(silence.concerns("i", "r", &monitors(&["shop-a"]), now));
        assert!(!silence.concerns("i", "r", &monitors(&["shop-a", "bank"]), now));
        assert!(!silence.concerns("i", "r", &[], now));
        assert!(!silence.concerns("i", "r", &monitors(&["shop-a"]), silence.until));
    }

    proptest! {
        /// Against counting minutes on the wall clock of each day.
        #[test]
        fn weekly_hours_are_those_of_the_wall_clock(
            day in 0usize..7, from in 0u32..1440, until in 0u32..1440, offset in 0i64..(370 * 1440),
        ) {
            let text = format!(
                "{} {:02}:{:02}-{:02}:{:02}", DAYS[day].0, from / 60, from % 60, until / 60, until % 60,
            );
            let zone = TimeZone::get("Europe/Prague").unwrap();
            let weekly = Weekly::parse(&text, Some("Europe/Prague")).unwrap();
            let moment = Moment::from_epoch_ms(1_767_222_000_000 + offset * 60_000);
            let here = moment.0.to_zoned(zone);
            let minute = u32::try_from(here.hour()).unwrap() * 60 + u32::try_from(here.minute()).unwrap();
            let today = here.date().weekday() == DAYS[day].1;
            let yesterday = here.date().yesterday().unwrap().weekday() == DAYS[day].1;
            let expected = if until <= from {
                today && minute >= from || yesterday && minute < until
            } else {
                today && minute >= from && minute < until
            };
            // In the hour that is skipped or repeated the wall clock is no measure.
            let changes = [(3, 29), (10, 25)].contains(&(here.month(), here.day())) && (1..4).contains(&here.hour());
            prop_assume!(!changes);
            prop_assert_eq!(weekly.end_at(moment).is_some(), expected, "{} {}", text, here);
        }
    }
}
