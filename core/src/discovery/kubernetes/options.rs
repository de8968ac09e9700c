//! What a Kubernetes provider can be told.

use std::path::PathBuf;
use std::sync::Arc;

/// What a Kubernetes provider can be told. The default fits a Pod with a service account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Where the API server is, and as whom to ask it.
    pub access: Access,
    /// Namespace of services that are named without one; absent means that of the kubeconfig's
    /// context or of the Pod, and else `default`.
    pub namespace: Option<String>,
    /// Label selector that EndpointSlices must match besides belonging to the service; absent means
    /// no further one.
    pub selector: Option<String>,
    /// Port of services that are named without one; absent means the only one they have.
    pub port: Option<Port>,
    /// Which addresses of a Pod with both kinds are used.
    pub ip_family: IpFamily,
    /// Protocol that endpoints get: `http`, `https`, `tcp`, or any name that the program knows.
    pub protocol: Arc<str>,
    /// Zone of this process: endpoints that the cluster hints at for it are preferred. Absent means
    /// that hints are ignored.
    pub zone: Option<String>,
    /// Node of this process: endpoints that the cluster hints at for it are preferred. Absent means
    /// that such hints are ignored.
    pub node: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access: Access::Found,
            namespace: None,
            selector: None,
            port: None,
            ip_family: IpFamily::default(),
            protocol: "http".into(),
            zone: None,
            node: None,
        }
    }
}

/// Where the API server is, and as whom to ask it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// The kubeconfig that `KUBECONFIG` names or the home folder has; where there is none, the
    /// service account of the Pod.
    #[default]
    Found,
    /// The service account of the Pod.
    InCluster,
    /// A kubeconfig.
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// The context; absent means its current one.
        context: Option<String>,
    },
}

/// A port of a service, by one of its two handles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// The name in the Service. Its number may differ from slice to slice.
    Name(String),
    /// The number on the Pods.
    Number(u16),
}

/// Which addresses of a Pod with both kinds are used. Each Pod becomes one endpoint in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IpFamily {
    /// The IPv4 address, and the IPv6 one of who has no other.
    #[default]
    PreferV4,
    /// The IPv6 address, and the IPv4 one of who has no other.
    PreferV6,
    /// IPv4 addresses alone.
    OnlyV4,
    /// IPv6 addresses alone.
    OnlyV6,
}
