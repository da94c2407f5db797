//! The company's name, logo and colors, read once when the server starts.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use canarytrace_model::branding::Branding;
use canarytrace_server::{Logo, ServedBranding};

use crate::failure::Failure;

const MOST_BYTES: u64 = 512 * 1024;
const PNG: &[u8] = b"\x89PNG\r\n";

/// The branding of a configuration file; a logo that cannot be shown is an error with its path.
pub(crate) fn read(branding: &Branding, file: &Path) -> Result<ServedBranding, Failure> {
    let logo = branding
        .logo
        .as_ref()
        .map(|path| logo(&file.parent().unwrap_or(Path::new(".")).join(path)))
        .transpose()?;
    Ok(ServedBranding {
        name: branding.name.clone(),
        accent: branding.accent.clone(),
        footer: branding.footer.clone(),
        logo,
    })
}

fn logo(path: &PathBuf) -> Result<Logo, Failure> {
    let wrong = |reason: &str| {
        Failure::with_hint(
            format!("the logo {} {reason}", path.display()),
            "branding.logo is an SVG or PNG file of at most 512 kB",
        )
    };
    let length = std::fs::metadata(path)
        .map_err(|error| wrong(&format!("cannot be read: {error}")))?
        .len();
    if length > MOST_BYTES {
        return Err(wrong("is too large"));
    }
    let content =
        std::fs::read(path).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    let is_svg = path.extension().is_some_and(|extension| extension == "svg");
    let media_type = match content.starts_with(PNG) {
        true => "image/png",
        false if is_svg => "image/svg+xml",
        false => return Err(wrong("is neither SVG nor PNG")),
    };
    Ok(Logo {
        media_type,
        content: Bytes::from(content),
    })
}
