//! The cluster that the established variables describe.

use std::time::Duration;

use canarytrace_es::{Client, ClientConfig, ClientError, Forwarder, SearchService};
use canarytrace_model::index::templates;

use crate::{failure::Failure, variables::Variables};

fn config(url: &str, variables: &Variables) -> ClientConfig {
    let timeout = variables
        .get("ELASTIC_TIMEOUT")
        .and_then(|text| text.parse().ok())
        .unwrap_or(5000);
    ClientConfig {
        url: url.to_owned(),
        basic_auth: variables.get("ELASTIC_HTTP_AUTH").map(str::to_owned),
        timeout: Duration::from_millis(timeout),
        gzip: variables.switch("ELASTIC_REQUEST_COMPRESSION", false),
        accept_invalid_certificates: variables.get("TLS_REJECT_UNAUTHORIZED") != Some("true"),
    }
}

pub(crate) fn client(url: &str, variables: &Variables) -> Result<Client, Failure> {
    Client::new(&config(url, variables)).map_err(|error| unusable(&error))
}

/// As the established listener names its time limit.
pub(crate) fn listening_client(url: &str, variables: &Variables) -> Result<Client, Failure> {
    let timeout = variables
        .get("ELASTIC_REQUEST_TIMEOUT")
        .and_then(|text| text.parse().ok())
        .unwrap_or(10_000);
    let config = ClientConfig {
        timeout: Duration::from_millis(timeout),
        ..config(url, variables)
    };
    Client::new(&config).map_err(|error| unusable(&error))
}

/// As somebody else than the variables say.
pub(crate) fn client_as(
    url: &str,
    variables: &Variables,
    credentials: Option<String>,
) -> Result<Client, Failure> {
    let own = config(url, variables);
    let config = ClientConfig {
        basic_auth: credentials.or(own.basic_auth),
        ..own
    };
    Client::new(&config).map_err(|error| unusable(&error))
}

pub(crate) fn forwarder(url: &str, variables: &Variables) -> Result<Forwarder, Failure> {
    Forwarder::new(&config(url, variables)).map_err(|error| unusable(&error))
}

fn unusable(error: &ClientError) -> Failure {
    Failure::with_hint(error.to_string(), "write --store http://HOST:9200")
}

/// Names of our index templates that a cluster lacks. Without them its guesses decide how fields are searched.
pub(crate) async fn missing_templates(
    client: &Client,
    prefix: &str,
) -> Result<Vec<String>, canarytrace_es::EsError> {
    let present = client.templates(&format!("{prefix}*")).await?;
    let wanted = templates(prefix).into_iter().map(|template| template.name);
    Ok(wanted
        .filter(|name| !present.iter().any(|template| template.name == *name))
        .collect())
}

/// Says so when a cluster was not prepared; one that cannot be asked is no news here.
pub(crate) async fn warn_without_templates(client: &Client, prefix: &str) {
    if let Ok(missing) = missing_templates(client, prefix).await
        && !missing.is_empty()
    {
        tracing::warn!(
            "store {url} lacks {} of our index templates, so it guesses the types of fields; hint: canarytrace setup --store {url}",
            missing.len(),
            url = client.url(),
        );
    }
}
