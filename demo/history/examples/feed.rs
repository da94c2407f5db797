//! Writes the last days of a made-up history as bulk requests to standard output, ready for `POST /_bulk`:
//! `cargo run -p canarytrace-history --example feed -- DAYS MONITORS INTERVAL_SECONDS [SEED]`.

use std::io::{self, BufWriter, Write};

use canarytrace_history::{History, Plan};
use canarytrace_model::time::Moment;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| {
        let given = arguments.next().and_then(|text| text.parse().ok());
        given.unwrap_or(default)
    };
    let (days, monitors, interval_s, seed) = (number(7), number(12), number(600), number(1));
    let now = Moment::now().epoch_ms();
    let day_ms = 24 * 3_600_000;
    let plan = Plan {
        seed,
        from: Moment::from_epoch_ms(now - i64::try_from(days).unwrap_or(7) * day_ms),
        days: u32::try_from(days).unwrap_or(7),
        monitors: usize::try_from(monitors).unwrap_or(12),
        interval_s: u32::try_from(interval_s).unwrap_or(600),
    };
    let history = History::new(plan);
    let mut told = io::stderr().lock();
    for incident in history.incidents() {
        writeln!(told, "{incident:?}")?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    for document in history.flatten() {
        writeln!(
            out,
            r#"{{"create":{{"_index":"{}","_id":"{}"}}}}"#,
            document.index, document.id
        )?;
        out.write_all(&document.source)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
