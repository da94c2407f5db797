//! The daily report: made from the store, drawn by the machine's browser, sent by mail once for each day.

use bytes::Bytes;
use canarytrace_es::EsError;
use canarytrace_listener::{
    report::{self, Period},
    reporters::{Channel, Channels, EmailChannel, PageMail, SendError},
    storage::{Storage, WriteError},
};
use canarytrace_model::{
    alerting::{ReportConfig, ReportPeriod},
    time::Moment,
};
use canarytrace_server::Picture;
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time},
    tz::TimeZone,
};
use tracing::{info, warn};

use crate::{failure::Failure, render::PageRenderer, variables::Variables};

/// Which report.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    day: Date,
    period: ReportPeriod,
    zone: TimeZone,
}

/// A report that was made.
pub(crate) struct Made {
    pub(crate) html: String,
    pub(crate) text: String,
    pub(crate) title: String,
}

fn zone(name: Option<&str>) -> Result<TimeZone, String> {
    let name = name.unwrap_or("UTC");
    TimeZone::get(name).map_err(|_| format!("time zone `{name}` is not known"))
}

impl Wanted {
    pub(crate) fn read(
        day: Option<&str>,
        period: Option<&str>,
        timezone: Option<&str>,
    ) -> Result<Self, String> {
        let zone = zone(timezone)?;
        let period = match period.unwrap_or("day") {
            "day" => ReportPeriod::Day,
            "week" => ReportPeriod::Week,
            "month" => ReportPeriod::Month,
            other => return Err(format!("period `{other}` is not day, week or month")),
        };
        let day = match day {
            Some(text) => text
                .parse()
                .map_err(|_| format!("`{text}` is not a day such as 2026-11-25"))?,
            None => yesterday(Timestamp::now(), &zone)?,
        };
        Ok(Self { day, period, zone })
    }

    pub(crate) async fn make(&self, storage: &Storage, prefix: &str) -> Result<Made, EsError> {
        let period = Period::of(self.day, self.period, &self.zone)
            .map_err(|error| EsError::new(400, "illegal_argument_exception", error))?;
        let report = report::read(storage, prefix, &period).await?;
        Ok(Made {
            html: report::page(&report, &period, &self.zone, "Canarytrace"),
            text: report::mail_text(&report, &period, &self.zone),
            title: format!("Monitoring Overview {}", period.title(&self.zone)),
        })
    }
}

fn yesterday(now: Timestamp, zone: &TimeZone) -> Result<Date, String> {
    let today = now.to_zoned(zone.clone()).date();
    today.yesterday().map_err(|error| error.to_string())
}

/// A page as a picture or for a printer, by the browser of this machine.
pub(crate) async fn draw(
    html: &str,
    picture: Picture,
    variables: &Variables,
) -> Result<Bytes, Failure> {
    let name = format!(
        "canarytrace-report-{}.html",
        canarytrace_model::RunId::random()
    );
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, html).map_err(Failure::broken)?;
    let drawn = match PageRenderer::find(&format!("file://{}", file.display()), variables) {
        Some(renderer) => renderer
            .render("", picture, WIDTH, None)
            .await
            .map_err(Failure::broken),
        None => Err(Failure::with_hint(
            "no browser was found to draw the report",
            "install Chromium and chromedriver, or write it as .html",
        )),
    };
    if let Err(error) = std::fs::remove_file(&file) {
        warn!(%error, file = %file.display(), "a file was left behind");
    }
    drawn
}

const WIDTH: u32 = 1120;

/// The mail server that is set up, if one is.
pub(crate) fn mail_server(channels: &Channels) -> Option<&EmailChannel> {
    channels.values().find_map(|channel| match channel {
        Channel::Email(email) => Some(&**email),
        _ => None,
    })
}

/// A report as mail, with the picture and the printed form where a browser is here.
pub(crate) async fn mail(
    made: Made,
    to: &[String],
    server: &EmailChannel,
    variables: &Variables,
) -> Result<(), SendError> {
    let mut files = Vec::new();
    for (picture, name, kind) in [
        (Picture::Png, "report.png", "image/png"),
        (Picture::Pdf, "report.pdf", "application/pdf"),
    ] {
        match draw(&made.html, picture, variables).await {
            Ok(content) => files.push((name.to_owned(), kind, content)),
            Err(error) => warn!(%error, "the report goes without {name}"),
        }
    }
    let page = PageMail {
        to: to.to_vec(),
        subject: made.title,
        text: made.text,
        html: made.html,
        files,
    };
    server.send_page(&page).await
}

/// The report that is sent by itself.
pub(crate) struct Mailing {
    at: Time,
    zone: TimeZone,
    to: Vec<String>,
    every: ReportPeriod,
    server: EmailChannel,
    variables: Variables,
}

impl Mailing {
    pub(crate) fn new(
        config: &ReportConfig,
        channels: &Channels,
        variables: &Variables,
    ) -> Result<Self, Failure> {
        let at = format!("{}:00", config.at).parse().map_err(|_| {
            Failure::usage(format!(
                "listener: report: `{}` is not a time such as 07:00",
                config.at
            ))
        })?;
        let zone = zone(config.timezone.as_deref()).map_err(Failure::usage)?;
        let server = mail_server(channels).ok_or_else(|| {
            Failure::with_hint(
                "listener: report: there is no mail server",
                "set up `listener.email`",
            )
        })?;
        if config.to.is_empty() {
            return Err(Failure::usage("listener: report: `to` names nobody"));
        }
        Ok(Self {
            at,
            zone,
            to: config.to.clone(),
            every: config.every.unwrap_or_default(),
            server: server.clone(),
            variables: variables.clone(),
        })
    }

    /// The day to report when its hour has come; weeks on Mondays, months on the first.
    fn due(&self, now: Timestamp) -> Option<Date> {
        let here = now.to_zoned(self.zone.clone());
        let today = here.date();
        let is_day = match self.every {
            ReportPeriod::Day => true,
            ReportPeriod::Week => today.weekday() == jiff::civil::Weekday::Monday,
            ReportPeriod::Month => today.day() == 1,
        };
        // What was missed for longer is not sent in the middle of the night.
        let until = self.at.checked_add(6.hours()).unwrap_or(Time::MAX);
        let is_time = here.time() >= self.at && here.time() < until;
        (is_day && is_time)
            .then(|| today.yesterday().ok())
            .flatten()
    }

    /// Sends what is due, once: who writes first that it goes is who sends it. What nobody took goes again.
    pub(crate) async fn send_due(&self, storage: &Storage, prefix: &str) {
        let Some(day) = self.due(Timestamp::now()) else {
            return;
        };
        let mut posting = match storage.posting(&day.to_string()).await {
            Ok(posting) => posting,
            Err(error) => {
                warn!(%error, "whether the report was sent cannot be read");
                return;
            }
        };
        if !posting.value.is_due(Moment::now()) {
            return;
        }
        posting.value.begin(Moment::now());
        posting.seq_no = match storage.put_posting(&posting).await {
            Ok(seq_no) => Some(seq_no),
            Err(WriteError::Conflict) => return,
            Err(WriteError::Store(error)) => {
                warn!(%error, "that the report goes cannot be written");
                return;
            }
        };
        let sent = self.send(day, storage, prefix).await;
        let again = posting.value.end(&sent, Moment::now());
        match (&sent, again) {
            (Ok(()), _) => info!(%day, "the report was sent"),
            (Err(error), Some(pause)) => {
                warn!(%error, %day, again_in_s = pause.as_secs(), "nobody took the report yet");
            }
            (Err(error), None) => {
                warn!(%error, %day, "the report was not sent; canarytrace report sends it by hand");
            }
        }
        if let Err(error) = storage.put_posting(&posting).await {
            warn!(?error, %day, "how far the report came cannot be written: it is not sent again");
        }
    }

    async fn send(&self, day: Date, storage: &Storage, prefix: &str) -> Result<(), SendError> {
        let wanted = Wanted {
            day,
            period: self.every,
            zone: self.zone.clone(),
        };
        let made = wanted.make(storage, prefix).await;
        let made = made.map_err(|error| SendError::temporary(error.to_string()))?;
        mail(made, &self.to, &self.server, &self.variables).await
    }
}
