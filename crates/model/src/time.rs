//! Time as documents carry it: wall clock at the start of the run plus the monotonic clock since.

use std::time::{Duration, Instant};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A moment in UTC, written as `2026-11-22T17:05:51.123Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Moment(pub Timestamp);

impl Moment {
    pub fn now() -> Self {
        Self(Timestamp::now())
    }

    /// From milliseconds since the epoch; clamps what no calendar holds.
    pub fn from_epoch_ms(milliseconds: i64) -> Self {
        Self(Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    pub fn epoch_ms(self) -> i64 {
        self.0.as_millisecond()
    }

    /// `YYYY.MM.DD` in UTC, the suffix of a daily index.
    pub fn index_date(self) -> String {
        self.0
            .to_zoned(TimeZone::UTC)
            .strftime("%Y.%m.%d")
            .to_string()
    }

    /// `HHmmss-YYYY-MM-DD` in UTC, the prefix of a screenshot's file name.
    pub fn file_stamp(self) -> String {
        self.0
            .to_zoned(TimeZone::UTC)
            .strftime("%H%M%S-%Y-%m-%d")
            .to_string()
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}",
            self.0
                .to_zoned(TimeZone::UTC)
                .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        )
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Moment).map_err(serde::de::Error::custom)
    }
}

/// The clock of one run: never goes backwards, whatever happens to the wall clock meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    started_at: Moment,
    started: Instant,
}

impl RunClock {
    pub fn start() -> Self {
        Self {
            started_at: Moment::now(),
            started: Instant::now(),
        }
    }

    pub fn started_at(&self) -> Moment {
        self.started_at
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn now(&self) -> Moment {
        let elapsed_ms = i64::try_from(self.elapsed().as_millis()).unwrap_or(i64::MAX);
        Moment::from_epoch_ms(self.started_at.epoch_ms().saturating_add(elapsed_ms))
    }

    /// How far the wall clock has moved against the monotonic one since the start (positive: jumped ahead), in ms.
    pub fn wall_clock_drift_ms(&self) -> i64 {
        Moment::now().epoch_ms() - self.now().epoch_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_with_milliseconds_in_utc() {
        let moment = Moment::from_epoch_ms(1_652_538_064_007);
        assert_eq!(moment.to_string(), "2022-05-14T14:21:04.007Z");
        assert_eq!(moment.index_date(), "2022.05.14");
        assert_eq!(moment.file_stamp(), "142104-2022-05-14");
    }
}
