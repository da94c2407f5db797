//! Finds Chromium, Chrome or chromium-headless-shell, and chromedriver.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// A browser binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserBinary {
    pub path: PathBuf,
    /// `chromium-headless-shell` has no headed mode and takes no `--headless=new`.
    pub headless_shell: bool,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum FindError {
    #[error("browser `{}` does not exist or is no file", .0.display())]
    NoSuchBrowser(PathBuf),
    #[error("no browser found: looked for {}; hint: apt-get install chromium chromium-driver, or name one with --browser PATH", .0.join(", "))]
    NoBrowser(Vec<String>),
    #[error("no chromedriver found: looked for {}; hint: apt-get install chromium-driver", .0.join(", "))]
    NoChromedriver(Vec<String>),
}

/// Debian's `/usr/bin/chromium` is a shell wrapper that costs 35 ms and adds flags, so the binary behind it comes first.
const BROWSERS: [&str; 6] = [
    "/usr/lib/chromium/chromium",
    "chromium",
    "google-chrome-stable",
    "google-chrome",
    "chromium-browser",
    "chromium-headless-shell",
];
const CHROMEDRIVERS: [&str; 3] = [
    "chromedriver",
    "/usr/bin/chromedriver",
    "/usr/lib/chromium/chromedriver",
];

/// The browser at `wanted`, or the first one found along `search_path` (the value of `PATH`).
pub fn find_browser(
    wanted: Option<&Path>,
    search_path: &OsStr,
) -> Result<BrowserBinary, FindError> {
    let path = match wanted {
        Some(wanted) => resolve(&wanted.to_string_lossy(), search_path)
            .ok_or_else(|| FindError::NoSuchBrowser(wanted.to_owned()))?,
        None => {
            first(&BROWSERS, search_path).ok_or_else(|| FindError::NoBrowser(names(&BROWSERS)))?
        }
    };
    let headless_shell = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().contains("headless"));
    Ok(BrowserBinary {
        path,
        headless_shell,
    })
}

/// chromedriver along `search_path`.
pub fn find_chromedriver(search_path: &OsStr) -> Result<PathBuf, FindError> {
    first(&CHROMEDRIVERS, search_path)
        .ok_or_else(|| FindError::NoChromedriver(names(&CHROMEDRIVERS)))
}

fn first(candidates: &[&str], search_path: &OsStr) -> Option<PathBuf> {
    candidates
        .iter()
        .find_map(|candidate| resolve(candidate, search_path))
}

fn resolve(candidate: &str, search_path: &OsStr) -> Option<PathBuf> {
    if candidate.contains('/') {
        let path = PathBuf::from(candidate);
        return path.is_file().then_some(path);
    }
    std::env::split_paths(search_path)
        .map(|folder| folder.join(candidate))
        .find(|path| path.is_file())
}

fn names(candidates: &[&str]) -> Vec<String> {
    candidates
        .iter()
        .map(|candidate| (*candidate).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wanted_browser_that_is_missing_is_named() {
        let error =
            find_browser(Some(Path::new("/no/chrome")), OsStr::new("/usr/bin")).unwrap_err();
        assert_eq!(error, FindError::NoSuchBrowser(PathBuf::from("/no/chrome")));
    }
}
