//! How near an endpoint is to the caller: zone, region, or kilometres.

use super::Locality;
use crate::endpoint::{Member, label_hash};
use crate::rng;

/// Where the caller of one pick stands, ready for comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    zone: u32,
    region: u32,
    position: Option<(f64, f64)>,
}

impl Place {
    /// Nothing is known of it.
    pub const UNKNOWN: Self = Self { zone: 0, region: 0, position: None };

    /// The place of a policy.
    #[must_use]
    pub fn of_policy(policy: &Locality) -> Self {
        let hash = |text: &Option<String>| text.as_deref().map_or(0, label_hash);
        Self { zone: hash(&policy.zone), region: hash(&policy.region), position: policy.position }
    }

    /// The same place in another zone.
    #[must_use]
    pub fn in_zone(mut self, zone: &str) -> Self {
        self.zone = label_hash(zone);
        self
    }

    /// The same place in another region.
    #[must_use]
    pub fn in_region(mut self, region: &str) -> Self {
        self.region = label_hash(region);
        self
    }

    /// The same place at other coordinates. Where one of them is no number, they are unknown.
    #[must_use]
    pub const fn at(mut self, latitude: f64, longitude: f64) -> Self {
        // Nothing is at least as near as what has no distance, so nobody would be picked.
        let is_known = latitude.is_finite() && longitude.is_finite();
        self.position = if is_known { Some((latitude, longitude)) } else { None };
        self
    }

    /// This place, and `other` for what is unknown of it.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let first = |one: u32, other: u32| if one == 0 { other } else { one };
        Self {
            zone: first(self.zone, other.zone),
            region: first(self.region, other.region),
            position: self.position.or(other.position),
        }
    }

    /// The same number for the same place; 0 where nothing is known of it.
    pub(crate) fn hash(&self) -> u64 {
        let (latitude, longitude) = self.position.unwrap_or_default();
        // Mixing keeps 0 as it is, and tells what is unknown at one place from the same at another.
        [self.zone.into(), self.region.into(), latitude.to_bits(), longitude.to_bits()]
            .into_iter()
            .fold(0, |so_far, part| rng::mix(so_far ^ part))
    }

    /// How far the endpoint is: 0 same zone, 1 same region, then the distance or "the rest".
    pub(crate) fn distance(&self, member: &Member) -> f64 {
        if self.zone != 0 && self.zone == member.zone {
            return 0.0;
        }
        if self.region != 0 && self.region == member.region {
            return 1.0;
        }
        match (self.position, position(member)) {
            (Some(here), Some(there)) => 2.0 + kilometres(here, there),
            _ => f64::MAX,
        }
    }
}

fn position(member: &Member) -> Option<(f64, f64)> {
    let read = |key: &str| member.endpoint.metadata.get(key)?.parse::<f64>().ok();
    Some((read("latitude")?, read("longitude")?))
}

/// The great-circle distance by the haversine formula.
fn kilometres((lat1, lon1): (f64, f64), (lat2, lon2): (f64, f64)) -> f64 {
    let half_sine = |a: f64, b: f64| ((a - b).to_radians() / 2.0).sin().powi(2);
    let chord = half_sine(lat1, lat2)
        + lat1.to_radians().cos() * lat2.to_radians().cos() * half_sine(lon1, lon2);
    2.0 * EARTH_RADIUS * chord.sqrt().min(1.0).asin()
}

/// Mean radius in kilometres.
const EARTH_RADIUS: f64 = 6_371.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paris_is_nearer_to_london_than_new_york_is() {
        let (london, paris, new_york) = ((51.5, -0.13), (48.86, 2.35), (40.71, -74.0));

        assert!((kilometres(london, paris) - 344.0).abs() < 5.0);
        assert!((kilometres(london, new_york) - 5_570.0).abs() < 30.0);
    }
}
