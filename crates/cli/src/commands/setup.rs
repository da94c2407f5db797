//! `canarytrace setup`: prepares a cluster for our documents.

use canarytrace_es::{IndexTemplate, SearchService};
use canarytrace_model::index::templates;

use crate::{arguments::SetupArguments, failure::Failure, store, terminal, variables::Variables};

pub(crate) fn run(arguments: &SetupArguments, variables: &Variables) -> Result<u8, Failure> {
    let client = store::client(&arguments.store, variables)?;
    let runtime = super::serve::runtime()?;
    runtime.block_on(async {
        for template in templates(&arguments.prefix) {
            let name = template.name.clone();
            let installed = client.put_template(IndexTemplate {
                name: template.name,
                body: template.body,
            });
            installed.await.map_err(|error| {
                Failure::broken(format!(
                    "index template {name} was not taken by {}: {error}",
                    client.url()
                ))
            })?;
            terminal::line(&format!("index template {name}"));
        }
        terminal::line(&format!("{} is ready", client.url()));
        Ok(0)
    })
}
