//! What a visit was made of: sizes, parties, phases, certificates.

use std::collections::BTreeMap;

use canarytrace_model::{
    documents::{HostCertificate, PageWeight, WEIGHT_TYPES},
    time::Moment,
};
use url::Url;

use super::network::Exchange;
use crate::{facts::Party, party::party};

const DAY_S: f64 = 86_400.0;

/// The weight of a page from the requests of its step.
pub(crate) fn weigh(page: &str, exchanges: &[Exchange], now: Moment) -> PageWeight {
    let mut weight = PageWeight::default();
    let mut certificates: BTreeMap<String, HostCertificate> = BTreeMap::new();
    for exchange in exchanges
        .iter()
        .filter(|exchange| !exchange.request.url.starts_with("data:"))
    {
        let bytes = exchange.transfer_bytes();
        weight.requests += 1;
        weight.transfer_bytes += bytes;
        *weight
            .bytes_by_type
            .entry(kind(exchange).to_owned())
            .or_default() += bytes;
        if party(page, &exchange.request.url) == Party::Third {
            weight.third_party_requests += 1;
            weight.third_party_bytes += bytes;
        }
        weight.cookies_set += u64::from(exchange.cookies_set);
        weight.mixed_content += u64::from(exchange.request.mixed_content.is_some());
        if let Some(certificate) = certificate(exchange, now) {
            certificates
                .entry(certificate.host.clone())
                .or_insert(certificate);
        }
    }
    if weight.transfer_bytes > 0 {
        weight.third_party_percent =
            weight.third_party_bytes as f64 * 100.0 / weight.transfer_bytes as f64;
    }
    let har = exchanges
        .iter()
        .find(|exchange| exchange.request.is_navigation)
        .and_then(Exchange::har);
    if let Some(har) = har {
        let phase = |value: f64| (value >= 0.0).then_some(value);
        weight.dns_ms = phase(har.dns);
        weight.tls_ms = phase(har.ssl);
        // TLS is part of connecting.
        weight.tcp_ms = phase(har.connect).map(|connect| connect - har.ssl.max(0.0));
    }
    weight.certificate_days_left = certificates
        .values()
        .map(|certificate| certificate.days_left)
        .min_by(f64::total_cmp);
    weight.certificates = certificates.into_values().collect();
    weight
}

fn kind(exchange: &Exchange) -> &'static str {
    let kind = exchange.request.resource_type.as_deref();
    let kind = kind.unwrap_or_default().to_lowercase();
    WEIGHT_TYPES
        .into_iter()
        .find(|known| *known == kind)
        .unwrap_or("other")
}

fn certificate(exchange: &Exchange, now: Moment) -> Option<HostCertificate> {
    let certificate = exchange.response.as_ref()?.certificate.as_ref()?;
    let host = Url::parse(&exchange.request.url)
        .ok()?
        .host_str()?
        .to_owned();
    let seconds_left = certificate.valid_to - now.epoch_ms() as f64 / 1000.0;
    Some(HostCertificate {
        host,
        subject: certificate.subject.clone(),
        issuer: certificate.issuer.clone(),
        protocol: certificate.protocol.clone(),
        days_left: (seconds_left / DAY_S * 10.0).round() / 10.0,
    })
}
