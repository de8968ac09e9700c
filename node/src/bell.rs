//! The wake-up of the loop: with [`bare`](crate::bare) the only unsafe code of the addon.
//!
//! Its hold on the process is taken and given back while the program waits, and it falls silent before its
//! environment goes, which napi-rs has no safe form for.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;

use failover::lock::{Held, Lock};
use napi::Result;
use napi::sys;

use crate::bare::check;

/// Wakes the loop from any thread. Its hold on the process is taken and given back by the package.
#[derive(Debug)]
pub(crate) struct Bell {
    /// Guards the host's handle; absent once the environment is going.
    handle: Lock<Option<Handle>>,
}

#[derive(Clone, Copy, Debug)]
struct Handle {
    raw: sys::napi_threadsafe_function,
    /// Used on the loop's thread alone.
    env: sys::napi_env,
}

// SAFETY: the host says that this kind of handle may be used from any thread; `Bell` ends its use
// before the host ends it.
unsafe impl Send for Handle {}

impl Bell {
    /// Makes a bell that calls `ring` on the loop. It keeps no process alive.
    pub(crate) fn new(env: sys::napi_env, ring: sys::napi_value) -> Result<Arc<Self>> {
        let (mut name, mut made) = (null_mut(), null_mut());
        let label = c"libfailover";
        let length = label.count_bytes() as isize;
        // SAFETY: `env` is the one of the function that is running, and the label is as long as said.
        check(unsafe { sys::napi_create_string_utf8(env, label.as_ptr(), length, &raw mut name) })?;
        // SAFETY: as above; `ring` is a function of this environment. Without a callback of ours the
        // host calls it without arguments.
        check(unsafe {
            sys::napi_create_threadsafe_function(
                env,
                ring,
                null_mut(),
                name,
                0,
                1,
                null_mut(),
                None,
                null_mut(),
                None,
                &raw mut made,
            )
        })?;
        // SAFETY: made just now, on the loop's thread.
        check(unsafe { sys::napi_unref_threadsafe_function(env, made) })?;
        let bell = Arc::new(Self { handle: Lock::new(Some(Handle { raw: made, env })) });
        let data = Arc::into_raw(Arc::clone(&bell)).cast_mut().cast();
        // SAFETY: the hook gives the count back that it was given.
        check(unsafe { sys::napi_add_env_cleanup_hook(env, Some(end), data) })?;
        Ok(bell)
    }

    /// Has the loop call the function soon. Does nothing once the environment is going.
    pub(crate) fn ring(&self) {
        if let Some(handle) = *self.lock() {
            let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
            // SAFETY: the handle lives while the lock is held. A loop that is ending isn't woken.
            let _ = unsafe { sys::napi_call_threadsafe_function(handle.raw, null_mut(), mode) };
        }
    }

    /// Says whether the bell keeps the process alive; on the loop's thread.
    pub(crate) fn hold(&self, is_held: bool) {
        if let Some(handle) = *self.lock() {
            let env = handle.env;
            let change = match is_held {
                true => sys::napi_ref_threadsafe_function,
                false => sys::napi_unref_threadsafe_function,
            };
            // SAFETY: the handle lives while the lock is held, and this is the loop's thread.
            let _ = unsafe { change(env, handle.raw) };
        }
    }

    /// Ends a bell before its environment does; on the loop's thread.
    pub(crate) fn retire(bell: &Arc<Self>) {
        let Some(handle) = *bell.lock() else { return };
        let data = Arc::as_ptr(bell).cast_mut().cast::<c_void>();
        // SAFETY: the environment lives, and the hook is the one that `new` added for this bell.
        let status = unsafe { sys::napi_remove_env_cleanup_hook(handle.env, Some(end), data) };
        bell.end();
        if status == sys::Status::napi_ok {
            // SAFETY: the hook's count, which the hook won't give back any more.
            unsafe { Arc::decrement_strong_count(data.cast_const().cast::<Self>()) };
        }
    }

    /// Lets go of the host's handle. Nothing rings afterwards.
    fn end(&self) {
        if let Some(handle) = self.lock().take() {
            let mode = sys::ThreadsafeFunctionReleaseMode::abort;
            // SAFETY: taken, so nobody else uses it.
            let _ = unsafe { sys::napi_release_threadsafe_function(handle.raw, mode) };
        }
    }

    fn lock(&self) -> Held<'_, Option<Handle>> {
        self.handle.lock()
    }
}

unsafe extern "C" fn end(data: *mut c_void) {
    // SAFETY: `Bell::new` made the count, and the host calls this once.
    let bell = unsafe { Arc::from_raw(data.cast_const().cast::<Bell>()) };
    bell.end();
}
