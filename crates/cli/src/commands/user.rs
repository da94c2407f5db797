//! `canarytrace user`: who may log in. A running server learns of it when it starts again; its own page tells it at once.

use std::{
    io::{self, BufRead},
    path::Path,
};

use canarytrace_server::access::{AccessFile, Role};

use crate::{arguments::UserCommand, commands::serve::access_file, failure::Failure, terminal};

pub(crate) fn run(command: &UserCommand) -> Result<u8, Failure> {
    match command {
        UserCommand::Add { name, role, data } => {
            let role = Role::parse(role).ok_or_else(|| {
                Failure::with_hint(
                    format!("role `{role}` is not known"),
                    format!("roles are {}", Role::NAMES.join(", ")),
                )
            })?;
            let password = password(name)?;
            change(data, |file| {
                file.add_user(name, &password, role)
                    .map_err(|error| Failure::usage(error.to_string()))
            })?;
            terminal::line(&format!(
                "{name} may log in; a running server has to be started again"
            ));
        }
        UserCommand::List { data } => {
            for (name, user) in &read(data)?.users {
                terminal::line(&format!("{name:24} {:?}", user.role).to_lowercase());
            }
        }
        UserCommand::Remove { name, data } => {
            change(data, |file| {
                file.remove_user(name)
                    .map_err(|error| Failure::usage(error.to_string()))
            })?;
            terminal::line(&format!(
                "{name} may not log in any more; a running server has to be started again"
            ));
        }
    }
    Ok(0)
}

fn read(data: &Path) -> Result<AccessFile, Failure> {
    AccessFile::read(&access_file(data)).map_err(|error| Failure::usage(error.to_string()))
}

fn change(
    data: &Path,
    change: impl FnOnce(&mut AccessFile) -> Result<(), Failure>,
) -> Result<(), Failure> {
    std::fs::create_dir_all(data).map_err(|error| {
        Failure::usage(format!(
            "data folder {} cannot be made: {error}",
            data.display()
        ))
    })?;
    let mut file = read(data)?;
    change(&mut file)?;
    file.write(&access_file(data))
        .map_err(|error| Failure::usage(error.to_string()))
}

/// The first line of standard input: never an argument, which every program on the machine can read.
fn password(name: &str) -> Result<String, Failure> {
    terminal::progress(&format!("password of {name}, then Enter:"));
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Failure::broken)?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}
