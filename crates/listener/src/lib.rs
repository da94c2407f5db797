//! Rules over any [`SearchService`](canarytrace_es::SearchService), the incidents they find, and whom to tell.
//!
//! What it is not: it knows no HTTP server, no scheduler and no browser; what it needs of them is [`Surroundings`].
//! Start at [`Listener`], whose `round` asks, judges and writes down, and whose `deliver` sends what was written down.
//!
//! Invariants: judging is pure, `(rule, answer) -> findings`, and so is the life of an incident. A notice is part of its
//! incident's document before it is sent, so a kill at any moment loses none and doubles at most the one that was on its
//! way, which then says so.

pub mod calendar;
pub mod incident;
pub mod measure;
pub mod message;
pub mod report;
pub mod reporters;
pub mod rules;
pub mod score;
pub mod settings;
pub mod storage;
pub mod yaml;

mod checks;
mod listener;
mod rehearsal;
mod round;

pub use listener::{ActError, Action, Listener, Outcome, RuleState, Say, Surroundings};
pub use rehearsal::{Rehearsal, Rehearsed, Traced, rehearse, trace};
pub use settings::Settings;
