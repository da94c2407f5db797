//! What people type: KQL, dates with date math, and date formats.
#![no_main]

use canarytrace_es::{
    DateFormat,
    date::{Round, parse_query_date},
    kql,
};
use jiff::{Timestamp, tz::TimeZone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = kql::to_query(text, None) {
        assert!(error.position <= text.chars().count());
    }
    for round in [Round::Down, Round::Up] {
        parse_query_date(text, &TimeZone::UTC, round, Timestamp::UNIX_EPOCH).ok();
    }
    if let Ok(format) = DateFormat::parse(text) {
        format.write(0, &TimeZone::UTC);
    }
});
