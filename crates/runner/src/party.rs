//! The party of a request, for the judge.

use canarytrace_model::party::is_third_party;

use crate::facts::Party;

/// The party of `url`, seen from a page at `page`.
pub(crate) fn party(page: &str, url: &str) -> Party {
    if is_third_party(page, url) {
        Party::Third
    } else {
        Party::First
    }
}
