//! A real API server with its store, on loopback, in a folder of its own.
//!
//! Each program runs under a shell that waits for its own input to end: however the tests end, also when
//! they are killed, the pipe closes and the shell ends its program.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use failover::clock::wait_for;
use failover::lock::Lock;
use failover_backends::Certificates;
use serde_json::json;

use super::client::Client;

/// As the owner of the cluster.
pub(crate) const ADMIN: &str = "token-of-the-admin";

/// As one who may nothing.
pub(crate) const NOBODY: &str = "token-of-nobody";

/// As one who may list slices, and not watch them.
pub(crate) const LISTER: &str = "token-of-the-lister";

/// A real API server with its store.
pub(crate) struct Server {
    folder: PathBuf,
    binaries: PathBuf,
    port: u16,
    etcd_port: u16,
    pub(crate) certificates: Certificates,
    pub(crate) admin: Client,
    /// Guards the programs. The store's is first, so that it ends last.
    running: Lock<(Kept, Option<Kept>)>,
}

/// A program under the shell that ends it.
struct Kept {
    shell: Child,
    pid: String,
}

impl Server {
    /// Starts both and waits until the API server is ready.
    pub(crate) fn start(name: &str) -> Self {
        let binaries = binaries();
        let folder =
            std::env::temp_dir().join(format!("failover-kubernetes-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        let certificates = Certificates::write(&folder).expect("the folder can be written");
        let [port, etcd_port, peer_port] = free_ports();
        let users =
            format!("{ADMIN},admin,1,system:masters\n{NOBODY},nobody,2\n{LISTER},lister,3\n");
        std::fs::write(folder.join("tokens.csv"), users).expect("written");
        let etcd = start_etcd(&binaries, &folder, etcd_port, peer_port);
        let admin = Client::new(&format!("https://127.0.0.1:{port}"), &certificates.ca, ADMIN);
        let running = Lock::new((etcd, None));
        let server = Self { folder, binaries, port, etcd_port, certificates, admin, running };
        server.start_api();
        server
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A folder for a test's files, which goes with the server.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        folder
    }

    /// Kills the API server as a crash would.
    pub(crate) fn kill_api(&self) {
        self.running.lock().1 = None;
    }

    /// Starts the API server, and waits until it is ready.
    pub(crate) fn start_api(&self) {
        let api = self.spawn_api();
        self.running.lock().1 = Some(api);
        let is_ready = || self.admin.ask("GET", "/readyz", "").is_ok_and(|answer| answer.0 == 200);
        let has_failed = || self.log("kube-apiserver").contains("command failed");
        wait_for(START, &|| is_ready() || has_failed());
        assert!(is_ready(), "no API server:\n{}", self.log("kube-apiserver"));
    }

    /// Has the store forget every version but the newest.
    pub(crate) fn compact(&self) {
        let etcd = format!("http://127.0.0.1:{}/v3/kv", self.etcd_port);
        let found = self.admin.post(&format!("{etcd}/range"), &json!({"key": "AA=="}));
        let revision = &found["header"]["revision"];
        assert!(revision.is_string(), "no revision in {found}");
        let done = self.admin.post(&format!("{etcd}/compaction"), &json!({"revision": revision}));
        assert!(done["header"].is_object(), "{done}");
    }

    fn spawn_api(&self) -> Kept {
        let folder = &self.folder;
        let path = |name: &str| folder.join(name).display().to_string();
        let Certificates { server, server_key, ca, .. } = &self.certificates;
        let arguments = [
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            // It wants a key to sign tokens with; any will do.
            format!("--service-account-key-file={}", server.display()),
            format!("--service-account-signing-key-file={}", server_key.display()),
            format!("--secure-port={}", self.port),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--cert-dir={}", path("certs")),
            format!("--tls-cert-file={}", server.display()),
            format!("--tls-private-key-file={}", server_key.display()),
            format!("--client-ca-file={}", ca.display()),
            format!("--token-auth-file={}", path("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
        ];
        Kept::start(&self.binaries.join("kube-apiserver"), &arguments, folder, "")
    }

    fn log(&self, program: &str) -> String {
        let text = std::fs::read_to_string(self.folder.join(format!("{program}.log")));
        let text = text.unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Kept {
    /// Starts `program`; `after` is what the shell does once it has ended it.
    fn start(program: &Path, arguments: &[String], folder: &Path, after: &str) -> Self {
        let name = program.file_name().expect("a program").to_string_lossy();
        let log = File::create(folder.join(format!("{name}.log"))).expect("the folder is ours");
        let script = format!(
            r#""$@" </dev/null 2>"$LOG" >&2 & echo $!; read -r end; kill -9 $!; wait $!; {after}"#
        );
        let mut shell = Command::new("sh")
            .args(["-c", &script, "sh"])
            .arg(program)
            .args(arguments)
            .env("LOG", folder.join(format!("{name}.log")))
            .env("FOLDER", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("a shell");
        let mut pid = String::new();
        let told = shell.stdout.take().expect("a pipe");
        BufReader::new(told).read_line(&mut pid).expect("the shell tells the program's number");
        Self { shell, pid: pid.trim().to_owned() }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // It may have ended by itself; then the shell does what follows all the same.
        let _ = Command::new("kill").args(["-9", &self.pid]).status();
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

fn start_etcd(binaries: &Path, folder: &Path, port: u16, peer_port: u16) -> Kept {
    let (client, peer) =
        (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peer_port}"));
    let arguments = [
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        // The disk may be busy, and nothing here has to outlive the machine.
        "--unsafe-no-fsync".to_owned(),
    ];
    Kept::start(&binaries.join("etcd"), &arguments, folder, r#"rm -rf "$FOLDER""#)
}

/// The folder of `kube-apiserver` and `etcd`.
fn binaries() -> PathBuf {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("tools/backends-kubernetes.sh");
    let output = Command::new(&script).output().expect("the script is there");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no API server to test against: {told}");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// Ports that nobody listens on now.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("bound").port())
}

/// Two loaded cores may need so long.
const START: Duration = Duration::from_secs(120);
