//! The one error type of the library, the same in every language.
//!
//! Callers branch on [`ErrorKind`], whose numbers are part of the C ABI and never change; people
//! read the message, whose words may change in any release. [`ErrorType`] is the coarser family
//! that the language bindings show as an exception type.

use std::fmt;

/// Shorthand for a result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Declares the kinds once: name, number, family, flags and the code's C name.
macro_rules! error_kinds {
    ($( $(#[doc = $doc:literal])+ $name:ident = $number:literal, $type:ident, $retryable:literal, $c:literal; )+) => {
        /// What went wrong, as a number that is stable across releases and languages.
        ///
        /// The same numbers are `failover_code` in C. New kinds are added at the end; no number
        /// is ever used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum ErrorKind { $( $(#[doc = $doc])+ $name = $number, )+ }

        impl ErrorKind {
            /// Every kind, in the order of its number.
            pub const ALL: &[Self] = &[ $( Self::$name, )+ ];

            /// The kind's number, as C sees it.
            #[must_use]
            pub const fn code(self) -> u32 { self as u32 }

            /// The kind of a number, if this release knows it.
            #[must_use]
            pub const fn from_code(code: u32) -> Option<Self> {
                match code { $( $number => Some(Self::$name), )+ _ => None }
            }

            /// The constant's name in C, for people who read logs.
            #[must_use]
            pub const fn c_name(self) -> &'static str {
                match self { $( Self::$name => concat!("FAILOVER_E_", $c), )+ }
            }

            /// The family that the bindings show as an exception type.
            #[must_use]
            pub const fn error_type(self) -> ErrorType {
                match self { $( Self::$name => ErrorType::$type, )+ }
            }

            /// True if the same call may succeed when it is made again later.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self { $( Self::$name => $retryable, )+ }
            }

            /// The first sentence of the kind's meaning, for the generated reference.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $( Self::$name => concat!($($doc, "\n"),+), )+ }
            }
        }
    };
}

error_kinds! {
    /// A configuration value is unknown, out of range or contradicts another.
    InvalidConfig = 6001, Validation, false, "INVALID_CONFIG";
    /// No endpoint is registered, or none may take traffic now.
    NoEndpoints = 6002, NotFound, true, "NO_ENDPOINTS";
    /// The call's own deadline passed. The last attempt may have had an effect.
    DeadlineExceeded = 6003, Timeout, true, "DEADLINE_EXCEEDED";
    /// Every permitted attempt failed, or nobody was left for the next; the last one's own error comes with it.
    AttemptsExhausted = 6004, Connection, true, "ATTEMPTS_EXHAUSTED";
    /// Breakers bar every endpoint that is left; the details say when the next probe is due.
    CircuitOpen = 6005, CircuitBreaker, true, "CIRCUIT_OPEN";
    /// The retry budget was empty, so the call ended with its last attempt's error.
    BudgetExhausted = 6006, Connection, true, "BUDGET_EXHAUSTED";
    /// The attempt ended the call: the caller's fault, not idempotent, or not retryable.
    Rejected = 6007, Connection, false, "REJECTED";
    /// The caller cancelled the call.
    Cancelled = 6008, Internal, false, "CANCELLED";
    /// The manager is closed.
    Closed = 6009, Internal, false, "CLOSED";
    /// No such endpoint, provider, service or pool.
    NotFound = 6010, NotFound, false, "NOT_FOUND";
    /// The id or name is taken.
    AlreadyExists = 6011, Validation, false, "ALREADY_EXISTS";
    /// An argument is malformed; the message names it and says what was expected.
    InvalidArgument = 6012, Validation, false, "INVALID_ARGUMENT";
    /// The function doesn't fit the state: a step on a finished call, `advance` on a system clock.
    InvalidState = 6013, Validation, false, "INVALID_STATE";
    /// The time allowed for a blocking verb passed before it was done.
    Timeout = 6014, Timeout, true, "TIMEOUT";
    /// The provider failed or can't do what was asked.
    Provider = 6015, Connection, true, "PROVIDER";
    /// Work for the program waits, and no worker of the program pulls it.
    NoWorker = 6016, Internal, true, "NO_WORKER";
    /// The name is reserved for a later release.
    NotAvailable = 6017, Validation, false, "NOT_AVAILABLE";
    /// A limit was reached: endpoints in a provider, bytes in a document, open calls.
    LimitExceeded = 6018, Validation, false, "LIMIT_EXCEEDED";
    /// A pointer that must not be NULL is NULL.
    NullArgument = 6019, Validation, false, "NULL_ARGUMENT";
    /// A handle is not of this library, or was freed already.
    InvalidHandle = 6020, Validation, false, "INVALID_HANDLE";
    /// Text is not UTF-8.
    InvalidUtf8 = 6021, Validation, false, "INVALID_UTF8";
    /// A struct's size, or a field beyond the known ones, is not understood by this release.
    Unsupported = 6022, Validation, false, "UNSUPPORTED";
    /// A defect of the library was caught at its border. Selection goes on.
    Panic = 6023, Internal, false, "PANIC";
    /// The process was forked, and its policy forbids use in the child.
    Forked = 6024, Internal, false, "FORKED";
    /// A handle for one thread at a time was used by two at once.
    ConcurrentUse = 6025, Validation, false, "CONCURRENT_USE";
    /// Input or output of the machine failed.
    Io = 6026, Connection, true, "IO";
    /// Something is still open; the details count it.
    Busy = 6027, Internal, true, "BUSY";
}

/// The family of an error: the seed's error types, numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum ErrorType {
    /// An endpoint or provider could not be reached, or failed.
    Connection = 1,
    /// The caller gave something that can't be used.
    Validation = 2,
    /// Something named does not exist.
    NotFound = 3,
    /// Time ran out.
    Timeout = 4,
    /// Breakers forbid traffic.
    CircuitBreaker = 5,
    /// The rest.
    Internal = 6,
}

impl ErrorType {
    /// The type's name in documents: `connection`, `validation`, …
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Validation => "validation",
            Self::NotFound => "not_found",
            Self::Timeout => "timeout",
            Self::CircuitBreaker => "circuit_breaker",
            Self::Internal => "internal",
        }
    }
}

/// One fault of a configuration or an endpoint, with the dotted path of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Dotted path of the field, as in the document: `circuit_breaker.failure_threshold`.
    pub path: String,
    /// What was expected and what came, in lower case and without a full stop.
    pub expected: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return out.write_str(&self.expected);
        }
        write!(out, "{}: {}", self.path, self.expected)
    }
}

/// What went wrong, for code ([`kind`](Self::kind)) and for people (`Display`).
#[derive(Clone, Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    faults: Vec<Fault>,
    details: Option<serde_json::Value>,
}

impl Error {
    /// Makes an error of `kind` with a message for people.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let inner = Inner { kind, message: message.into(), faults: Vec::new(), details: None };
        Self { inner: Box::new(inner) }
    }

    /// Makes an error that reports every fault of a document or an endpoint at once.
    #[must_use]
    pub fn from_faults(kind: ErrorKind, faults: Vec<Fault>) -> Self {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let mut error = Self::new(kind, lines.join("\n"));
        error.inner.faults = faults;
        error
    }

    /// Makes a configuration error about one field.
    #[must_use]
    pub fn invalid_config(path: impl Into<String>, expected: impl Into<String>) -> Self {
        let fault = Fault { path: path.into(), expected: expected.into() };
        Self::from_faults(ErrorKind::InvalidConfig, vec![fault])
    }

    /// Attaches facts for programs, shown as `details` in every language.
    #[must_use]
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.inner.details = Some(details);
        self
    }

    /// The stable kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The faults, where the error is about a document or an endpoint; else empty.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.inner.faults
    }

    /// Facts for programs: the attached ones, or the list of faults, or an empty object.
    #[must_use]
    pub fn details(&self) -> serde_json::Value {
        if let Some(details) = &self.inner.details {
            return details.clone();
        }
        if self.inner.faults.is_empty() {
            return serde_json::json!({});
        }
        let faults: Vec<_> = self
            .inner
            .faults
            .iter()
            .map(|fault| serde_json::json!({ "path": fault.path, "expected": fault.expected }))
            .collect();
        serde_json::json!({ "faults": faults })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.inner.message)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, error.to_string())
    }
}

/// The start of a text, so that a message stays readable whatever came.
pub(crate) fn clipped(text: &str) -> &str {
    text.char_indices().nth(SHOWN_CHARS).map_or(text, |(end, _)| &text[..end])
}

const SHOWN_CHARS: usize = 64;
