//! The monitors, their pages and what those are made of.

use std::sync::Arc;

use crate::{Plan, Random};

/// One monitored journey or list of addresses.
#[derive(Debug)]
pub(crate) struct Monitor {
    pub(crate) number: u64,
    pub(crate) name: Arc<str>,
    pub(crate) spec: Arc<str>,
    pub(crate) labels: Arc<[String]>,
    pub(crate) is_smoke: bool,
    pub(crate) steps: Vec<Step>,
    /// Its pages are so much slower than the average.
    pub(crate) slowness: f64,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) title: String,
    pub(crate) parent: String,
    /// Describe and it together.
    pub(crate) full_title: String,
    pub(crate) url: String,
    /// The step opens the page; others act on the one that is there.
    pub(crate) navigates: bool,
    pub(crate) resources: Vec<Resource>,
}

#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) url: String,
    /// As DevTools names them: `Script`, `Image`, ….
    pub(crate) kind: &'static str,
    /// As the performance timeline names what asked for it.
    pub(crate) initiator: &'static str,
    pub(crate) mime: &'static str,
    pub(crate) bytes: u64,
    pub(crate) is_third_party: bool,
    pub(crate) is_compressed: bool,
    pub(crate) address: [u8; 4],
}

const SITES: [&str; 8] = [
    "shop",
    "bank",
    "travel",
    "insurance",
    "news",
    "portal",
    "store",
    "tickets",
];
const PATHS: [&str; 10] = [
    "", "products", "cart", "login", "search", "contact", "offers", "account", "help", "blog",
];
const ACTIONS: [&str; 8] = [
    "opens the home page",
    "logs in",
    "searches for a product",
    "opens the detail",
    "adds it to the cart",
    "opens the cart",
    "fills in the address",
    "sends the order",
];
/// Shared by all sites.
pub(crate) const THIRD_PARTIES: [&str; 4] = [
    "cdn.metrics.example",
    "fonts.type.example",
    "tags.adserver.example",
    "chat.support.example",
];

pub(crate) fn monitors(plan: &Plan) -> Vec<Monitor> {
    (0..plan.monitors as u64)
        .map(|number| monitor(plan.seed, number))
        .collect()
}

fn monitor(seed: u64, number: u64) -> Monitor {
    let mut random = Random::of(&[seed, 1, number]);
    let site = SITES
        .get(usize::try_from(number % 8).unwrap_or(0))
        .unwrap_or(&"shop");
    let host = format!("{site}{}.example", number / 8 + 1);
    // Two of three monitors only open addresses.
    let is_smoke = number % 3 != 2;
    let (name, spec) = if is_smoke {
        (format!("{site}-{number}"), "smoke.js".to_owned())
    } else {
        let spec = format!("{site}-journey-{number}.js");
        (format!("{site}-journey-{number}"), spec)
    };
    let steps = if is_smoke {
        smoke_steps(&mut random, &host)
    } else {
        journey_steps(&mut random, &host, site)
    };
    let mode = if is_smoke { "smoke" } else { "user-journey" };
    Monitor {
        number,
        name: name.into(),
        spec: spec.into(),
        labels: vec![
            format!("mode=canarytrace-{mode}-pro-1.4.0"),
            "engine=wdio".to_owned(),
            format!("site={site},zone={}", number % 3),
        ]
        .into(),
        is_smoke,
        steps,
        slowness: random.spread(0.3),
    }
}

fn smoke_steps(random: &mut Random, host: &str) -> Vec<Step> {
    let first = random.below(PATHS.len() as u64);
    (0..2)
        .map(|at| {
            let path = PATHS
                .get(usize::try_from((first + at) % 10).unwrap_or(0))
                .unwrap_or(&"");
            let url = format!("https://{host}/{path}");
            Step {
                title: url.clone(),
                parent: "Smoke".to_owned(),
                full_title: format!("Smoke {url}"),
                resources: resources(random, host, 16, 28),
                url,
                navigates: true,
            }
        })
        .collect()
}

fn journey_steps(random: &mut Random, host: &str, site: &str) -> Vec<Step> {
    let parent = format!("{site} order");
    ACTIONS
        .iter()
        .take(6)
        .enumerate()
        .map(|(at, action)| {
            let navigates = at % 2 == 0;
            let (least, most) = if navigates { (8, 14) } else { (2, 5) };
            Step {
                title: (*action).to_owned(),
                full_title: format!("{parent} {action}"),
                parent: parent.clone(),
                url: format!("https://{host}/{}", PATHS.get(at).unwrap_or(&"")),
                navigates,
                resources: resources(random, host, least, most),
            }
        })
        .collect()
}

fn resources(random: &mut Random, host: &str, least: u64, most: u64) -> Vec<Resource> {
    let count = least + random.below(most - least + 1);
    (0..count).map(|_| resource(random, host)).collect()
}

fn resource(random: &mut Random, host: &str) -> Resource {
    let (kind, initiator, mime, extension, size) = match random.below(100) {
        0..30 => ("Script", "script", "text/javascript", "js", 60_000),
        30..42 => ("Stylesheet", "link", "text/css", "css", 25_000),
        42..75 => ("Image", "img", "image/webp", "webp", 40_000),
        75..82 => ("Font", "css", "font/woff2", "woff2", 32_000),
        82..94 => ("XHR", "xmlhttprequest", "application/json", "json", 6_000),
        _ => ("Fetch", "fetch", "application/json", "json", 3_000),
    };
    let is_third_party = random.chance(0.25);
    let owner = if is_third_party {
        (*random.of_list(&THIRD_PARTIES).unwrap_or(&"cdn.example")).to_owned()
    } else if random.chance(0.5) {
        format!("static.{host}")
    } else {
        host.to_owned()
    };
    let name = random.hex(8);
    Resource {
        url: format!(
            "https://{owner}/assets/{}/{name}.{extension}",
            random.below(40)
        ),
        kind,
        initiator,
        mime,
        bytes: (size as f64 * random.spread(0.9)) as u64 + 200,
        is_third_party,
        is_compressed: mime.starts_with("text") || mime == "application/json",
        address: [
            198,
            51,
            100,
            u8::try_from(random.below(250)).unwrap_or(0) + 1,
        ],
    }
}
