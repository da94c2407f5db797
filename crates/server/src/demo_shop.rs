//! The demo shop: pages, a small API, and faults that come and go on a timetable.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What the robot logs in with.
pub const USER: &str = "robot";
pub const PASSWORD: &str = "tweet-tweet-42";

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The campaign page answers 500.
    ServerError,
    /// The third party does not answer.
    ThirdPartyDown,
    /// The API takes 2 s.
    SlowApi,
    /// A script throws before the page is built.
    JavascriptError,
    /// Nobody can log in.
    BrokenLogin,
    /// A banner pushes the page down.
    LayoutShift,
}

/// When what is wrong: a cycle of six minutes, the campaign page down in every third.
#[derive(Clone, Copy, Debug)]
pub struct Timetable {
    started: Instant,
    /// Only the first minute of the cycle, forever.
    pub frozen: bool,
}

impl Timetable {
    pub fn start(frozen: bool) -> Self {
        Self {
            started: Instant::now(),
            frozen,
        }
    }

    fn has(&self, fault: Fault) -> bool {
        let elapsed = if self.frozen {
            Duration::ZERO
        } else {
            self.started.elapsed()
        };
        is_wrong(fault, elapsed)
    }
}

fn is_wrong(fault: Fault, elapsed: Duration) -> bool {
    let minute = elapsed.as_secs() / 60;
    match fault {
        Fault::ServerError => minute.is_multiple_of(3),
        Fault::ThirdPartyDown => minute % 6 == 1,
        Fault::SlowApi => minute % 6 == 2,
        Fault::JavascriptError => minute % 6 == 3,
        Fault::BrokenLogin => minute % 6 == 4,
        Fault::LayoutShift => minute % 6 == 5,
    }
}

struct Shop {
    timetable: Timetable,
    /// Another name of this host, so that the browser sees a third party.
    third_party: String,
}

/// The shop on a port of its own.
pub fn router(timetable: Timetable, port: u16) -> Router {
    let shop = Arc::new(Shop {
        timetable,
        third_party: format!("http://localhost:{port}/third-party"),
    });
    Router::new()
        .route(
            "/",
            get(async |shop: State<Arc<Shop>>| page(&shop, "home", "Everything a canary needs")),
        )
        .route(
            "/search",
            get(async |shop: State<Arc<Shop>>| page(&shop, "search", "Search")),
        )
        .route(
            "/product/{id}",
            get(async |shop: State<Arc<Shop>>, Path(_): Path<String>| {
                page(&shop, "product", "Product")
            }),
        )
        .route(
            "/cart",
            get(async |shop: State<Arc<Shop>>| page(&shop, "cart", "Cart")),
        )
        .route(
            "/login",
            get(async |shop: State<Arc<Shop>>| page(&shop, "login", "Log in")),
        )
        .route(
            "/order",
            get(async |shop: State<Arc<Shop>>| page(&shop, "order", "Your order")),
        )
        .route("/campaign", get(campaign))
        .route("/api/products", get(products))
        .route("/api/login", post(login))
        .route("/api/account", get(account))
        .route(
            "/api/orders",
            post(async |_: Json<Value>| Json(json!({"id": 4711}))),
        )
        .route("/third-party/widget.js", get(widget))
        .route(
            "/shop.css",
            get(async || file("text/css", include_str!("../../../demo/shop/shop.css"))),
        )
        .route(
            "/shop.js",
            get(async || {
                file(
                    "text/javascript",
                    include_str!("../../../demo/shop/shop.js"),
                )
            }),
        )
        .route(
            "/icon.svg",
            get(async || file("image/svg+xml", include_str!("../../../demo/shop/icon.svg"))),
        )
        .with_state(shop)
}

fn page(shop: &Shop, name: &str, title: &str) -> Response {
    let faults = [
        (Fault::JavascriptError, "javascript-error"),
        (Fault::LayoutShift, "layout-shift"),
    ];
    let faults: Vec<&str> = faults
        .into_iter()
        .filter(|(fault, _)| shop.timetable.has(*fault))
        .map(|(_, name)| name)
        .collect();
    let html = include_str!("../../../demo/shop/page.html")
        .replace("{title}", title)
        .replace("{page}", name)
        .replace("{faults}", &faults.join(" "))
        .replace("{third_party}", &shop.third_party);
    Html(html).into_response()
}

fn file(kind: &'static str, content: &'static str) -> Response {
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "max-age=60"),
        ],
        content,
    )
        .into_response()
}

async fn campaign(State(shop): State<Arc<Shop>>) -> Response {
    if shop.timetable.has(Fault::ServerError) {
        return (StatusCode::INTERNAL_SERVER_ERROR, Html("<!doctype html><title>Error</title><h1>500 Internal Server Error</h1><p>campaign service: connection pool exhausted</p>")).into_response();
    }
    page(&shop, "campaign", "Spring sale")
}

async fn widget(State(shop): State<Arc<Shop>>) -> Response {
    if shop.timetable.has(Fault::ThirdPartyDown) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    file(
        "text/javascript",
        include_str!("../../../demo/shop/widget.js"),
    )
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
}

const SLOW: Duration = Duration::from_secs(2);

async fn products(State(shop): State<Arc<Shop>>, Query(search): Query<Search>) -> Json<Value> {
    if shop.timetable.has(Fault::SlowApi) {
        tokio::time::sleep(SLOW).await;
    }
    let all = [
        (1, "Sunflower seed mix", 4.9),
        (2, "Golden cage", 89.0),
        (3, "Mirror with bell", 7.5),
        (4, "Millet seed", 3.2),
        (5, "Travel cage", 39.9),
        (6, "Swing", 5.0),
    ];
    let wanted = search.q.to_lowercase();
    let found = all
        .iter()
        .filter(|(_, name, _)| name.to_lowercase().contains(&wanted));
    Json(
        found
            .map(|(id, name, price)| json!({"id": id, "name": name, "price": price}))
            .collect(),
    )
}

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

async fn login(State(shop): State<Arc<Shop>>, Json(credentials): Json<Credentials>) -> Response {
    if shop.timetable.has(Fault::BrokenLogin) {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({"message": "Login is not possible at the moment"})),
        )
            .into_response();
    }
    if credentials.user != USER || credentials.password != PASSWORD {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({"message": "Wrong user or password"})),
        )
            .into_response();
    }
    (
        [(
            header::SET_COOKIE,
            "shop-user=robot; Path=/; HttpOnly; SameSite=Strict",
        )],
        Json(json!({"user": USER})),
    )
        .into_response()
}

async fn account(headers: HeaderMap) -> Response {
    let known = headers
        .get(header::COOKIE)
        .and_then(|cookie| cookie.to_str().ok())
        .is_some_and(|cookie| cookie.contains("shop-user=robot"));
    if known {
        Json(json!({"user": USER})).into_response()
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_comes_and_goes() {
        for fault in [
            Fault::ServerError,
            Fault::ThirdPartyDown,
            Fault::SlowApi,
            Fault::JavascriptError,
            Fault::BrokenLogin,
            Fault::LayoutShift,
        ] {
            let minutes: Vec<bool> = (0..6)
                .map(|minute| is_wrong(fault, Duration::from_secs(minute * 60)))
                .collect();
            assert!(
                minutes.contains(&true) && minutes.contains(&false),
                "{fault:?}"
            );
        }
        assert!(is_wrong(Fault::ServerError, Duration::ZERO));
    }
}
