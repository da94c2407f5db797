//! The judge on facts as they are seen.

use std::time::Duration;

use super::*;
use crate::facts::{
    BrowserFacts, ControlAnswer, ExceptionFact, HostFacts, Lookup, PageLook, Party, RequestFact,
    Unmet,
};

const PAGE: &str = "http://shop.example/";

fn check(facts: StepFacts, cause: Option<Cause>, part: &str) {
    let verdict = judge(&facts);
    assert_eq!(verdict.cause, cause, "{verdict:?}");
    assert!(
        verdict.detail.clone().unwrap_or_default().contains(part),
        "{verdict:?}"
    );
}

fn page() -> StepFacts {
    StepFacts {
        url: Some(PAGE.to_owned()),
        status: Some(200),
        ..StepFacts::default()
    }
}

fn script(kind: ScriptErrorKind, message: &str) -> Option<ScriptFailure> {
    Some(ScriptFailure {
        kind,
        name: "Error".to_owned(),
        message: message.to_owned(),
        place: Some("a.js:3:1".to_owned()),
        excerpt: None,
        awaiting: None,
    })
}

fn missing() -> StepFacts {
    StepFacts {
        script: script(
            ScriptErrorKind::Element,
            "element (\"#buy\") still not displayed",
        ),
        ..page()
    }
}

fn late() -> StepFacts {
    StepFacts {
        status: None,
        deadline: Some((format!("opening {PAGE}"), Duration::from_secs(60))),
        ..page()
    }
}

fn request(party: Party, kind: &str) -> RequestFact {
    let host = match party {
        Party::First => "shop.example",
        Party::Third => "cdn.example",
    };
    RequestFact {
        url: format!("http://{host}/x"),
        party,
        kind: kind.to_owned(),
        method: "GET".to_owned(),
        status: Some(200),
        error: None,
        pending: false,
        duration_ms: 10,
    }
}

fn failed(party: Party, kind: &str, status: u16) -> RequestFact {
    RequestFact {
        status: Some(status),
        ..request(party, kind)
    }
}

fn pending(party: Party, kind: &str) -> RequestFact {
    RequestFact {
        status: None,
        pending: true,
        duration_ms: 30_000,
        ..request(party, kind)
    }
}

fn net(error: &str) -> StepFacts {
    StepFacts {
        status: None,
        net_error: Some(format!("net::ERR_{error}")),
        ..page()
    }
}

fn control(reachable: bool) -> Option<ControlAnswer> {
    Some(ControlAnswer {
        url: "http://control.example/".to_owned(),
        reachable,
        detail: String::new(),
        clock_ahead_s: None,
    })
}

#[test]
fn a_clock_that_is_wrong_is_ours_when_a_third_one_says_so() {
    let years = |url: Option<f64>, site: Option<f64>| StepFacts {
        control: control(true).map(|control| ControlAnswer {
            clock_ahead_s: url,
            ..control
        }),
        site_clock_ahead_s: site,
        ..net("CERT_DATE_INVALID")
    };
    let ahead = Some(3e8);
    check(
        years(ahead, ahead),
        Some(Cause::Runner),
        "clock of this machine",
    );
    check(years(Some(2.0), ahead), Some(Cause::Site), "certificate");
    check(years(None, Some(30.0)), Some(Cause::Site), "certificate");
    check(years(None, ahead), Some(Cause::Inconclusive), "differs");
    let other = StepFacts {
        site_clock_ahead_s: ahead,
        ..net("CERT_COMMON_NAME_INVALID")
    };
    check(other, Some(Cause::Site), "another host's");
}

#[test]
fn a_good_page_passes() {
    check(page(), None, "");
    // What failed beside a step that passed blames nobody.
    check(
        StepFacts {
            requests: vec![failed(Party::Third, "Script", 500)],
            ..page()
        },
        None,
        "",
    );
}

#[test]
fn the_site_is_blamed_for_its_own_faults() {
    let site = Some(Cause::Site);
    check(
        StepFacts {
            status: Some(500),
            ..page()
        },
        site,
        "http://shop.example/ answered with status 500",
    );
    check(net("CONNECTION_REFUSED"), site, "nothing listens");
    check(net("CERT_DATE_INVALID"), site, "certificate");
    check(
        StepFacts {
            unmet: Some(Unmet::wrong("the title is missing")),
            ..page()
        },
        site,
        "title",
    );
    check(
        StepFacts {
            script: script(ScriptErrorKind::Assertion, "Expect x\n\nExpected: 1"),
            ..page()
        },
        site,
        "Expect x; Expected: 1",
    );
    check(
        StepFacts {
            status: Some(503),
            ..missing()
        },
        site,
        "503",
    );
    check(
        StepFacts {
            requests: vec![failed(Party::First, "XHR", 500)],
            ..missing()
        },
        site,
        "http://shop.example/x answered 500",
    );
    check(
        StepFacts {
            exceptions: vec![ExceptionFact {
                text: "Error: boom".to_owned(),
                url: None,
                party: Party::First,
            }],
            ..missing()
        },
        site,
        "boom",
    );
    check(
        StepFacts {
            requests: vec![pending(Party::First, "Document")],
            ..late()
        },
        site,
        "no answer after 30.0s",
    );
    check(
        StepFacts {
            browser: Some(BrowserFacts {
                answers: true,
                page_answers: false,
                stopped: Vec::new(),
            }),
            ..late()
        },
        site,
        "main thread",
    );
}

#[test]
fn a_third_party_is_blamed_when_nothing_of_the_site_is_wrong() {
    let third = Some(Cause::ThirdParty);
    for request in [
        failed(Party::Third, "Script", 503),
        pending(Party::Third, "Script"),
    ] {
        let facts = StepFacts {
            requests: vec![request],
            ..missing()
        };
        check(facts, third, "http://cdn.example/x");
    }
    check(
        StepFacts {
            requests: vec![pending(Party::Third, "Script")],
            ..late()
        },
        third,
        "cdn.example",
    );
    // Its image does not hide an element, but holds the load event up.
    let image = vec![failed(Party::Third, "Image", 404)];
    check(
        StepFacts {
            requests: image,
            ..missing()
        },
        Some(Cause::Site),
        "#buy",
    );
    check(
        StepFacts {
            requests: vec![pending(Party::Third, "Image")],
            ..late()
        },
        third,
        "cdn.example",
    );
    // The site's own failure weighs more.
    check(
        StepFacts {
            requests: vec![
                failed(Party::Third, "Script", 503),
                failed(Party::First, "Fetch", 502),
            ],
            ..missing()
        },
        Some(Cause::Site),
        "502",
    );
    let own = |text: &str| ExceptionFact {
        text: text.to_owned(),
        url: None,
        party: Party::First,
    };
    let with = |text: &str| StepFacts {
        requests: vec![failed(Party::Third, "Script", 503)],
        exceptions: vec![own(text)],
        ..missing()
    };
    check(with("ReferenceError: Stripe is not defined"), third, "503");
    check(with("Error: basket is broken"), Some(Cause::Site), "basket");
}

#[test]
fn a_login_that_fails_is_told_apart() {
    let form = |href: &str| {
        Some(PageLook {
            href: href.to_owned(),
            password_field: true,
            ..PageLook::default()
        })
    };
    let login = Some(Cause::Login);
    check(
        StepFacts {
            page: form(PAGE),
            posted: true,
            ..missing()
        },
        login,
        "still shown",
    );
    check(
        StepFacts {
            page: form("http://shop.example/login"),
            ..missing()
        },
        login,
        "asks for a login",
    );
    check(
        StepFacts {
            page: form(PAGE),
            requests: vec![failed(Party::First, "XHR", 403)],
            ..missing()
        },
        login,
        "403",
    );
    // A form that nobody has sent is just a page without the button.
    check(
        StepFacts {
            page: form(PAGE),
            ..missing()
        },
        Some(Cause::Site),
        "#buy",
    );
    // A login whose server fails is the site's fault.
    check(
        StepFacts {
            page: form(PAGE),
            posted: true,
            requests: vec![failed(Party::First, "XHR", 500)],
            ..missing()
        },
        Some(Cause::Site),
        "500",
    );
}

#[test]
fn the_control_url_separates_their_outage_from_our_network() {
    let with = |error: &str, control, lookup| StepFacts {
        control,
        lookup,
        ..net(error)
    };
    let name = "NAME_NOT_RESOLVED";
    check(
        with(name, None, Some(Lookup::NoSuchName)),
        Some(Cause::Site),
        "does not resolve",
    );
    check(
        with(name, None, Some(Lookup::ResolverSilent)),
        Some(Cause::Network),
        "resolver",
    );
    check(
        with(name, control(true), Some(Lookup::ResolverSilent)),
        Some(Cause::Site),
        "name servers",
    );
    check(
        with(name, control(false), Some(Lookup::NoSuchName)),
        Some(Cause::Network),
        "control",
    );
    check(
        with(name, None, Some(Lookup::Resolves)),
        Some(Cause::Inconclusive),
        "resolves now",
    );
    check(
        with("CONNECTION_TIMED_OUT", control(false), None),
        Some(Cause::Network),
        "control",
    );
    check(
        with("CONNECTION_TIMED_OUT", control(true), None),
        Some(Cause::Site),
        "timed out",
    );
    check(
        with("ADDRESS_UNREACHABLE", None, None),
        Some(Cause::Network),
        "no way",
    );
    check(
        with("CERT_DATE_INVALID", control(false), None),
        Some(Cause::Site),
        "certificate",
    );
    check(net("INTERNET_DISCONNECTED"), Some(Cause::Network), "no way");
    check(net("UNSAFE_PORT"), Some(Cause::Configuration), "refuses");
    check(net("INSUFFICIENT_RESOURCES"), Some(Cause::Runner), "memory");
    assert_eq!(
        judge(&net("CONNECTION_TIMED_OUT")).facts["certainty"],
        "probable"
    );
}

#[test]
fn we_are_blamed_for_ours() {
    check(
        StepFacts {
            script: script(ScriptErrorKind::Script, "x is not a function"),
            status: Some(500),
            ..page()
        },
        Some(Cause::Script),
        "a.js:3:1",
    );
    check(
        StepFacts {
            script: script(ScriptErrorKind::Missing, "script `x.js` does not exist"),
            ..StepFacts::default()
        },
        Some(Cause::Configuration),
        "x.js",
    );
    check(
        StepFacts {
            browser_gone: Some("killed".to_owned()),
            status: Some(500),
            ..page()
        },
        Some(Cause::Browser),
        "killed",
    );
    check(
        StepFacts {
            browser_gone: Some("killed".to_owned()),
            host: HostFacts {
                oom_kills: 1,
                ..HostFacts::default()
            },
            ..page()
        },
        Some(Cause::Runner),
        "memory limit",
    );
    check(
        StepFacts {
            browser: Some(BrowserFacts {
                answers: false,
                page_answers: false,
                stopped: vec!["chromium 42".to_owned()],
            }),
            ..late()
        },
        Some(Cause::Browser),
        "chromium 42",
    );
    check(
        StepFacts {
            invalid: Some("url `x` is not absolute".to_owned()),
            ..StepFacts::default()
        },
        Some(Cause::Configuration),
        "absolute",
    );
}

#[test]
fn a_busy_machine_is_not_the_sites_fault() {
    let busy = HostFacts {
        cpu_pressure_percent: Some(93.0),
        ..HostFacts::default()
    };
    let runner = Some(Cause::Runner);
    check(
        StepFacts {
            host: busy,
            ..late()
        },
        runner,
        "93 %",
    );
    let slow = Some(Unmet {
        text: "loaded after 9000 ms".to_owned(),
        slow: true,
    });
    check(
        StepFacts {
            host: busy,
            unmet: slow,
            ..page()
        },
        runner,
        "9000 ms",
    );
    // The page itself keeps it busy.
    let own = HostFacts {
        others_cpu_percent: Some(5.0),
        ..busy
    };
    check(
        StepFacts {
            host: own,
            ..late()
        },
        Some(Cause::Site),
        "did not end",
    );
    // An error answer is one on a busy machine, too.
    check(
        StepFacts {
            host: busy,
            status: Some(500),
            ..page()
        },
        Some(Cause::Site),
        "500",
    );
}

#[test]
fn a_step_that_never_ends_is_told_by_what_it_waited_for() {
    let deadline = |awaiting: Option<&str>| StepFacts {
        script: script(ScriptErrorKind::Deadline, "Timeout of 5000ms exceeded").map(|script| {
            ScriptFailure {
                excerpt: None,
                awaiting: awaiting.map(str::to_owned),
                ..script
            }
        }),
        ..page()
    };
    check(deadline(None), Some(Cause::Script), "endless loop");
    check(
        deadline(Some("browser.pause")),
        Some(Cause::Script),
        "browser.pause",
    );
    check(
        deadline(Some("element.waitForDisplayed")),
        Some(Cause::Site),
        "waited in element.waitForDisplayed",
    );
}
