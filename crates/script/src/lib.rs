//! The JavaScript engine: mocha's tree and WebdriverIO's surface over one browser.
//!
//! [`ScriptEngine::start`] loads a spec on a thread of its own; [`ScriptEngine::tree`] is what it declared, and each hook
//! and test is one [`ScriptEngine::call`] with its own deadline, so that `after` hooks run after a timeout. The commands
//! of the script arrive at [`commands::perform`] on the thread that owns the browser.
//!
//! Invariants: this is the only crate that maps JavaScript to browser commands; a script sees no file outside its root,
//! no process and no environment but what it is given; loops that QuickJS cannot interrupt are ended by killing the
//! process, which is the supervisor's part.

pub mod commands;

mod check;
mod digest;
mod engine;
mod error;
mod files;
mod host;
mod loader;
mod resolution;
mod syntax;
mod tree;

/// Types of everything a script may call, for editors.
pub const TYPES: &str = include_str!("../types/index.d.ts");

pub use check::{UnknownCommand, unknown_commands};
pub use engine::{Call, CallOutcome, EngineConfig, MochaOptions, ScriptEngine, ScriptStyle};
pub use error::{ScriptError, ScriptErrorKind};
pub use files::{Positions, Transpiled, Transpiler};
pub use host::{CommandRequest, EngineOutput, Reply};
pub use tree::{Callable, SuiteNode, TestNode};
