//! The backend as its clients meet it: every mode over real sockets, control, https, the program.
//!
//! The client is written by hand on blocking sockets, because an HTTP library would hide what is
//! tested here: whether the port refuses, resets, or breaks off, and after which byte.

#![expect(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

mod client;
mod control;
mod https;
mod library;
mod modes;
mod program;
