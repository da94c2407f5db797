//! The timing probe of `BASE_URL` before the run, with the names curl gives the phases.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use url::Url;

const LIMIT: Duration = Duration::from_secs(10);

/// The probe's lines, in seconds with six decimals; a target that is down is a line, never an end.
pub(crate) async fn probe(target: &str) -> Vec<String> {
    match tokio::time::timeout(LIMIT, measure(target)).await {
        Ok(Ok(lines)) => lines,
        Ok(Err(reason)) => vec![format!("availability of {target}: {reason}")],
        Err(_) => vec![format!(
            "availability of {target}: no answer within {}s",
            LIMIT.as_secs()
        )],
    }
}

async fn measure(target: &str) -> Result<Vec<String>, String> {
    let url = Url::parse(target).map_err(|error| error.to_string())?;
    let host = url.host_str().ok_or("no host")?;
    let port = url.port_or_known_default().ok_or("no port")?;
    let start = Instant::now();
    let address = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| error.to_string())?
        .next()
        .ok_or("no address")?;
    let resolved = start.elapsed();
    drop(
        TcpStream::connect(address)
            .await
            .map_err(|error| error.to_string())?,
    );
    let connected = start.elapsed();
    let http = reqwest::Client::builder()
        .no_proxy()
        .danger_accept_invalid_certs(true)
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let response = http
        .map_err(|error| error.to_string())?
        .get(url.clone())
        .send()
        .await
        .map_err(|error| error.without_url().to_string())?;
    let first_byte = start.elapsed();
    response
        .bytes()
        .await
        .map_err(|error| error.without_url().to_string())?;
    let line = |name: &str, value: Duration| format!("{name}:  {:.6}", value.as_secs_f64());
    let secure = if url.scheme() == "https" {
        first_byte
    } else {
        Duration::ZERO
    };
    Ok(vec![
        format!("* Connection #0 to host {host} left intact"),
        line("time_namelookup", resolved),
        line("time_connect", connected),
        line("time_appconnect", secure),
        line("time_pretransfer", connected),
        line("time_redirect", Duration::ZERO),
        line("time_starttransfer", first_byte),
        "----------".to_owned(),
        line("time_total", start.elapsed()),
    ])
}
