//! `failover-backend`: one misbehaving server as a process, for every language that is not Rust.
//!
//! It says where it listens in one line of JSON, because ports are free ones, and ends with its
//! standard input if asked to, because a test that is killed cannot clean up.

mod arguments;

use std::error::Error as StdError;
use std::io::{self, Write as _};
use std::process::{self, ExitCode};
use std::thread;

use arguments::{Arguments, USAGE};
use failover_backends::{Backend, Certificates};
use serde_json::Value;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With no standard error left, the exit code still tells.
            let _ = writeln!(io::stderr(), "failover-backend: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn StdError>> {
    match Arguments::read(std::env::args_os().skip(1))? {
        Arguments::Help => say(USAGE)?,
        Arguments::Certificates(folder) => drop(Certificates::write(&folder)?),
        Arguments::Serve { name, options, exit_with_stdin } => {
            let backend = Backend::start_with(&name, &options)?;
            let (port, control) = (backend.port(), backend.control_port());
            let (name, pid) = (Value::from(name), process::id());
            // Written by hand to keep this order, so that a C program may read it with scanf.
            say(&format!(
                "{{\"name\":{name},\"port\":{port},\"control\":{control},\"pid\":{pid}}}\n"
            ))?;
            wait(exit_with_stdin)?;
        }
    }
    Ok(())
}

fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

fn wait(exit_with_stdin: bool) -> io::Result<()> {
    if exit_with_stdin {
        return io::copy(&mut io::stdin().lock(), &mut io::sink()).map(|_| ());
    }
    loop {
        thread::park();
    }
}
