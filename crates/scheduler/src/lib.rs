//! stub
use croner::parser::CronParser;
/// Whether a cron expression and its zone can be used; why not, otherwise.
pub fn check_cron(expression: &str, timezone: &str) -> Result<(), String> {
    CronParser::new()
        .parse(expression)
        .map_err(|error| format!("cron `{expression}` is not valid: {error}"))?;
    jiff::tz::TimeZone::get(timezone)
        .map_err(|_| format!("time zone `{timezone}` is not known"))
        .map(drop)
}
