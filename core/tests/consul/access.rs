//! As whom and by which way an agent is asked: tokens, rights, a unix socket, TLS.

use std::net::TcpListener;
use std::time::Duration;

use failover::discovery::consul::Tls;
use failover::discovery::{Provider, Reading};
use failover_backends::Certificates;
use serde_json::json;

use crate::agent::Agent;
use crate::follower::{Follower, at, consul, with_token};
use crate::proxy::{Fault, Proxy};
use crate::{MASTER, agent, guarded, work};

#[test]
fn a_wrong_token_is_an_error_that_names_everything_but_the_token() {
    let agent = guarded();
    let wrong = "0ddba11e-0000-4000-8000-000000000002";

    let follower = Follower::start(with_token(&agent.address(), wrong), "any");

    let error = follower.see_error("403");
    assert_eq!(error, format!("consul at {}: status 403: ACL not found", agent.address()));
    assert!(!follower.info().is_ready);
    let shown = format!("{:?} {:?}", follower.info(), follower.told());
    assert!(!shown.contains(wrong), "{shown}");
}

#[test]
fn a_token_that_a_server_repeats_is_not_passed_on() {
    let proxy = Proxy::start(agent().port());
    let repeated = "you sent Pa55phrase, which is wrong";
    proxy.always(Some(Fault::answer("403 Forbidden", "", repeated)));

    let follower = Follower::start(with_token(&proxy.address(), "Pa55phrase"), "any");

    assert!(follower.see_error("403").ends_with("you sent ***, which is wrong"));
}

#[test]
fn a_token_in_a_file_may_come_late() {
    let agent = guarded();
    agent.register("rotated", "r1", 1, json!({}));
    let path = std::env::temp_dir().join(format!("failover-consul-token-{}", std::process::id()));
    std::fs::write(&path, "0ddba11e-0000-4000-8000-000000000003").expect("a writable folder");
    let mut options = at(&agent.address());
    options.token_file = Some(path.clone());
    let follower = Follower::start(options, "rotated");
    follower.see_error("403: ACL not found");

    std::fs::write(&path, format!("{MASTER}\n")).expect("a writable folder");

    follower.see_ids(&["r1"]);
    std::fs::remove_file(&path).expect("it was written");
}

#[test]
fn an_empty_answer_to_a_token_without_rights_is_an_error() {
    let agent = guarded();
    agent.register("hidden", "h1", 1, json!({}));
    let no_service = agent.make_token("nodes", "node_prefix \"\" { policy = \"read\" }");
    let no_node = agent.make_token("hidden", "service \"hidden\" { policy = \"read\" }");
    let both = "service \"hidden\" { policy = \"read\" } node_prefix \"\" { policy = \"read\" }";
    let both = agent.make_token("both", both);
    let seen = Follower::start(with_token(&agent.address(), &both), "hidden");
    seen.see_ids(&["h1"]);

    let anonymous = Follower::start(at(&agent.address()), "hidden");
    let no_service = Follower::start(with_token(&agent.address(), &no_service), "hidden");

    let expected = "the token may not read service \"hidden\" (service:read is missing)";
    assert!(anonymous.see_error("may not").ends_with(expected));
    assert!(no_service.see_error("may not").ends_with(expected));
    assert!(!no_service.info().is_ready);

    // Rights that vanish while it is watched.
    let proxy = Proxy::start(agent.port());
    let mut options = with_token(&proxy.address(), &both);
    options.wait = Duration::from_secs(1);
    let follower = Follower::start(options, "hidden");
    follower.see_ids(&["h1"]);
    let policy = agent.send("GET", "/v1/acl/policy/name/both", &json!(null)).body;
    let policy: serde_json::Value = serde_json::from_str(&policy).expect("JSON");
    let path = format!("/v1/acl/policy/{}", policy["ID"].as_str().expect("an id"));
    let less = "service \"hidden\" { policy = \"read\" }";
    agent.put(&path, &json!({"ID": policy["ID"], "Name": "both", "Rules": less}));
    let error = follower.see_error("may not");
    assert!(error.ends_with("read node \"node-1\" (node:read is missing)"), "{error}");
    assert_eq!(follower.ids(), ["h1"], "what vanished was only hidden");
    drop(no_node);
}

#[cfg(unix)]
#[test]
fn an_agent_may_listen_on_a_unix_socket() {
    let path = std::env::temp_dir().join(format!("failover-consul-{}.sock", std::process::id()));
    let path = path.to_str().expect("a plain path");
    let config = format!("addresses {{ http = \"127.0.0.1 unix://{path}\" }}");
    let agent = Agent::start_with(None, &config);
    agent.register("local", "u1", 1, json!({}));

    let follower = Follower::start(at(&format!("unix://{path}")), "local");

    follower.see_ids(&["u1"]);
    drop(agent);
    assert!(follower.see_error("consul").starts_with(&format!("consul at unix://{path}: ")));
    // The agent removes it only where it may end in order.
    let _ = std::fs::remove_file(path);
}

#[test]
fn an_agent_behind_tls_is_known_by_its_authority_and_knows_its_client() {
    let folder = std::env::temp_dir().join(format!("failover-consul-tls-{}", std::process::id()));
    let files = Certificates::write(&folder).expect("a writable folder");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("free");
    let config = format!(
        "ports {{ https = {} }} verify_incoming_https = true \
         ca_file = {:?} cert_file = {:?} key_file = {:?}",
        port.port(),
        files.ca,
        files.server,
        files.server_key
    );
    let agent = Agent::start_with(None, &config);
    agent.register("secret", "t1", 1, json!({}));
    let options = |change: &dyn Fn(&mut Tls)| {
        let mut options = at(&format!("https://{port}"));
        options.tls.ca_file = Some(files.ca.clone());
        options.tls.client_cert_file = Some(files.client.clone());
        options.tls.client_key_file = Some(files.client_key.clone());
        change(&mut options.tls);
        options
    };
    let read = |change: &dyn Fn(&mut Tls)| {
        let provider = consul(options(change)).expect("valid options");
        work(provider.list_service("secret", Reading::Strong)).map(|set| set.len())
    };
    let error = |change: &dyn Fn(&mut Tls)| read(change).expect_err("refused").to_string();

    assert_eq!(read(&|_| {}).expect("both are known"), 1);
    assert_eq!(read(&|tls| tls.server_name = Some("localhost".to_owned())).expect("its name"), 1);
    let wrong_ca = |tls: &mut Tls| tls.ca_file = Some(files.other_ca.clone());
    assert!(error(&wrong_ca).contains("UnknownIssuer"), "{}", error(&wrong_ca));
    assert_eq!(read(&|tls| (tls.ca_file, tls.verify) = (None, Some(false))).expect("anybody"), 1);
    let named = |tls: &mut Tls| tls.server_name = Some("server.dc1.consul".to_owned());
    assert!(error(&named).contains("not valid for name"), "{}", error(&named));
    let nobody = |tls: &mut Tls| (tls.client_cert_file, tls.client_key_file) = (None, None);
    assert!(error(&nobody).starts_with(&format!("consul at https://{port}: ")));
    let missing = |tls: &mut Tls| tls.ca_file = Some("/nowhere/ca.pem".into());
    assert!(error(&missing).contains("tls.ca_file: "), "{}", error(&missing));
    drop(agent);
    std::fs::remove_dir_all(&folder).expect("it was made here");
}
