//! The `canarytrace` binary: arguments, configuration, wiring, exit codes. The only place that reads the environment,
//! prints to standard output or sets the exit code.

mod alert_views;
mod alerting;
mod allocator;
mod arguments;
mod attachments;
mod away;
mod branding;
mod commands;
mod configuration;
mod control;
mod failure;
mod in_force;
mod job;
mod measured;
mod monitors;
mod render;
mod reporting;
mod retention;
mod runs;
mod stack;
mod store;
mod terminal;
mod variables;
mod watch;

use std::process::ExitCode;

use clap::{Parser, error::ErrorKind};
use tracing_subscriber::EnvFilter;

use crate::{
    arguments::{Arguments, Command},
    failure::Failure,
    variables::Variables,
};

#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator::undecided();

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let variables = Variables::from_process();
    start_logging(&arguments, &variables);
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let result = match arguments.command {
        Command::Run(run) => commands::run::run(*run, variables),
        Command::Runner => commands::runner::run(),
        Command::Init(init) => commands::init::run(&init),
        Command::Check(check) => commands::check::run(&check),
        Command::Compare(compare) => commands::compare::run(&compare),
        Command::Store(store) => commands::store::run(&store),
        Command::User(user) => commands::user::run(&user.command),
        Command::Setup(setup) => commands::setup::run(&setup, &variables),
        Command::Listen(listen) => commands::listen::run(&listen, &variables),
        Command::Rules(rules) => commands::rules::run(&rules.command, &variables),
        Command::Report(report) => commands::report::run(&report, &variables),
        Command::Notify(notify) => commands::notify::run(&notify.command, &variables),
        Command::Serve(serve) => commands::serve::run(serve, variables),
        Command::Demo(demo) => commands::demo::run(demo, variables),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            terminal::error(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Help and version are answers, everything else is a usage error (exit 2).
fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion if printed.is_ok() => ExitCode::SUCCESS,
        _ => ExitCode::from(Failure::USAGE),
    }
}

/// Logs go to standard error; `LOG_LEVEL` is the established variable, `CANARYTRACE_LOG` takes a whole filter.
fn start_logging(arguments: &Arguments, variables: &Variables) {
    let level = variables
        .get("LOG_LEVEL")
        .filter(|level| ["trace", "debug", "info", "warn", "error"].contains(level));
    let default = match arguments.command {
        Command::Serve(_) | Command::Demo(_) => "warn,canarytrace=info",
        _ => "warn",
    };
    let filter = variables
        .get("CANARYTRACE_LOG")
        .or(level)
        .unwrap_or(default);
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(default)))
        .with_writer(std::io::stderr)
        // Said on standard error, too: whoever closed it must not end us.
        .log_internal_errors(false)
        .with_ansi(terminal::stderr_has_color(variables))
        .with_target(false)
        .init();
}
