//! What the Rust blocks of the README and the guide leave out. `run.sh` fills the blocks in.

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Stands for an HTTP client: it answers at once.
#[derive(Clone, Copy)]
struct Client;

impl Client {
    fn get(self, _url: String) -> Self {
        self
    }

    fn timeout<T>(self, _timeout: T) -> Blocking {
        Blocking
    }

    async fn send(self) -> Result<Response, std::io::Error> {
        Ok(Response(200))
    }
}

struct Blocking;

impl Blocking {
    fn send(self) -> Result<Response, std::io::Error> {
        Ok(Response(200))
    }
}

#[derive(Debug)]
struct Response(u16);

impl Response {
    fn status(&self) -> u16 {
        self.0
    }
}

fn ask<T>(_url: &str, _timeout: T) -> Result<&'static str, std::io::Error> {
    Ok("alice")
}

fn readme() -> Result<(), Box<dyn Error>> {
    //= README.md 1
    assert_eq!(served.attempts, 1);
    Ok(())
}

fn dns() -> Result<(), Box<dyn Error>> {
    //= docs/guides/dns.md 1
    assert_eq!(failover::discovery::Provider::kind(&names), "dns");
    Ok(())
}

async fn calls() -> Result<(), Box<dyn Error>> {
    let client = Client;
    //= docs/guides/rust.md 1
    {
        //= docs/guides/rust.md 2
        assert_eq!(served.value.status(), 200);
    }
    {
        //= docs/guides/rust.md 3
        assert_eq!(served.value.status(), 200);
    }
    use failover::Outcome;
    //= docs/guides/rust.md 5
    //= docs/guides/rust.md 6
    Ok(())
}

fn judge(response: Response) -> Result<Response, failover::Tagged> {
    let retry_after = Duration::from_secs(1);
    //= docs/guides/rust.md 4
}

fn testing() -> Result<(), Box<dyn Error>> {
    use failover::Manager;
    //= docs/guides/rust.md 7
    Ok(())
}

fn driving() -> Result<(), Box<dyn Error>> {
    use failover::{Endpoint, EndpointId, Manager, Request};
    let document = r#"{ "clock": "manual", "seed": 1, "failover": { "strategy": "custom" } }"#;
    let manager = Manager::from_json(document)?;
    for id in ["a", "b"] {
        manager.register_endpoint(None, Endpoint::new(id, "users", "127.0.0.1", 1))?;
    }
    let pool = manager.pool(None, None)?;
    let mut tried = Vec::new();
    let choose = |candidates: &[EndpointId]| candidates[candidates.len() - 1];
    let mut attempt = |endpoint: &Endpoint, _deadline: u64| {
        tried.push(endpoint.id.to_string());
        if tried.len() == 1 { Outcome::Unsent } else { Outcome::Success }
    };
    //= docs/guides/rust.md 8
    assert_eq!(tried, ["b", "a"]);
    Ok(())
}

fn configuration() -> Result<(), Box<dyn Error>> {
    failover::Manager::from_toml(&std::fs::read_to_string("policy.toml")?)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    readme()?;
    dns()?;
    let calls = pin!(calls());
    match calls.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result?,
        Poll::Pending => {
            return Err("the client answers at once, so the call should have ended".into());
        }
    }
    assert!(judge(Response(200)).is_ok());
    for refused in [429, 404, 503] {
        assert!(judge(Response(refused)).is_err());
    }
    testing()?;
    driving()?;
    configuration()
}
