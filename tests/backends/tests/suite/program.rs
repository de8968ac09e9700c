//! The binary, as another language's test starts it.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::client::{Client, get};

/// A started program that does not outlive its test.
struct Program(Child);

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_failover-backend"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// What it prints when it is ready.
    fn ready(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself, which some tests are about.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn port(ready: &Value, field: &str) -> u16 {
    u16::try_from(ready[field].as_u64().unwrap()).unwrap()
}

#[test]
fn its_one_line_tells_name_ports_and_process() {
    let mut program = Program::start(&["--name", "b"]);

    let line = program.line();

    let ready: Value = serde_json::from_str(&line).unwrap();
    let Value::Object(fields) = &ready else { panic!("expected an object, got {line}") };
    assert_eq!(fields.len(), 4, "{line}");
    assert!(line.starts_with(r#"{"name":"b","port":"#), "{line}");
    assert!(line.ends_with(&format!(",\"pid\":{}}}\n", program.0.id())), "{line}");
    assert_eq!(get(port(&ready, "port"), "/work").unwrap().headers["x-backend"], "b");
    assert_eq!(get(port(&ready, "control"), "/mode/refuse").unwrap().status, 200);
    let error = Client::connect(port(&ready, "port")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn it_ends_with_its_standard_input_if_asked_to() {
    let mut program = Program::start(&["--exit-with-stdin"]);
    let ready = program.ready();

    drop(program.0.stdin.take());

    assert!(program.0.wait().unwrap().success());
    assert!(Client::connect(port(&ready, "port")).is_err());
}

#[test]
fn a_killed_program_can_be_started_again_on_its_port() {
    let mut first = Program::start(&["--name", "a"]);
    let ready = first.ready();
    let mut open = Client::connect(port(&ready, "port")).unwrap();
    open.get("/work").unwrap();
    drop(first);
    assert!(open.get("/work").is_err());

    let mut second = Program::start(&["--name", "a", "--port", &ready["port"].to_string()]);

    assert_eq!(second.ready()["port"], ready["port"]);
    assert_eq!(get(port(&ready, "port"), "/work").unwrap().status, 200);
}

#[test]
fn certs_writes_files_that_serve() {
    let folder = std::env::temp_dir().join(format!("failover-certs-{}", std::process::id()));
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let mut certs = Program::start(&["certs", folder.to_str().unwrap()]);
    assert!(certs.0.wait().unwrap().success());

    let (certificate, key, ca) = (file("server.pem"), file("server.key"), file("ca.pem"));
    let mut server =
        Program::start(&["--tls-cert", &certificate, "--tls-key", &key, "--client-ca", &ca]);

    assert_eq!(server.ready()["name"], "backend");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_mistake_on_the_command_line_fails_with_the_reason() {
    let mut program = Program::start(&["--prot", "1"]);

    let mut message = String::new();
    program.0.stderr.take().unwrap().read_to_string(&mut message).unwrap();

    assert!(message.contains("--prot"), "{message}");
    assert!(!program.0.wait().unwrap().success());
}
