//! Which port of a slice is meant.
//!
//! A slice's ports hold for all its endpoints, and the same name may have another number in the next
//! slice: a named port of two generations of a Deployment, for example. So each slice is asked anew.

use super::Port;
use super::slices::SlicePort;

/// What a slice says about the port that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is this one.
    Number(u16),
    /// The slice doesn't have it.
    Missing,
    /// None was named, and the slice has more than one.
    Several,
}

/// Finds the port that is wanted among those of a slice; absent means the only one.
pub(super) fn find(ports: &[SlicePort], wanted: Option<&Port>) -> Found {
    match wanted {
        Some(Port::Name(name)) => {
            let named = ports.iter().find(|port| port.name() == name);
            named.and_then(SlicePort::number).map_or(Found::Missing, Found::Number)
        }
        Some(Port::Number(number)) => {
            // No list, or an entry without a number, stands for every port.
            let is_open = ports.is_empty() || ports.iter().any(|port| port.port.is_none());
            let has_it = ports.iter().any(|port| port.number() == Some(*number));
            if is_open || has_it { Found::Number(*number) } else { Found::Missing }
        }
        None => match only(ports.iter()) {
            // The same service over UDP as well, as DNS has it.
            Found::Several => match only(ports.iter().filter(|port| port.is_tcp())) {
                Found::Missing => Found::Several,
                of_tcp => of_tcp,
            },
            found => found,
        },
    }
}

fn only<'a>(ports: impl Iterator<Item = &'a SlicePort>) -> Found {
    ports.filter_map(SlicePort::number).fold(Found::Missing, |found, number| match found {
        Found::Missing => Found::Number(number),
        Found::Number(same) if same == number => found,
        _ => Found::Several,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(json: &str) -> Vec<SlicePort> {
        serde_json::from_str(json).expect("a list of ports")
    }

    #[test]
    fn a_port_is_found_by_name_by_number_or_because_it_is_the_only_one() {
        let two = r#"[{"name": "http", "port": 80}, {"name": "metrics", "port": 9090}]"#;
        let dns =
            r#"[{"name": "udp", "port": 53, "protocol": "UDP"}, {"name": "tcp", "port": 54}]"#;
        let sctp = r#"[{"port": 1, "protocol": "SCTP"}, {"port": 2, "protocol": "UDP"}]"#;
        let name = |name: &str| Some(Port::Name(name.to_owned()));
        let number = |number| Some(Port::Number(number));
        let cases = [
            (two, name("metrics"), Found::Number(9090)),
            (two, name("grpc"), Found::Missing),
            (two, name(""), Found::Missing),
            (two, number(80), Found::Number(80)),
            (two, number(81), Found::Missing),
            (two, None, Found::Several),
            (dns, None, Found::Number(54)),
            (sctp, None, Found::Several),
            (r#"[{"name": "", "port": 80}]"#, name(""), Found::Number(80)),
            (r#"[{"name": null, "port": 80}]"#, name(""), Found::Number(80)),
            (r#"[{"port": 80}]"#, None, Found::Number(80)),
            (r#"[{"name": "http", "port": null}]"#, name("http"), Found::Missing),
            (r#"[{"name": "http", "port": null}]"#, number(81), Found::Number(81)),
            (r#"[{"name": "http"}]"#, None, Found::Missing),
            ("[]", None, Found::Missing),
            ("[]", name("http"), Found::Missing),
            ("[]", number(8080), Found::Number(8080)),
            (r#"[{"port": 0}]"#, None, Found::Missing),
            (r#"[{"port": 65536}]"#, None, Found::Missing),
            (r#"[{"port": -1}]"#, None, Found::Missing),
        ];
        for (json, wanted, expected) in cases {
            assert_eq!(find(&ports(json), wanted.as_ref()), expected, "{json} {wanted:?}");
        }
    }
}
