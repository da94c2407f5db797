//! One file per command.

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod demo;
pub(crate) mod init;
pub(crate) mod listen;
pub(crate) mod notify;
pub(crate) mod report;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod runner;
pub(crate) mod serve;
pub(crate) mod setup;
pub(crate) mod store;
pub(crate) mod user;
