//! Waking a program that waits for a queue: a callback, a file descriptor, or both.

use std::ffi::c_void;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use failover::{Error, Result};

/// Ends the library's hold on `user_data`; called exactly once, also when registering failed.
pub type failover_drop_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Tells that a queue isn't empty any more. It must not block and must not call the library.
pub type failover_wake_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A callback of the program with what belongs to it.
#[derive(Debug)]
pub(crate) struct Wake {
    wake: failover_wake_fn,
    user_data: *mut c_void,
    drop: failover_drop_fn,
}

// SAFETY: whoever registers a callback says that it may be called, and dropped, on any thread.
unsafe impl Send for Wake {}
// SAFETY: as above.
unsafe impl Sync for Wake {}

impl Wake {
    pub(crate) const fn new(
        wake: failover_wake_fn,
        user_data: *mut c_void,
        drop: failover_drop_fn,
    ) -> Self {
        Self { wake, user_data, drop }
    }

    pub(crate) fn call(&self) {
        if let Some(wake) = self.wake {
            // SAFETY: the program gave the function with this argument.
            unsafe { wake(self.user_data) };
        }
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            // SAFETY: the program gave the function with this argument, and this is its only call.
            unsafe { drop(self.user_data) };
        }
    }
}

/// A descriptor that is readable while a queue has something.
#[derive(Debug)]
pub(crate) struct Signal {
    reader: OwnedFd,
    /// The same descriptor where the system has eventfd.
    writer: Option<OwnedFd>,
}

impl Signal {
    #[cfg(target_os = "linux")]
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: takes two numbers and gives a new descriptor or -1.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(Error::from(std::io::Error::last_os_error()));
        }
        // SAFETY: `fd` is new and nobody else's.
        Ok(Self { reader: unsafe { OwnedFd::from_raw_fd(fd) }, writer: None })
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn new() -> Result<Self> {
        let (reader, writer) = std::io::pipe().map_err(Error::from)?;
        let signal = Self { reader: reader.into(), writer: Some(writer.into()) };
        for fd in [signal.raw(), signal.writer.as_ref().map_or(-1, AsRawFd::as_raw_fd)] {
            // SAFETY: `fd` is open; a full pipe must not block who emits.
            unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) };
        }
        Ok(signal)
    }

    pub(crate) fn raw(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    /// Makes the descriptor readable. A full counter is readable already.
    pub(crate) fn raise(&self) {
        let one = 1_u64.to_ne_bytes();
        let fd = self.writer.as_ref().unwrap_or(&self.reader).as_raw_fd();
        // SAFETY: `one` has eight readable bytes and `fd` is open.
        let _ = unsafe { libc::write(fd, one.as_ptr().cast(), one.len()) };
    }

    /// Makes the descriptor unreadable.
    pub(crate) fn lower(&self) {
        let mut bytes = [0_u8; 64];
        // SAFETY: `bytes` has as many writable bytes as it says, and the descriptor is open.
        let _ = unsafe { libc::read(self.raw(), bytes.as_mut_ptr().cast(), bytes.len()) };
    }
}
