//! The watched pages: they do a bit of everything and measure themselves.

use std::time::Duration;

use canarytrace_e2e::web::{Reply, Web};
use serde_json::Value;

pub(crate) const CSS: &str = "h1 { color: red } .unused { color: blue; padding: 10px }";
pub(crate) const APP: &str =
    "function used() { return 1; } function unused() { return 'never called'; } used();";
pub(crate) const ORDER: &str = r#"{"order":{"id":42}}"#;
/// How long the second half of a body waits for.
pub(crate) const BODY_PAUSE: Duration = Duration::from_millis(150);

/// What a page said of itself.
pub(crate) type Told = Value;

/// Its own observers, and a question to its own timeline when all is done.
const MEASURE: &str = "
  const seen = { lcp: [], shifts: [], tasks: [], frames: [] };
  const watch = (type, name, keep) => new PerformanceObserver((list) => list.getEntries().forEach((entry) => seen[name].push(keep(entry))))
    .observe({ type, buffered: true });
  watch('largest-contentful-paint', 'lcp', (entry) => ({ startTime: entry.startTime, size: entry.size, url: entry.url, id: entry.element && entry.element.id }));
  watch('layout-shift', 'shifts', (entry) => ({ value: entry.value, startTime: entry.startTime }));
  watch('longtask', 'tasks', (entry) => entry.duration);
  watch('long-animation-frame', 'frames', (entry) => entry.duration);
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const tell = async (work) => {
    await new Promise((resolve) => addEventListener('load', resolve));
    await work;
    await pause(400);
    const { jsHeapSizeLimit, totalJSHeapSize, usedJSHeapSize } = performance.memory;
    const body = JSON.stringify({ origin: performance.timeOrigin, entries: performance.getEntries().map((entry) => entry.toJSON()),
      heap: { jsHeapSizeLimit, totalJSHeapSize, usedJSHeapSize }, ...seen });
    await fetch('/told', { method: 'POST', body });
    window.told = true;
  };";

const PAGE: &str = "<!doctype html>
<title>Shop</title>
<link rel=stylesheet href=/site.css>
<script src=/app.js></script>
<script>MEASURE</script>
<div id=top></div>
<h1 id=title>Welcome</h1>
<img id=hero src=/hero.svg width=900 height=500>
<script src='THIRD/widget.js'></script>
<script>
console.warn('careful', 7);
setTimeout(() => { throw new Error('boom'); }, 1);
performance.mark('HE-end-body');
const from = performance.now(); while (performance.now() - from < 130);
setTimeout(() => { document.getElementById('top').style.height = '300px'; }, 700);
const order = { method: 'POST', headers: { 'content-type': 'application/json' }, body: 'ORDER' };
const read = (response) => response.text();
tell(Promise.all([fetch('/order', order).then(read), fetch('/moved').then(read), fetch('/missing').then(read), fetch('/halves').then(read), pause(900)]));
</script>";

const AGAIN: &str = "<!doctype html>
<title>Again</title>
<link rel=stylesheet href=/site.css>
<h1>Welcome</h1>
<script>MEASURE
const helped = async () => {
  await navigator.serviceWorker.register('/helper.js');
  await navigator.serviceWorker.ready;
  while (!navigator.serviceWorker.controller) await pause(20);
  await (await fetch('/from-helper')).text();
};
tell(helped());
</script>";

const HELPER: &str = "addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('fetch', (event) => { if (event.request.url.endsWith('/from-helper')) event.respondWith(new Response('helped')); });";

/// An image of few bytes for its size does not count as the largest content.
fn hero() -> String {
    let stripes: String = (0..150)
        .map(|x| format!("<rect x='{}' width='3' height='500' fill='teal'/>", x * 6))
        .collect();
    format!("<svg xmlns='http://www.w3.org/2000/svg' width='900' height='500'>{stripes}</svg>")
}

/// The style sheet with its head, to the byte.
pub(crate) fn site_css() -> String {
    let length = CSS.len();
    format!(
        "HTTP/1.1 200 Fine\r\ncontent-type: text/css\r\ncache-control: max-age=600\r\ncontent-length: {length}\r\n\r\n{CSS}"
    )
}

pub(crate) fn page(third: &str) -> String {
    PAGE.replace("MEASURE", MEASURE)
        .replace("THIRD", third)
        .replace("ORDER", ORDER)
}

/// Another origin, that lets the shop see its timing.
pub(crate) fn third() -> Web {
    Web::start(|_| {
        Reply::typed("text/javascript", "window.widget = 1;").with("timing-allow-origin", "*")
    })
}

pub(crate) fn shop(third: &str) -> Web {
    let page = page(third);
    let again = AGAIN.replace("MEASURE", MEASURE);
    Web::start(move |asked| match asked.path.as_str() {
        "/" => Reply::page(&page)
            .with("set-cookie", "a=1")
            .with("set-cookie", "b=2")
            .with("server-timing", "db;dur=12.5;desc=\"orders\""),
        "/again" => Reply::page(&again),
        "/site.css" => Reply::Raw(site_css().into_bytes()),
        "/app.js" => Reply::typed("text/javascript", APP),
        "/helper.js" => Reply::typed("text/javascript", HELPER),
        "/hero.svg" => Reply::typed("image/svg+xml", &hero()),
        "/moved" => Reply::redirect("/order"),
        "/halves" => Reply::Halves(BODY_PAUSE, "first", "second"),
        "/order" | "/told" => Reply::typed("application/json", "{}"),
        _ => Reply::status(404, ""),
    })
}

/// What the page has told on its first visit.
pub(crate) fn told(shop: &Web) -> Told {
    let asked = shop.asked();
    let told = asked.iter().find(|asked| asked.path == "/told");
    let told = told.unwrap_or_else(|| panic!("the page has told nothing: {asked:#?}"));
    serde_json::from_slice(&told.body).unwrap()
}
