//! The page, in tables and inline styles: mail programs, browsers and printers show it alike.

use canarytrace_model::time::Moment;
use jiff::tz::TimeZone;

use super::{Availability, Period, Report, Row, Vitality};
use crate::reporters::escaped;

/// Rows of a printed page.
const ROWS_OF_A_PAGE: usize = 5;
const GREEN: &str = "#2e9e5b";
const YELLOW: &str = "#e9b820";
const RED: &str = "#d03a34";
const GREY: &str = "#dfe3e8";
const STRIPED: &str = "#b9b2c9";

/// How many printed pages a report has.
pub fn pages(report: &Report) -> usize {
    report.rows.len().div_ceil(ROWS_OF_A_PAGE).max(1)
}

/// The whole page. It says that it is complete, so that a browser can draw it.
pub fn page(report: &Report, period: &Period, zone: &TimeZone, name: &str) -> String {
    let title = period.title(zone);
    let count = pages(report);
    let mut body = String::new();
    for number in 0..count {
        let rows = report
            .rows
            .iter()
            .skip(number * ROWS_OF_A_PAGE)
            .take(ROWS_OF_A_PAGE);
        let rows: String = rows.map(|row| heat_map(row, period)).collect();
        let rows = match rows.is_empty() {
            true => "<p style=\"color:#5b6470\">No run in this time.</p>".to_owned(),
            false => rows,
        };
        body.push_str(&format!(
            "<section class=\"sheet\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\"><tr><td><h1 style=\"margin:0;font-size:22px\">{name} Monitoring Overview</h1></td><td style=\"text-align:right;color:#5b6470;white-space:nowrap\">{title}<br>Page {page}/{count}</td></tr></table>{legend}{rows}</section>",
            name = escaped(name),
            page = number + 1,
            legend = legend(),
        ));
    }
    body.push_str(&format!(
        "<section class=\"sheet\">{}{}{}{}{}</section>",
        availability(report),
        incidents(report, zone),
        changes(report),
        slowest(report),
        storage(report)
    ));
    format!(
        "<!doctype html><html lang=\"en\" data-complete=\"yes\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{} Monitoring Overview {title}</title><style>{STYLE}</style></head><body style=\"margin:0;padding:16px;background:#ffffff;color:#1c2127;font:14px/1.45 -apple-system,'Segoe UI',Roboto,'Noto Sans',Arial,sans-serif\"><div style=\"max-width:1040px;margin:0 auto\">{body}</div></body></html>",
        escaped(name)
    )
}

const STYLE: &str = "h2{font-size:17px;margin:22px 0 8px}.list{border-collapse:collapse;width:100%}.list th{text-align:left;font-weight:600;color:#5b6470}.list th,.list td{padding:5px 10px 5px 0;border-bottom:1px solid #e4e8ed;vertical-align:top;word-break:break-word}.list .n{text-align:right;white-space:nowrap}@media print{.sheet{break-after:page}.sheet:last-child{break-after:auto}.row{break-inside:avoid}}";

fn legend() -> String {
    let entry = |color: &str, text: &str| {
        format!(
            "<span style=\"white-space:nowrap;margin-right:14px\"><span style=\"display:inline-block;width:12px;height:12px;background:{color};vertical-align:-1px\"></span> {text}</span>"
        )
    };
    format!(
        "<p style=\"margin:10px 0 16px;color:#5b6470;font-size:13px\">Upper row, vitality: {}{}{}{}<br>Lower row, availability: {}{}{}{}</p>",
        entry(GREEN, "81–100"),
        entry(YELLOW, "31–80"),
        entry(RED, "0–30"),
        entry(GREY, "no audit"),
        entry(GREEN, "available and loaded"),
        entry(RED, "not available or not loadable"),
        entry(STRIPED, "not known (our own trouble)"),
        entry(GREY, "no run")
    )
}

fn heat_map(row: &Row, period: &Period) -> String {
    let chips: String = row
        .labels
        .iter()
        .map(|label| {
            format!(
                "<span style=\"display:inline-block;margin:0 6px 4px 0;padding:1px 8px;border-radius:9px;background:#eef1f5;color:#444c57;font-size:12px\">{}</span>",
                escaped(label)
            )
        })
        .collect();
    let vitality = row.vitality.iter().map(|cell| match cell {
        Some(Vitality::Good) => GREEN,
        Some(Vitality::Fair) => YELLOW,
        Some(Vitality::Poor) => RED,
        None => GREY,
    });
    let availability = row.availability.iter().map(|cell| match cell {
        Some(Availability::Available) => GREEN,
        Some(Availability::Down) => RED,
        Some(Availability::Unknown) => STRIPED,
        None => GREY,
    });
    let percent = row
        .available_percent
        .map_or_else(|| "–".to_owned(), |percent| format!("{percent:.2} %"));
    let said = format!(
        "{}: available {percent}, {} of {} runs failed",
        row.monitor, row.failed, row.runs
    );
    format!(
        "<div class=\"row\" style=\"margin:0 0 18px\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\"><tr><td style=\"font-weight:600;word-break:break-word\">{name}</td><td style=\"text-align:right;white-space:nowrap\">{percent}</td></tr></table><div>{chips}</div><div role=\"img\" aria-label=\"{said}\">{upper}{lower}{axis}</div></div>",
        name = escaped(&row.monitor),
        said = escaped(&said),
        upper = strip(vitality),
        lower = strip(availability),
        axis = axis(period),
    )
}

/// Cells of one color beside each other are one: a day of good news is one cell, not 144.
fn strip<'a>(colors: impl Iterator<Item = &'a str>) -> String {
    let mut runs: Vec<(&str, usize)> = Vec::new();
    for color in colors {
        match runs.last_mut() {
            Some((last, length)) if *last == color => *length += 1,
            _ => runs.push((color, 1)),
        }
    }
    let total: usize = runs.iter().map(|(_, length)| length).sum();
    let cells: String = runs
        .iter()
        .map(|(color, length)| {
            format!(
                "<td width=\"{:.3}%\" style=\"background:{color};height:16px;font-size:0;padding:0\"></td>",
                *length as f64 * 100.0 / total.max(1) as f64
            )
        })
        .collect();
    format!(
        "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"table-layout:fixed;border-collapse:collapse;margin-bottom:2px\"><tr>{cells}</tr></table>"
    )
}

fn axis(period: &Period) -> String {
    let cells = i64::try_from(period.cells()).unwrap_or(1).max(1);
    let marks: String = period
        .axis
        .iter()
        .map(|(cell, text)| {
            let left = *cell as f64 * 100.0 / cells as f64;
            let shift = if *cell >= cells {
                "translateX(-100%)"
            } else {
                "none"
            };
            format!(
                "<span style=\"position:absolute;left:{left:.2}%;transform:{shift}\">{text}</span>"
            )
        })
        .collect();
    format!(
        "<div style=\"position:relative;height:16px;color:#5b6470;font-size:12px\">{marks}</div>"
    )
}

fn availability(report: &Report) -> String {
    let mut worst: Vec<&Row> = report
        .rows
        .iter()
        .filter(|row| row.available_percent.is_some_and(|percent| percent < 100.0))
        .collect();
    worst.sort_by(|one, other| {
        let percent = |row: &Row| row.available_percent.unwrap_or(100.0);
        percent(one).total_cmp(&percent(other))
    });
    let runs: u64 = report.rows.iter().map(|row| row.runs).sum();
    let failed: u64 = report.rows.iter().map(|row| row.failed).sum();
    let broken: u64 = report.rows.iter().map(|row| row.broken).sum();
    let counted = runs.saturating_sub(broken);
    let all = match counted {
        0 => "–".to_owned(),
        counted => format!(
            "{:.3} %",
            counted.saturating_sub(failed) as f64 * 100.0 / counted as f64
        ),
    };
    let rows: String = worst
        .iter()
        .take(10)
        .map(|row| {
            format!(
                "<tr><td>{}</td><td class=\"n\">{:.2} %</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                escaped(&row.monitor),
                row.available_percent.unwrap_or(100.0),
                row.failed,
                row.runs
            )
        })
        .collect();
    let table = match rows.is_empty() {
        true => "<p>Every run that could say something passed.</p>".to_owned(),
        false => format!(
            "<table class=\"list\"><tr><th>Least available</th><th class=\"n\">Available</th><th class=\"n\">Failed</th><th class=\"n\">Runs</th></tr>{rows}</table>"
        ),
    };
    format!(
        "<h2>Availability {all}</h2><p>{} monitors, {runs} runs, {failed} failed, {broken} broke on our side and are not counted.</p>{table}",
        report.rows.len()
    )
}

fn incidents(report: &Report, zone: &TimeZone) -> String {
    let time = |text: &str| {
        text.parse().map_or_else(
            |_| text.to_owned(),
            |at| {
                Moment(at)
                    .0
                    .to_zoned(zone.clone())
                    .strftime("%d.%m. %H:%M")
                    .to_string()
            },
        )
    };
    let rows: String = report
        .incidents
        .iter()
        .map(|told| {
            format!(
                "<tr><td class=\"n\" style=\"text-align:left\">{} – {}</td><td><strong>{}</strong><br>{}</td><td class=\"n\">{}</td></tr>",
                time(&told.from),
                told.until.as_deref().map_or_else(|| "open".to_owned(), time),
                escaped(&told.title),
                escaped(&told.sentence),
                told.score
            )
        })
        .collect();
    match rows.is_empty() {
        true => "<h2>Incidents</h2><p>None.</p>".to_owned(),
        false => format!(
            "<h2>Incidents</h2><table class=\"list\"><tr><th>Time</th><th>What</th><th class=\"n\">Score</th></tr>{rows}</table>"
        ),
    }
}

fn changes(report: &Report) -> String {
    if report.changes.is_empty() {
        return "<h2>Changes</h2><p>Nothing changed much since the time before.</p>".to_owned();
    }
    let lines: String = report
        .changes
        .iter()
        .map(|change| format!("<li>{}</li>", escaped(change)))
        .collect();
    format!(
        "<h2>Changes since the time before</h2><ul style=\"margin:0;padding-left:20px\">{lines}</ul>"
    )
}

fn slowest(report: &Report) -> String {
    if report.slowest.is_empty() {
        return String::new();
    }
    let rows: String = report
        .slowest
        .iter()
        .map(|(url, load)| {
            format!(
                "<tr><td>{}</td><td class=\"n\">{:.2} s</td></tr>",
                escaped(url),
                load / 1000.0
            )
        })
        .collect();
    format!(
        "<h2>Slowest pages</h2><table class=\"list\"><tr><th>Page</th><th class=\"n\">Load, p75</th></tr>{rows}</table>"
    )
}

fn megabytes(bytes: u64) -> String {
    let megabytes = bytes as f64 / 1e6;
    match megabytes < 1000.0 {
        true => format!("{megabytes:.0} MB"),
        false => format!("{:.1} GB", megabytes / 1000.0),
    }
}

fn storage(report: &Report) -> String {
    format!(
        "<h2>Storage</h2><p>{} are stored; a day adds about {}, so that in 30 days there are {}, less what is deleted by age.</p>",
        megabytes(report.stored_bytes),
        megabytes(report.bytes_per_day),
        megabytes(report.stored_bytes + 30 * report.bytes_per_day)
    )
}

/// The same for programs that show no HTML.
pub fn mail_text(report: &Report, period: &Period, zone: &TimeZone) -> String {
    let mut lines = vec![
        format!("Monitoring Overview {}", period.title(zone)),
        String::new(),
    ];
    for row in &report.rows {
        let percent = row
            .available_percent
            .map_or_else(|| "-".to_owned(), |percent| format!("{percent:.2} %"));
        lines.push(format!(
            "{}: available {percent}, {} of {} runs failed",
            row.monitor, row.failed, row.runs
        ));
    }
    lines.push(String::new());
    lines.push(format!("Incidents: {}", report.incidents.len()));
    for told in &report.incidents {
        lines.push(format!("- {} {}", told.from, told.title));
    }
    lines.push(String::new());
    lines.extend(report.changes.iter().cloned());
    lines.join("\n")
}
