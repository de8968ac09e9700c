//! The command line of `failover-backend`.
//!
//! Every option also exists in [`failover_backends::Options`]; nothing else is decided here.

use std::ffi::OsString;
use std::path::PathBuf;

use failover_backends::{Options, TlsFiles};
use lexopt::{Arg, Parser, ValueExt as _};

/// What the program was asked to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// Run one backend.
    Serve {
        name: String,
        options: Options,
        /// Whether the end of standard input ends the program.
        exit_with_stdin: bool,
    },
    /// Write certificates into a folder.
    Certificates(PathBuf),
    /// Print the usage.
    Help,
}

impl Arguments {
    /// Reads the arguments after the program's name.
    pub(crate) fn read(
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Self, lexopt::Error> {
        let mut parser = Parser::from_args(arguments.into_iter().map(Into::into));
        let mut given = Given::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(Self::Help),
                Arg::Value(word) if word == "certs" => return folder(&mut parser),
                Arg::Long("name") => given.name = Some(parser.value()?.string()?),
                Arg::Long("port") => given.port = parser.value()?.parse()?,
                Arg::Long("control-port") => given.control_port = parser.value()?.parse()?,
                Arg::Long("tls-cert") => given.certificate = Some(parser.value()?.into()),
                Arg::Long("tls-key") => given.key = Some(parser.value()?.into()),
                Arg::Long("client-ca") => given.client_ca = Some(parser.value()?.into()),
                Arg::Long("exit-with-stdin") => given.exit_with_stdin = true,
                other => return Err(other.unexpected()),
            }
        }
        given.serve()
    }
}

/// The options as they were given, before they are known to fit together.
#[derive(Default)]
struct Given {
    name: Option<String>,
    port: u16,
    control_port: u16,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
    exit_with_stdin: bool,
}

impl Given {
    fn serve(self) -> Result<Arguments, lexopt::Error> {
        let tls = match (self.certificate, self.key, self.client_ca) {
            (Some(certificate), Some(key), client_ca) => {
                Some(TlsFiles { certificate, key, client_ca })
            }
            (None, None, None) => None,
            _ => return Err("--tls-cert and --tls-key: expected both, or neither".into()),
        };
        Ok(Arguments::Serve {
            name: self.name.unwrap_or_else(|| "backend".to_owned()),
            options: Options { port: self.port, control_port: self.control_port, tls },
            exit_with_stdin: self.exit_with_stdin,
        })
    }
}

fn folder(parser: &mut Parser) -> Result<Arguments, lexopt::Error> {
    let folder = parser.value().map_err(|_| "certs: expected a folder")?;
    match parser.next()? {
        None => Ok(Arguments::Certificates(folder.into())),
        Some(other) => Err(other.unexpected()),
    }
}

/// What `--help` prints, and what follows an error.
pub(crate) const USAGE: &str = "\
usage: failover-backend [--name NAME] [--port 0] [--control-port 0] [--exit-with-stdin]
                        [--tls-cert FILE --tls-key FILE [--client-ca FILE]]
       failover-backend certs FOLDER

Runs an HTTP server on 127.0.0.1 that misbehaves on command, prints one line of JSON when it is
ready, {\"name\":\"a\",\"port\":P,\"control\":C,\"pid\":N}, and runs until it is killed or, with
--exit-with-stdin, until its standard input ends. Port 0 picks a free one.

Commands, on the control port, any method; answered once they are in force:
  /mode/MODE[?scope=all|health|work]   ok, status=CODE (with &retry_after=S), delay=MS, hang,
                                       close, reset, refuse, flap=N
  /mode   /stats   /reset              the mode in force; counts; clear the counts
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_arguments_give_a_plain_server_on_free_ports() {
        let arguments = Arguments::read([""; 0]).unwrap();

        let (name, options) = ("backend".to_owned(), Options::default());
        assert_eq!(arguments, Arguments::Serve { name, options, exit_with_stdin: false });
    }

    #[test]
    fn a_certificate_without_its_key_is_refused() {
        let error = Arguments::read(["--tls-cert", "server.pem"]).unwrap_err();

        assert!(error.to_string().contains("--tls-key"), "{error}");
    }

    #[test]
    fn a_port_out_of_range_an_unknown_option_and_a_missing_folder_are_refused() {
        for arguments in [&["--port", "65536"][..], &["--prot", "1"], &["certs"]] {
            assert!(Arguments::read(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn certs_takes_its_folder() {
        let arguments = Arguments::read(["certs", "/tmp/x"]).unwrap();

        assert_eq!(arguments, Arguments::Certificates("/tmp/x".into()));
    }
}
