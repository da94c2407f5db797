//! The report of a day, week or month: availability and vitality of everything that is watched, as one page.

mod data;
mod html;

use canarytrace_model::{alerting::ReportPeriod, time::Moment};
use jiff::{ToSpan, civil::Date, tz::TimeZone};

pub use data::{Report, Row, read};
pub use html::{mail_text, page, pages};

/// A time that is reported, cut into cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    pub name: &'static str,
    pub from: Moment,
    pub until: Moment,
    pub cell_minutes: i64,
    /// Where the axis has a number: cell and text.
    pub axis: Vec<(i64, String)>,
}

impl Period {
    /// The period that holds `day`, by the wall clock of a zone. A day has 144 cells of ten minutes.
    pub fn of(day: Date, period: ReportPeriod, zone: &TimeZone) -> Result<Self, String> {
        let wrong = |error: jiff::Error| format!("{day}: {error}");
        let (first, last, name, cell_minutes) = match period {
            ReportPeriod::Day => (day, day.tomorrow().map_err(wrong)?, "Day", 10),
            ReportPeriod::Week => {
                let back = i64::from(day.weekday().to_monday_zero_offset());
                let first = day.checked_sub(back.days()).map_err(wrong)?;
                let last = first.checked_add(7.days()).map_err(wrong)?;
                (first, last, "Week", 60)
            }
            ReportPeriod::Month => {
                let first = day.first_of_month();
                let last = day.last_of_month().tomorrow().map_err(wrong)?;
                (first, last, "Month", 360)
            }
        };
        let moment = |date: Date| {
            date.to_zoned(zone.clone())
                .map(|zoned| Moment(zoned.timestamp()))
                .map_err(wrong)
        };
        let (from, until) = (moment(first)?, moment(last)?);
        let cells = (until.epoch_ms() - from.epoch_ms()) / (cell_minutes * 60_000);
        let axis = match period {
            ReportPeriod::Day => [0, 6, 12, 18, 24]
                .into_iter()
                .map(|hour| (hour * 6, hour.to_string()))
                .collect(),
            _ => {
                let a_day = 24 * 60 / cell_minutes;
                let step = if period == ReportPeriod::Week { 1 } else { 5 };
                (0..cells / a_day)
                    .step_by(step)
                    .filter_map(|number| {
                        let date = first.checked_add(number.days()).ok()?;
                        Some((number * a_day, date.strftime("%d.%m.").to_string()))
                    })
                    .collect()
            }
        };
        Ok(Self {
            name,
            from,
            until,
            cell_minutes,
            axis,
        })
    }

    pub fn cells(&self) -> usize {
        let cell = self.cell_minutes * 60_000;
        usize::try_from((self.until.epoch_ms() - self.from.epoch_ms() + cell - 1) / cell)
            .unwrap_or(0)
    }

    /// The period before, of the same length.
    pub fn before(&self) -> (Moment, Moment) {
        let length = self.until.epoch_ms() - self.from.epoch_ms();
        (
            Moment::from_epoch_ms(self.from.epoch_ms() - length),
            self.from,
        )
    }

    /// `2026-11-25`, or the first and last day.
    pub fn title(&self, zone: &TimeZone) -> String {
        let day = |moment: Moment| moment.0.to_zoned(zone.clone()).date().to_string();
        let last = Moment::from_epoch_ms(self.until.epoch_ms() - 1);
        match day(self.from) == day(last) {
            true => day(self.from),
            false => format!("{} – {}", day(self.from), day(last)),
        }
    }
}

/// How good a page was: the worst of a cell counts. The limits are those of the established report, not the listener's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vitality {
    /// 0 to 30.
    Poor,
    /// 31 to 80.
    Fair,
    /// 81 to 100.
    Good,
}

impl Vitality {
    pub fn of(score: f64) -> Self {
        if score <= 30.0 {
            Vitality::Poor
        } else if score < 81.0 {
            Vitality::Fair
        } else {
            Vitality::Good
        }
    }
}

/// Whether a page was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    Available,
    /// It could not be opened or did not do what it should.
    Down,
    /// Only our own trouble was seen: nothing is known of the page.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_144_cells_but_where_the_clock_changes() {
        let zone = TimeZone::get("Europe/Prague").unwrap();
        let cells = |day: &str| {
            Period::of(day.parse().unwrap(), ReportPeriod::Day, &zone)
                .unwrap()
                .cells()
        };
        assert_eq!(cells("2026-11-25"), 144);
        assert_eq!(cells("2026-10-25"), 150);
        assert_eq!(cells("2026-03-29"), 138);
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let title = |period| {
            let period = Period::of("2026-11-26".parse().unwrap(), period, &TimeZone::UTC).unwrap();
            period.title(&TimeZone::UTC)
        };
        assert_eq!(title(ReportPeriod::Week), "2026-11-23 – 2026-11-29");
        assert_eq!(title(ReportPeriod::Month), "2026-11-01 – 2026-11-30");
        assert_eq!(title(ReportPeriod::Day), "2026-11-26");
    }

    #[test]
    fn vitality_has_limits_of_its_own() {
        assert_eq!(Vitality::of(30.0), Vitality::Poor);
        assert_eq!(Vitality::of(80.9), Vitality::Fair);
        assert_eq!(Vitality::of(81.0), Vitality::Good);
    }
}
