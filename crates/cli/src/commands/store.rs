//! `canarytrace store verify|rebuild`: looks after the files of an embedded store that is not in use.

use std::path::Path;

use canarytrace_store::{StoreConfig, StoreError, rebuild, verify};

use crate::{
    arguments::{StoreArguments, StoreCommand},
    failure::Failure,
    stack, terminal,
};

/// Exit 1 when something is damaged, or could not be read any more.
pub(crate) fn run(arguments: &StoreArguments) -> Result<u8, Failure> {
    match &arguments.command {
        StoreCommand::Verify { data } => report_damages(&config(data)?),
        StoreCommand::Rebuild { data, indices } => report_rebuilt(&config(data)?, indices),
    }
}

fn config(data: &Path) -> Result<StoreConfig, Failure> {
    let folder = stack::store_folder(data);
    if !folder.join("indices").is_dir() {
        return Err(Failure::with_hint(
            format!("{} holds no store", data.display()),
            "write --data as it was given to canarytrace serve",
        ));
    }
    Ok(StoreConfig { folder })
}

fn report_damages(config: &StoreConfig) -> Result<u8, Failure> {
    let damages = verify(config).map_err(failure)?;
    for damage in &damages {
        terminal::line(&format!("{}: {}", damage.index, damage.reason));
    }
    terminal::line(&match damages.len() {
        0 => "every file is as it was written".to_owned(),
        count => format!("{count} damaged; hint: canarytrace store rebuild"),
    });
    Ok(u8::from(!damages.is_empty()))
}

fn report_rebuilt(config: &StoreConfig, indices: &[String]) -> Result<u8, Failure> {
    let rebuilt = rebuild(config, indices).map_err(failure)?;
    let mut lost = 0;
    for index in &rebuilt {
        lost += index.lost;
        terminal::line(&format!(
            "{}: {} documents, {} lost",
            index.index, index.documents, index.lost
        ));
    }
    if rebuilt.is_empty() {
        terminal::line("nothing had to be made again");
    }
    Ok(u8::from(lost > 0))
}

fn failure(error: StoreError) -> Failure {
    match error {
        StoreError::Locked(_) => Failure::with_hint(error.to_string(), "stop the server first"),
        other => Failure::broken(other),
    }
}
