//! `canarytrace serve`: store, API, UI and scheduler on one port.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use canarytrace_server::{FrameOrigins, access::Access, tls::Certificates};
use tokio::net::TcpListener;

use crate::{
    arguments::ServeArguments,
    configuration,
    control::stop_on_signals,
    failure::Failure,
    stack::{Parts, Ports, Settings, Stack},
    terminal,
    variables::Variables,
};

pub(crate) fn run(arguments: ServeArguments, variables: Variables) -> Result<u8, Failure> {
    let parts = Parts::parse(&arguments.only)?;
    // Everything is validated before a port is bound.
    if let Some(path) = &arguments.config {
        for note in configuration::read(path)?.without_effect() {
            tracing::warn!("{note}");
        }
    }
    let runtime = runtime()?;
    runtime.block_on(async {
        let access = Access::open(access_file(&arguments.data))
            .map_err(|error| Failure::usage(error.to_string()))?;
        if access.is_none() && !arguments.allow_anonymous && !arguments.listen.ip().is_loopback() {
            return Err(open_to_the_network(&arguments));
        }
        let certificates = certificates(&arguments)?;
        let frames = FrameOrigins::parse(&arguments.frame_origin)
            .map_err(|error| Failure::usage(format!("--frame-origin: {error}")))?;
        let listener = bind(arguments.listen).await?;
        let address = listener.local_addr().map_err(Failure::broken)?;
        let scheme = certificates.as_ref().map_or("http", |_| "https");
        let public_url = format!("{scheme}://{address}");
        let ports = match certificates {
            Some(certificates) => Ports {
                plain: bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?,
                tls: Some((listener, certificates)),
            },
            None => Ports::plain(listener),
        };
        let address = ports.plain.local_addr().map_err(Failure::broken)?;
        let settings = Settings {
            data: arguments.data,
            config: arguments.config,
            store: arguments.store,
            parts,
            address,
            public_url: public_url.clone(),
            access,
            frames,
            fresh_pages: false,
        };
        let stop = stop_on_signals()?;
        let stack = Stack::start(settings, &variables).await?;
        terminal::line(&format!("ready: {public_url}/"));
        stack.serve(ports, stop).await
    })
}

fn certificates(arguments: &ServeArguments) -> Result<Option<Arc<Certificates>>, Failure> {
    let (Some(certificate), Some(key)) = (&arguments.tls_certificate, &arguments.tls_key) else {
        return Ok(None);
    };
    Certificates::read(certificate, key)
        .map(Some)
        .map_err(|error| {
            Failure::with_hint(
                error.to_string(),
                "--tls-certificate takes the chain and --tls-key the private key, both as PEM",
            )
        })
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::broken)
}

fn open_to_the_network(arguments: &ServeArguments) -> Failure {
    Failure::with_hint(
        format!(
            "{} is reachable from outside, and there are no users to protect it",
            arguments.listen
        ),
        format!(
            "add one: canarytrace user add NAME --role admin --data {}; or say in so many words that everybody may do everything: --allow-anonymous",
            arguments.data.display()
        ),
    )
}

/// Users and tokens of a data folder.
pub(crate) fn access_file(data: &std::path::Path) -> PathBuf {
    data.join("access.json")
}

pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::with_hint(
            format!("{address} cannot be listened on: {error}"),
            "stop the other program or choose another port with --listen 127.0.0.1:PORT",
        )
    })
}

/// The folder of runs below a data folder.
pub(crate) fn runs_folder(data: &std::path::Path) -> PathBuf {
    data.join("runs")
}
