//! `canarytrace serve`: store, API, UI and scheduler on one port.

use std::{net::SocketAddr, path::PathBuf};

use tokio::net::TcpListener;

use crate::{
    arguments::ServeArguments,
    configuration,
    control::stop_on_signals,
    failure::Failure,
    stack::{Parts, Settings, Stack},
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
        let listener = bind(arguments.listen).await?;
        let address = listener.local_addr().map_err(Failure::broken)?;
        let settings = Settings {
            data: arguments.data,
            config: arguments.config,
            store: arguments.store,
            parts,
            address,
            fresh_pages: false,
        };
        let stop = stop_on_signals()?;
        let stack = Stack::start(settings, &variables).await?;
        terminal::line(&format!("ready: http://{address}/"));
        stack.serve(listener, stop).await
    })
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::broken)
}

/// Only loopback: there are no users yet who could be asked for a password.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    if !address.ip().is_loopback() {
        return Err(Failure::with_hint(
            format!(
                "{address} is reachable from outside, and this version has no users to protect it"
            ),
            "listen on 127.0.0.1 and put a proxy with authentication in front",
        ));
    }
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
