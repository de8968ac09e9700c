//! The two questions that are asked of an API server, as paths.

use super::watch::Version;

/// The slices of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) namespace: String,
    /// The label selector.
    pub(super) selector: String,
}

impl Target {
    /// The slices of `service` in `namespace` that match `selector` too.
    pub(super) fn new(namespace: &str, service: &str, selector: Option<&str>) -> Self {
        let own = format!("{SERVICE_LABEL}={service}");
        let selector = match selector {
            Some(further) => format!("{own},{further}"),
            None => own,
        };
        Self { namespace: namespace.to_owned(), selector }
    }

    /// The path that lists them, in a state that is at least this new.
    pub(super) fn list(&self, version: &Version) -> String {
        let path = self.path();
        match version {
            Version::Any => format!("{path}&resourceVersion=0"),
            Version::AtLeast(version) => format!("{path}&resourceVersion={}", escape(version)),
            // Without one the server asks its store.
            Version::Latest => path,
        }
    }

    /// The path that watches their changes since `version`, for so many seconds.
    pub(super) fn watch(&self, version: &str, seconds: u64) -> String {
        let (path, version) = (self.path(), escape(version));
        format!(
            "{path}&watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={version}"
        )
    }

    fn path(&self) -> String {
        let (namespace, selector) = (escape(&self.namespace), escape(&self.selector));
        format!(
            "/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices?labelSelector={selector}"
        )
    }
}

/// Escapes whatever means something in a URL (RFC 3986, section 2.3).
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// By this label a slice says whose it is.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_service_selector_and_version() {
        let target = Target::new("shop", "users", Some("tier in (a,b)"));
        let path = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices\
                    ?labelSelector=kubernetes.io%2Fservice-name%3Dusers%2Ctier%20in%20%28a%2Cb%29";

        assert_eq!(target.list(&Version::Latest), path);
        assert_eq!(target.list(&Version::Any), format!("{path}&resourceVersion=0"));
        let version = Version::AtLeast("7&x".to_owned());
        assert_eq!(target.list(&version), format!("{path}&resourceVersion=7%26x"));
        let watch = "&watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=7";
        assert_eq!(target.watch("7", 300), format!("{path}{watch}"));
    }
}
