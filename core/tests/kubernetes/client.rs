//! A plain client of the API server: what the tests change, they change past the library.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// A plain client of the API server.
pub(crate) struct Client {
    runtime: Runtime,
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    /// Makes one for the server at `url`.
    pub(crate) fn new(url: &str, ca: &Path, token: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).expect("a certificate")).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .no_proxy()
            .build()
            .expect("a client");
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let (url, token) = (url.to_owned(), token.to_owned());
        Self { runtime: runtime.expect("a thread"), http, url, token }
    }

    /// Asks; returns status and body.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<(u16, String), String> {
        let method = method.parse::<reqwest::Method>().expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.url));
        let request = request.header("Authorization", format!("Bearer {}", self.token));
        let request = request.header("Content-Type", "application/json").body(body.to_owned());
        let asking = async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            Ok((status, response.text().await?))
        };
        self.runtime.block_on(asking).map_err(|error: reqwest::Error| error.to_string())
    }

    /// Asks another server of the tests' own, without a token.
    pub(crate) fn post(&self, url: &str, body: &Value) -> Value {
        let request = self.http.post(url).body(body.to_string());
        let asking = async { request.send().await?.text().await };
        let text = self.runtime.block_on(asking).expect("it answers");
        serde_json::from_str(&text).expect("JSON")
    }

    fn must(&self, method: &str, path: &str, body: &Value) {
        let answer = self.ask(method, path, &body.to_string());
        let (status, text) = answer.expect("the server answers");
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
    }

    /// Makes a namespace.
    pub(crate) fn make_namespace(&self, name: &str) {
        let body = json!({"metadata": {"name": name}});
        self.must("POST", "/api/v1/namespaces", &body);
    }

    /// Makes a slice, or replaces it.
    pub(crate) fn put_slice(&self, namespace: &str, slice: &Value) {
        let name = slice["metadata"]["name"].as_str().expect("a name");
        let path = slices(namespace);
        let (status, _) =
            self.ask("GET", &format!("{path}/{name}"), "").expect("the server answers");
        match status {
            404 => self.must("POST", &path, slice),
            _ => self.must("PUT", &format!("{path}/{name}"), slice),
        }
    }

    /// Deletes a slice.
    pub(crate) fn delete_slice(&self, namespace: &str, name: &str) {
        self.must("DELETE", &format!("{}/{name}", slices(namespace)), &json!({}));
    }

    /// Lets `user` do `verbs` on the slices of a namespace.
    pub(crate) fn allow(&self, namespace: &str, user: &str, verbs: &[&str]) {
        let rbac = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}");
        let rule = json!({"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"],
            "verbs": verbs});
        self.must(
            "POST",
            &format!("{rbac}/roles"),
            &json!({"metadata": {"name": user},
            "rules": [rule]}),
        );
        let binding = json!({"metadata": {"name": user},
            "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
            "roleRef": {"kind": "Role", "name": user, "apiGroup": "rbac.authorization.k8s.io"}});
        self.must("POST", &format!("{rbac}/rolebindings"), &binding);
    }
}

/// A slice of `service` with one port, 80.
pub(crate) fn slice(name: &str, service: &str, family: &str, endpoints: &[Value]) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
        "addressType": family, "endpoints": endpoints,
        "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
    })
}

/// An endpoint of a Pod.
pub(crate) fn pod(ip: &str, name: &str) -> Value {
    json!({"addresses": [ip], "targetRef": {"kind": "Pod", "name": name, "uid": format!("u-{name}")}})
}

fn slices(namespace: &str) -> String {
    format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices")
}
