//! Waking a program that waits for a queue: a callback, a file descriptor, or both.

use std::ffi::c_void;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use failover::lock::Lock;
use failover::{Error, Result, manager};

/// Ends the library's hold on `user_data`; called exactly once, also when registering failed.
pub type failover_drop_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Tells that a queue isn't empty any more. It must not block and must not call the library.
pub type failover_wake_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Who is woken when a queue has something: the program's callback, its descriptor, or both.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    /// Guards the program's callback; it is called outside of the lock.
    wake: Lock<Option<Arc<Wake>>>,
    /// Guards the descriptor, which a forked child replaces by one of its own.
    signal: Lock<Option<Arc<Signal>>>,
}

impl Wakers {
    /// Wakes whoever waits.
    pub(crate) fn call(&self) {
        self.raise();
        let wake = self.wake.lock().clone();
        if let Some(wake) = wake {
            wake.call();
        }
    }

    /// Registers the program's callback in place of the one before.
    pub(crate) fn set(&self, wake: Wake) {
        let before = self.wake.lock().replace(Arc::new(wake));
        drop(before);
    }

    /// Lets go of the program's callback.
    pub(crate) fn unset(&self) {
        let before = self.wake.lock().take();
        drop(before);
    }

    /// The descriptor, made at first use, and anew at the first use in a forked child.
    pub(crate) fn descriptor(&self) -> Result<RawFd> {
        let mut signal = self.signal.lock();
        if let Some(signal) = signal.as_ref().filter(|signal| signal.is_own()) {
            return Ok(signal.raw());
        }
        let made = Signal::new()?;
        // What waits already was never signalled.
        made.raise();
        let descriptor = made.raw();
        *signal = Some(Arc::new(made));
        Ok(descriptor)
    }

    /// Makes the descriptor readable, if there is one.
    pub(crate) fn raise(&self) {
        if let Some(signal) = self.own_signal() {
            signal.raise();
        }
    }

    /// Makes the descriptor unreadable, if there is one.
    pub(crate) fn lower(&self) {
        if let Some(signal) = self.own_signal() {
            signal.lower();
        }
    }

    /// The descriptor of this process: what a child did to the parent's would be seen there.
    fn own_signal(&self) -> Option<Arc<Signal>> {
        self.signal.lock().clone().filter(|signal| signal.is_own())
    }
}

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

    fn call(&self) {
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
struct Signal {
    reader: OwnedFd,
    /// The same descriptor where the system has eventfd.
    writer: Option<OwnedFd>,
    /// Forks up to when it was made.
    forks: u32,
}

impl Signal {
    #[cfg(target_os = "linux")]
    fn new() -> Result<Self> {
        // SAFETY: takes two numbers and gives a new descriptor or -1.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(Error::from(std::io::Error::last_os_error()));
        }
        // SAFETY: `fd` is new and nobody else's.
        let reader = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { reader, writer: None, forks: manager::forks() })
    }

    #[cfg(not(target_os = "linux"))]
    fn new() -> Result<Self> {
        let (reader, writer) = std::io::pipe().map_err(Error::from)?;
        let signal =
            Self { reader: reader.into(), writer: Some(writer.into()), forks: manager::forks() };
        for fd in [signal.raw(), signal.writer.as_ref().map_or(-1, AsRawFd::as_raw_fd)] {
            // SAFETY: `fd` is open; a full pipe must not block who emits.
            unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) };
        }
        Ok(signal)
    }

    /// True in the process that made it.
    fn is_own(&self) -> bool {
        self.forks == manager::forks()
    }

    fn raw(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    /// Makes the descriptor readable. A full counter is readable already.
    fn raise(&self) {
        let one = 1_u64.to_ne_bytes();
        let fd = self.writer.as_ref().unwrap_or(&self.reader).as_raw_fd();
        // SAFETY: `one` has eight readable bytes and `fd` is open.
        let _ = unsafe { libc::write(fd, one.as_ptr().cast(), one.len()) };
    }

    /// Makes the descriptor unreadable.
    fn lower(&self) {
        let mut bytes = [0_u8; 64];
        // SAFETY: `bytes` has as many writable bytes as it says, and the descriptor is open.
        let _ = unsafe { libc::read(self.raw(), bytes.as_mut_ptr().cast(), bytes.len()) };
    }
}
