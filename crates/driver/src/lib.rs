//! One browser, from finding its binaries to the last of its processes gone.
//!
//! WebDriver is the hands ([`webdriver::WebDriver`]), DevTools the eyes ([`devtools::DevTools`], events in types of our
//! own). Start at [`Browser::launch`] or [`Browser::connect`].
//!
//! Invariants: only this crate knows WebDriver and DevTools JSON; every queue is bounded and what it drops is counted;
//! every call has a deadline; [`Browser::close`] leaves no process, profile or port behind.

pub mod devtools;
pub mod webdriver;

mod bidi;
mod browser;
mod film;
mod find;
mod launch;
mod picture;
mod renewal;
mod socket;
mod workspace;

pub use bidi::{Bidi, BidiError, BidiEvents};
pub use browser::{Browser, BrowserUsage, Closed};
pub use film::Screencast;
pub use find::{BrowserBinary, FindError, find_browser, find_chromedriver};
pub use launch::{LaunchConfig, LaunchError};
pub use picture::Area;
pub use renewal::RenewalError;
pub use workspace::remove_workspace;
