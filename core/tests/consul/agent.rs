//! A real Consul agent on free ports of 127.0.0.1, with what tests tell it.
//!
//! A shell stands between the test and the agent and waits for the end of its own input, so that the agent
//! ends with the test process however that ends.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{self, Answer};

/// A running agent. Dropping it kills it.
pub(crate) struct Agent {
    shell: Option<Child>,
    ports: [u16; 3],
    token: Option<&'static str>,
    /// What its configuration says beside, in its own language.
    config: String,
}

impl Agent {
    /// Starts an agent that knows nothing yet.
    pub(crate) fn start() -> Self {
        Self::start_with(None, "")
    }

    /// Starts an agent with access control, that answers to `token` alone.
    pub(crate) fn guarded(token: &'static str) -> Self {
        let acl = "enabled = true default_policy = \"deny\"";
        Self::start_with(Some(token), &format!("acl {{ {acl} tokens {{ master = \"{token}\" }} }}"))
    }

    /// Starts an agent with a configuration.
    pub(crate) fn start_with(token: Option<&'static str>, config: &str) -> Self {
        let new = || Self { shell: None, ports: free_ports(), token, config: config.to_owned() };
        // Somebody else may take a port between the moment it was found and the agent's start.
        for _ in 0..4 {
            let mut agent = new();
            if agent.run().is_ok() {
                return agent;
            }
        }
        let mut agent = new();
        agent.run().expect("an agent can be started");
        agent
    }

    /// Starts it again after [`kill`](Self::kill), on the same ports and with nothing that it knew.
    pub(crate) fn restart(&mut self) {
        self.run().expect("its ports are free again");
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        let Some(mut shell) = self.shell.take() else { return };
        drop(shell.stdin.take());
        shell.wait().expect("the shell ends after the agent");
    }

    /// Where it answers.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    pub(crate) fn port(&self) -> u16 {
        self.ports[0]
    }

    /// Sends a request with the token it answers to.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http::send(self.port(), (method, path), self.token, &body).expect("the agent answers")
    }

    /// Sends a request that must succeed.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Value {
        let answer = self.send("PUT", path, body);
        assert_eq!(answer.status, 200, "PUT {path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or_default()
    }

    /// Registers an instance with what `more` says, on a port of 127.0.0.1.
    pub(crate) fn register(&self, service: &str, id: &str, port: u16, more: Value) {
        let mut all = json!({"Name": service, "ID": id, "Address": "127.0.0.1", "Port": port});
        let (Value::Object(all), Value::Object(more)) = (&mut all, more) else { return };
        all.extend(more);
        self.put("/v1/agent/service/register", &Value::Object(all.clone()));
    }

    pub(crate) fn deregister(&self, id: &str) {
        self.put(&format!("/v1/agent/service/deregister/{id}"), &Value::Null);
    }

    /// Makes the token of a policy; returns its secret.
    pub(crate) fn make_token(&self, name: &str, rules: &str) -> String {
        self.put("/v1/acl/policy", &json!({"Name": name, "Rules": rules}));
        let token = self.put("/v1/acl/token", &json!({"Policies": [{"Name": name}]}));
        token["SecretID"].as_str().expect("a token has a secret").to_owned()
    }

    fn run(&mut self) -> Result<(), String> {
        let [http, server, serf] = self.ports.map(|port| port.to_string());
        let mut shell = Command::new("sh");
        shell.args(["-c", "\"$@\" & agent=$!; read -r _; kill -9 $agent; wait", "sh"]);
        shell.arg(binary()).args(["agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1"]);
        shell.args(["-http-port", &http, "-server-port", &server, "-serf-lan-port", &serf]);
        shell.args(["-dns-port", "-1", "-grpc-port", "-1", "-serf-wan-port", "-1"]);
        shell.args(["-node", "node-1", "-log-level", "info"]);
        if !self.config.is_empty() {
            shell.args(["-hcl", &self.config]);
        }
        let mut shell = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let lines = lines(&mut shell);
        self.shell = Some(shell);
        // The agent's own service passes once the leader has joined itself.
        match wait_for(&lines, "marking health alive") {
            Ok(()) => Ok(()),
            Err(error) => {
                self.kill();
                Err(error)
            }
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the agent prints, line by line; read to its end so that it never waits for a reader.
fn lines(shell: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let output = shell.stdout.take().expect("it is piped");
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody listens any more once it is ready.
            let _ = sender.send(line);
        }
    });
    lines
}

fn wait_for(lines: &Receiver<String>, text: &str) -> Result<(), String> {
    let mut last = String::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) if line.contains(text) => return Ok(()),
            Ok(line) => last = line,
            Err(RecvTimeoutError::Timeout) => return Err(format!("not ready; last: {last}")),
            Err(RecvTimeoutError::Disconnected) => return Err(format!("ended; last: {last}")),
        }
    }
}

/// Three ports that were free a moment ago.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"));
    listeners.map(|listener| listener.local_addr().expect("it is bound").port())
}

/// The agent's program; a machine that has none and can't get it fails with the reason.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/backends.sh");
        let output = Command::new(script).arg("consul").output().expect("the script runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "there is no Consul to test with: {told}");
        String::from_utf8(output.stdout).expect("a path").trim().into()
    })
}

const PATIENCE: Duration = Duration::from_secs(60);
