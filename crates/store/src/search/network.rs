//! Internet addresses: parts of them, and ranges.

use std::{net::IpAddr, ops::Bound};

use canarytrace_es::EsError;

use super::value::FieldValue;

/// A part of the addresses: `10.0.0.0/8`.
pub(crate) struct Network {
    address: u128,
    bits: u32,
    is_v4: bool,
}

impl Network {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let (address, is_v4) = number(address)?;
        let all = if is_v4 { 32 } else { 128 };
        let length: u32 = length.parse().ok().filter(|length| *length <= all)?;
        Some(Self {
            address,
            bits: all - length,
            is_v4,
        })
    }

    /// The first and the last address, in the order of [`address`].
    pub(crate) fn ends(&self) -> (u128, u128) {
        let rest = u128::MAX.checked_shr(128 - self.bits).unwrap_or(0);
        let mapped = |address: u128| match u32::try_from(address) {
            Ok(address) if self.is_v4 => in_order(IpAddr::V4(address.into())),
            _ => address,
        };
        (mapped(self.address & !rest), mapped(self.address | rest))
    }

    pub(crate) fn holds(&self, text: &str) -> bool {
        let same = |other: u128| {
            other.checked_shr(self.bits).unwrap_or(0)
                == self.address.checked_shr(self.bits).unwrap_or(0)
        };
        number(text).is_some_and(|(other, is_v4)| is_v4 == self.is_v4 && same(other))
    }
}

/// An address as a number, and whether it is one of version 4.
fn number(text: &str) -> Option<(u128, bool)> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => (u128::from(u32::from(address)), true),
        IpAddr::V6(address) => (u128::from(address), false),
    })
}

/// Both versions in one order, as Elasticsearch has them.
fn in_order(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// An address as a number, both versions in one order.
pub(crate) fn address(text: &str) -> Result<u128, EsError> {
    let parsed = text.parse().map(in_order);
    parsed.map_err(|_| EsError::illegal_argument(format!("'{text}' is not an IP string literal.")))
}

/// The address of a number.
pub(crate) fn written(number: u128) -> String {
    let address = std::net::Ipv6Addr::from(number);
    match address.to_ipv4_mapped() {
        Some(address) => address.to_string(),
        None => address.to_string(),
    }
}

/// A bound of a range, as a number.
pub(crate) fn bound(bound: &Bound<FieldValue>) -> Result<Bound<u128>, EsError> {
    let number = |value: &FieldValue| match value {
        FieldValue::Text(text) => text.parse().map(in_order).map_err(|_| {
            EsError::query_shard(format!(
                "failed to create query: '{text}' is not an IP string literal."
            ))
        }),
        other => Err(EsError::illegal_argument(format!(
            "'{other:?}' is not an IP string literal."
        ))),
    };
    Ok(match bound {
        Bound::Included(value) => Bound::Included(number(value)?),
        Bound::Excluded(value) => Bound::Excluded(number(value)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}

pub(crate) fn is_between(text: &str, lower: &Bound<u128>, upper: &Bound<u128>) -> bool {
    use std::ops::RangeBounds;
    let range = (*lower, *upper);
    text.parse()
        .is_ok_and(|address| range.contains(&in_order(address)))
}
