//! From a service's name to the DNS names under which it is looked for.

use hickory_proto::rr::Name;

use crate::error::clipped;

/// What a template has in the service's place.
pub(super) const PLACE: &str = "{service}";

/// Says what is wrong with a template.
pub(super) fn check_template(template: &str) -> Result<(), String> {
    if template.matches(PLACE).count() != 1 {
        return Err(format!("must hold {PLACE} once, got {:?}", clipped(template)));
    }
    absolute(&template.replace(PLACE, "a")).map(drop)
}

/// Reads a name as one that isn't looked for in any domain.
pub(super) fn absolute(text: &str) -> Result<Name, String> {
    let mut name = parse(text)?;
    name.set_fqdn(true);
    Ok(name)
}

/// The names under which a service is looked for, one after the other.
///
/// A name with `ndots` dots or more is tried as it is before the domains, one with less after them, and
/// an absolute one nowhere else; as resolv.conf(5) has it.
pub(super) fn candidates(
    template: &str,
    service: &str,
    domains: &[Name],
    ndots: u8,
) -> Result<Vec<Name>, String> {
    let name = parse(&template.replace(PLACE, service))?;
    let mut bare = name.clone();
    bare.set_fqdn(true);
    if name.is_fqdn() {
        return Ok(vec![bare]);
    }
    // What is too long with a domain can't be there.
    let within = domains.iter().filter_map(|domain| name.clone().append_domain(domain).ok());
    let mut names: Vec<Name> = within.collect();
    let dots = name.iter().count().saturating_sub(1);
    let place = if dots >= usize::from(ndots) { 0 } else { names.len() };
    names.insert(place, bare);
    let mut seen = Vec::new();
    names.retain(|name| {
        let is_new = !seen.contains(name);
        seen.push(name.clone());
        is_new
    });
    Ok(names)
}

/// A name for people and ids: no last dot, lower case.
pub(super) fn shown(name: &Name) -> String {
    let text = name.to_lowercase().to_ascii();
    text.strip_suffix('.').filter(|rest| !rest.is_empty()).unwrap_or(&text).to_owned()
}

fn parse(text: &str) -> Result<Name, String> {
    let refuse = || format!("must be a DNS name, got {:?}", clipped(text));
    // An empty label in the middle is taken for the end of the name by some.
    if text.is_empty() || text.starts_with('.') || text.contains("..") {
        return Err(refuse());
    }
    let name = Name::from_str_relaxed(text).map_err(|_| refuse())?;
    if name.len() > LONGEST {
        return Err(refuse());
    }
    Ok(name)
}

/// The longest name in bytes as they are sent (RFC 1035).
const LONGEST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(template: &str, service: &str, domains: &[&str], ndots: u8) -> Vec<String> {
        let domains: Vec<Name> =
            domains.iter().map(|domain| absolute(domain).expect("a name")).collect();
        let names = candidates(template, service, &domains, ndots).expect("a name");
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_short_name_is_looked_for_in_the_domains_first_and_a_long_one_last() {
        let domains = ["svc.example", "example."];

        assert_eq!(
            names(PLACE, "users", &domains, 1),
            ["users.svc.example.", "users.example.", "users."]
        );
        assert_eq!(
            names(PLACE, "users.prod", &domains, 1),
            ["users.prod.", "users.prod.svc.example.", "users.prod.example."]
        );
        assert_eq!(
            names(PLACE, "users.prod", &domains, 2).first().map(String::as_str),
            Some("users.prod.svc.example.")
        );
        assert_eq!(names(PLACE, "users", &domains, 0)[0], "users.");
    }

    #[test]
    fn an_absolute_name_is_looked_for_nowhere_else() {
        assert_eq!(names(PLACE, "users.example.", &["svc.example"], 5), ["users.example."]);
        assert_eq!(names("{service}.example.", "users", &["svc"], 5), ["users.example."]);
        assert_eq!(names("_{service}._tcp", "users", &[], 5), ["_users._tcp."]);
    }

    #[test]
    fn a_domain_that_comes_twice_is_tried_once() {
        assert_eq!(names(PLACE, "a", &["b", "B.", "b"], 1), ["a.b.", "a."]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a.".repeat(130);
        for text in ["", ".", "a..b", ".a", "a b", &"a".repeat(64), &long] {
            assert!(candidates(PLACE, text, &[], 1).is_err(), "{text}");
        }
        for template in ["", "users", "{service}{service}", "{service} x", "{service}..a"] {
            assert!(check_template(template).is_err(), "{template}");
        }
        assert_eq!(
            check_template("users.example").expect_err("no place"),
            "must hold {service} once, got \"users.example\""
        );
    }

    #[test]
    fn a_shown_name_has_no_last_dot() {
        assert_eq!(shown(&absolute("Users.Example.").expect("a name")), "users.example");
        assert_eq!(shown(&Name::root()), ".");
    }
}
