//! Faults of the site and of third parties, seen by opening a URL; and the shop's pages.

use std::time::Duration;

use serde_json::Value;

use super::{Cause, Fault, World};
use crate::{
    tls::serve_tls,
    web::{Asked, Reply, Web},
};

/// The shop; what follows `/` names what is wrong with the page.
pub(super) fn shop(asked: &Asked, third: &str) -> Reply {
    let page = |body: &str| Reply::page(&format!("<!doctype html><title>Shop</title>{body}"));
    let buy = "document.body.insertAdjacentHTML('beforeend', '<button id=buy>Buy</button>')";
    let logged_in = asked.header("cookie").contains("session=good");
    match asked.path.as_str() {
        "/" => page("<h1>Shop</h1><button id=buy>Buy</button>"),
        "/hang" => Reply::Hang,
        "/close" => Reply::Close,
        "/reset" => Reply::Reset,
        "/endless" => Reply::Endless,
        "/nonsense" => Reply::Raw(b"this is not HTTP\n\n".to_vec()),
        "/short" => Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n<p>short".to_vec()),
        "/slow" => Reply::After(Duration::from_secs(20), Box::new(page("late"))),
        "/lingers" => page("<img src=/slow-image>"),
        "/slow-image" => Reply::After(
            Duration::from_millis(1500),
            Box::new(Reply::status(404, "")),
        ),
        "/talkative" => {
            page("<script>for (let i = 0; i < 2000; i++) console.log(i, ' '.repeat(200))</script>")
        }
        "/lazy" => Reply::After(Duration::from_millis(1800), Box::new(page("late"))),
        "/untitled" => Reply::page("<p>no title"),
        "/loop" => Reply::redirect("/loop"),
        "/scripted-loop" => {
            page("<script>location.href = '/scripted-loop?' + Math.random()</script>")
        }
        "/frozen" => page("<script>for (;;) {}</script>"),
        "/freezes" => page("<button id=buy onclick='for (;;) {}'>Buy</button>"),
        "/busy" => page(
            "<script>const end = performance.now() + 2500; let n = 0; while (performance.now() < end) n++;</script>",
        ),
        "/heavy" => page(
            "<script>let n = 0; for (let i = 0; i < 1.2e9; i++) n += i; document.title = 'Shop' + n % 2</script>",
        ),
        "/greedy" => page(
            "<script>const all = []; for (let i = 0; i < 200; i++) all.push(new Uint8Array(20e6).fill(1))</script>",
        ),
        "/head-hang" => page(&format!("<script src='{third}/hang.js'></script>")),
        "/body-hang" => page(&format!(
            "<h1>Shop</h1><script src='{third}/hang.js'></script>"
        )),
        "/own-hang" => page("<script src='/hang'></script>"),
        "/throws" => page(&format!(
            "<script>throw new Error('the basket is broken'); {buy}</script>"
        )),
        "/third-throws" => page(&format!(
            "<script src='{third}/throws.js'></script><script>setTimeout(() => {{ if (window.analytics) {buy} }})</script>"
        )),
        "/widget" => page(&format!(
            "<script src='{third}/reset.js'></script><script>widget(); {buy}</script>"
        )),
        "/third-api" => page(&format!(
            "<script>fetch('{third}/api').then((a) => {{ if (a.ok) {buy} }})</script>"
        )),
        "/needs-api" => page(&format!(
            "<script>fetch('/api').then((a) => {{ if (a.ok) {buy} }})</script>"
        )),
        "/slow-api" => page(&format!(
            "<script>fetch('/hang').then(() => {buy})</script>"
        )),
        "/csp" => page("<script src='/buy.js'></script>")
            .with("content-security-policy", "script-src 'none'"),
        "/api" => Reply::typed("application/json", "{}").with_status(500),
        "/captcha" => {
            page("<div class=g-recaptcha style='width:300px;height:80px'>I am not a robot</div>")
        }
        "/login" if asked.method == "POST" => {
            let body = String::from_utf8_lossy(&asked.body).into_owned();
            match body.as_str() {
                "password=right" => Reply::redirect("/account").with("set-cookie", "session=good"),
                "password=broken" => Reply::status(500, "<title>Error</title>"),
                _ => login("<p>Wrong password</p>"),
            }
        }
        "/login" => login(""),
        "/account" if logged_in => page("<h1 id=hello>Hello</h1>"),
        "/account" => Reply::redirect("/login"),
        path => match path
            .strip_prefix("/status/")
            .and_then(|code| code.parse().ok())
        {
            Some(status) => Reply::status(status, "<title>Status</title>"),
            None => Reply::status(404, "<title>Missing</title>"),
        },
    }
}

fn login(message: &str) -> Reply {
    Reply::page(&format!(
        "<!doctype html><title>Login</title>{message}<form method=post action=/login><input type=password name=password id=password><button id=enter>Enter</button></form>"
    ))
}

macro_rules! opens {
    ($($name:literal, $wanted:literal, $path:literal;)*) => {
        vec![$(Fault { name: $name, wanted: $wanted, cause: |world| world.smoke(&world.shop.page($path)) }),*]
    };
}

/// A time in which a certificate from 2035 on is valid.
const LATER: &str = "Mon, 05 Nov 2035 08:00:00 GMT";

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = opens! {
        "connection reset", "site", "/reset";
        "closed without an answer", "site", "/close";
        "an answer that is not HTTP", "site", "/nonsense";
        "a body shorter than promised", "site", "/short";
        "status 500", "site", "/status/500";
        "status 502", "site", "/status/502";
        "status 503", "site", "/status/503";
        "status 404", "site", "/status/404";
        "status 403", "site", "/status/403";
        "status 429", "site", "/status/429";
        "status 401", "login", "/status/401";
        "redirect loop", "site", "/loop";
        "redirect loop by script", "site", "/scripted-loop";
        "endless response", "site", "/endless";
        "no first byte", "site", "/slow";
        "no title", "site", "/untitled";
        "own script never comes", "site", "/own-hang";
        "page script in an endless loop", "site", "/frozen";
        "third-party script in the head never comes", "third-party", "/head-hang";
        "third-party script in the body never comes", "third-party", "/body-hang";
    };
    let more: [(&str, &str, Cause); 16] = [
        ("name does not resolve", "site", |world| {
            world.smoke("http://no-such-host.invalid/")
        }),
        ("nothing listens", "site", |world| {
            world.smoke(&world.nobody())
        }),
        ("no answer to a connection", "site", |world| {
            world.smoke(&world.blackhole())
        }),
        ("certificate expired", "site", |world| {
            let url = world.authority.serve("127.0.0.1", (2020, 2021), None);
            world.vouched(&url, Some(&world.control.url))
        }),
        ("certificate expired, no control URL", "site", |world| {
            let url = world.authority.serve("127.0.0.1", (2020, 2021), None);
            world.vouched(&url, None)
        }),
        ("certificate of another name", "site", |world| {
            let url = world.authority.serve("other.example", (2020, 2040), None);
            world.vouched(&url, Some(&world.control.url))
        }),
        (
            "certificate in order, of an authority of the company",
            "passed",
            |world| {
                let url = world.authority.serve("127.0.0.1", (2020, 2040), None);
                world.vouched(&url, Some(&world.control.url))
            },
        ),
        // Seen from a machine whose clock has jumped, all others are in another time.
        ("our clock has jumped", "runner", |world| {
            let url = world
                .authority
                .serve("127.0.0.1", (2035, 2040), Some(LATER));
            let control = Web::start(|_| Reply::page("control").with("date", LATER));
            world.vouched(&url, Some(&control.url))
        }),
        ("one clock against another", "inconclusive", |world| {
            let url = world
                .authority
                .serve("127.0.0.1", (2035, 2040), Some(LATER));
            world.vouched(&url, None)
        }),
        ("certificate nobody vouches for", "site", |world| {
            world.monitor(&format!("\"{}\"", serve_tls("127.0.0.1", 2040)), "")
        }),
        ("plain HTTP on a TLS port", "site", |world| {
            world.smoke(&world.shop.url.replace("http:", "https:"))
        }),
        ("text missing", "site", |world| {
            expecting(world, "/", "text: Checkout")
        }),
        ("wrong title", "site", |world| {
            expecting(world, "/", "title: Cart")
        }),
        ("another status than expected", "site", |world| {
            expecting(world, "/", "status: 404")
        }),
        ("slow first byte", "site", |world| {
            expecting(world, "/lazy", "load: 1s")
        }),
        ("own script keeps the page busy", "site", |world| {
            expecting(world, "/busy", "load: 1s")
        }),
    ];
    faults.extend(more.map(|(name, wanted, cause)| Fault {
        name,
        wanted,
        cause,
    }));
    faults
}

fn expecting(world: &World, path: &str, expect: &str) -> Value {
    let url = world.shop.page(path);
    world.monitor(&format!("{{ url: \"{url}\", expect: {{ {expect} }} }}"), "")
}
