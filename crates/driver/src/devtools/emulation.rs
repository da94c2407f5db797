//! What a page is made to believe about its device, its place and its network.
//! <https://chromedevtools.github.io/devtools-protocol/tot/Emulation/>

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Caller, DevToolsError, caller::CALL_LIMIT};

/// One thing that is emulated; a member that is missing ends its emulation.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(tag = "what", rename_all = "camelCase")]
pub enum Emulation {
    Viewport {
        width: Option<u32>,
        height: Option<u32>,
        scale: Option<f64>,
        #[serde(default)]
        mobile: bool,
        #[serde(default)]
        touch: bool,
    },
    Geolocation {
        latitude: Option<f64>,
        longitude: Option<f64>,
        accuracy: Option<f64>,
    },
    #[serde(rename_all = "camelCase")]
    UserAgent { user_agent: String },
    /// `light`, `dark`; empty ends it.
    ColorScheme { scheme: String },
    /// `screen`, `print`; empty ends it.
    Media { media: String },
    /// An IANA name; empty ends it.
    Timezone { zone: String },
    /// Such as `de-DE`; empty ends it.
    Locale { locale: String },
    /// How many times slower the processor is; 1 ends it.
    Cpu { factor: f64 },
}

/// What the network is like for a page. Rates are in bytes per second, -1 is unlimited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkConditions {
    pub offline: bool,
    pub latency_ms: f64,
    pub download: f64,
    pub upload: f64,
}

impl NetworkConditions {
    /// The presets of Chrome's own tools, by the names that WebdriverIO gives them.
    pub fn preset(name: &str) -> Option<Self> {
        let kilobits = |down: f64, up: f64, latency_ms: f64| Self {
            offline: false,
            latency_ms,
            download: down * 1024.0 / 8.0,
            upload: up * 1024.0 / 8.0,
        };
        Some(match name {
            "offline" => Self {
                offline: true,
                latency_ms: 0.0,
                download: 0.0,
                upload: 0.0,
            },
            "GPRS" => kilobits(50.0, 20.0, 500.0),
            "Regular2G" => kilobits(250.0, 50.0, 300.0),
            "Good2G" => kilobits(450.0, 150.0, 150.0),
            "Regular3G" => kilobits(750.0, 250.0, 100.0),
            "Good3G" => kilobits(1.5 * 1024.0, 750.0, 40.0),
            "Regular4G" => kilobits(4.0 * 1024.0, 3.0 * 1024.0, 20.0),
            "DSL" => kilobits(2.0 * 1024.0, 1024.0, 5.0),
            "WiFi" => kilobits(30.0 * 1024.0, 15.0 * 1024.0, 2.0),
            "online" => Self {
                offline: false,
                latency_ms: 0.0,
                download: -1.0,
                upload: -1.0,
            },
            _ => return None,
        })
    }

    /// The names of [`NetworkConditions::preset`].
    pub const PRESETS: [&str; 10] = [
        "offline",
        "GPRS",
        "Regular2G",
        "Good2G",
        "Regular3G",
        "Good3G",
        "Regular4G",
        "DSL",
        "WiFi",
        "online",
    ];
}

impl Caller {
    /// Makes the page of a window believe something.
    pub async fn emulate(
        &self,
        window: Option<&str>,
        emulation: &Emulation,
    ) -> Result<(), DevToolsError> {
        let call = async |method: &'static str, params: Value| {
            self.call_page(window, method, params, CALL_LIMIT)
                .await
                .map(drop)
        };
        match emulation {
            Emulation::Viewport {
                width: Some(width),
                height: Some(height),
                scale,
                mobile,
                touch,
            } => {
                let params = json!({"width": width, "height": height, "deviceScaleFactor": scale.unwrap_or(1.0), "mobile": mobile});
                call("Emulation.setDeviceMetricsOverride", params).await?;
                call(
                    "Emulation.setTouchEmulationEnabled",
                    json!({"enabled": touch}),
                )
                .await?;
            }
            Emulation::Viewport { .. } => {
                call("Emulation.clearDeviceMetricsOverride", json!({})).await?;
                call(
                    "Emulation.setTouchEmulationEnabled",
                    json!({"enabled": false}),
                )
                .await?;
            }
            Emulation::Geolocation {
                latitude: Some(latitude),
                longitude: Some(longitude),
                accuracy,
            } => {
                let params = json!({"latitude": latitude, "longitude": longitude, "accuracy": accuracy.unwrap_or(1.0)});
                call("Emulation.setGeolocationOverride", params).await?;
            }
            Emulation::Geolocation { .. } => {
                call("Emulation.clearGeolocationOverride", json!({})).await?
            }
            Emulation::UserAgent { user_agent } => {
                call(
                    "Emulation.setUserAgentOverride",
                    json!({"userAgent": user_agent}),
                )
                .await?;
            }
            Emulation::ColorScheme { scheme } => {
                let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
                call("Emulation.setEmulatedMedia", json!({"features": features})).await?;
            }
            Emulation::Media { media } => {
                call("Emulation.setEmulatedMedia", json!({"media": media})).await?
            }
            Emulation::Timezone { zone } => {
                call("Emulation.setTimezoneOverride", json!({"timezoneId": zone})).await?;
            }
            Emulation::Locale { locale } => {
                let params = if locale.is_empty() {
                    json!({})
                } else {
                    json!({"locale": locale})
                };
                call("Emulation.setLocaleOverride", params).await?;
            }
            Emulation::Cpu { factor } => {
                call(
                    "Emulation.setCPUThrottlingRate",
                    json!({"rate": factor.max(1.0)}),
                )
                .await?;
            }
        }
        Ok(())
    }

    /// Makes every page's network slow, or takes it away.
    pub async fn throttle(&self, conditions: NetworkConditions) -> Result<(), DevToolsError> {
        let params = json!({"offline": conditions.offline, "latency": conditions.latency_ms, "downloadThroughput": conditions.download, "uploadThroughput": conditions.upload});
        self.each_page("Network.emulateNetworkConditions", &params)
            .await
    }

    /// Headers that every request of the page carries besides its own; none ends it.
    pub async fn extra_headers(
        &self,
        window: Option<&str>,
        headers: &Value,
    ) -> Result<(), DevToolsError> {
        let params = json!({"headers": headers});
        self.call_page(window, "Network.setExtraHTTPHeaders", params, CALL_LIMIT)
            .await
            .map(drop)
    }
}
