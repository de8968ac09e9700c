//! Plain N-API functions: with [`bell`](crate::bell) the only unsafe code of the addon.
//!
//! The functions of a call carry their pool in the function's own data and talk through shared memory: a
//! napi-rs class method unwraps and checks its object each time, which costs ten times as much as a
//! pick.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{NonNull, null_mut};
use std::rc::Rc;

use napi::sys;
use napi::{Error, Result, Status};

/// Memory that JavaScript sees too: sixteen whole numbers, then eight real ones.
pub(crate) struct Board {
    env: sys::napi_env,
    buffer: sys::napi_ref,
    words: NonNull<[Cell<u32>; WORDS]>,
    reals: NonNull<[Cell<f64>; REALS]>,
}

/// Whole numbers on a board.
const WORDS: usize = 16;
/// Real numbers on a board, behind the whole ones.
const REALS: usize = 8;

impl Board {
    /// Makes a board, and the `ArrayBuffer` behind it.
    pub(crate) fn new(env: sys::napi_env) -> Result<(Self, sys::napi_value)> {
        let (mut data, mut value, mut buffer) = (null_mut(), null_mut(), null_mut());
        let size = WORDS * size_of::<u32>() + REALS * size_of::<f64>();
        // SAFETY: `env` is the one of the function that is running.
        check(unsafe { sys::napi_create_arraybuffer(env, size, &raw mut data, &raw mut value) })?;
        // SAFETY: as above; `value` was made just now.
        check(unsafe { sys::napi_create_reference(env, value, 1, &raw mut buffer) })?;
        let words = NonNull::new(data.cast::<[Cell<u32>; WORDS]>()).ok_or_else(broken)?;
        // SAFETY: the buffer holds the real numbers right behind the whole ones; 64 bytes keep them
        // aligned, since a buffer's own memory is aligned for any number.
        let reals = unsafe { words.add(1) }.cast();
        Ok((Self { env, buffer, words, reals }, value))
    }

    /// The whole numbers.
    #[inline]
    pub(crate) fn words(&self) -> &[Cell<u32>; WORDS] {
        // SAFETY: the reference keeps the buffer, its memory never moves, the package detaches none,
        // and only this thread reads and writes it.
        unsafe { self.words.as_ref() }
    }

    /// The real numbers.
    #[inline]
    pub(crate) fn reals(&self) -> &[Cell<f64>; REALS] {
        // SAFETY: as above.
        unsafe { self.reals.as_ref() }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // SAFETY: it was made in this environment, and is dropped on its thread, by a finalizer at
        // the latest. A buffer that stays behind is memory that is lost, and no more.
        let _ = unsafe { sys::napi_delete_reference(self.env, self.buffer) };
    }
}

/// What a pointer stands for, which its owner keeps alive: a call's pool, which [`Hot`](crate::hot::Hot)
/// drops after its calls.
#[inline]
pub(crate) fn alive<T>(pointer: &NonNull<T>) -> &T {
    // SAFETY: calls live in the table of their `Hot` alone, which holds a count of the pool and frees
    // its calls first.
    unsafe { pointer.as_ref() }
}

/// A function of JavaScript without a class: it has its subject in its own data.
pub(crate) trait Verb<T> {
    /// Its name, for stack traces.
    const NAME: &'static std::ffi::CStr;

    /// Does it. `text` is the only argument, if one was given. The result is a whole number.
    fn run(subject: &mut T, text: Option<String>) -> u32;
}

/// The result of a function that panicked.
pub(crate) const PANICKED: u32 = u32::MAX;

/// Makes the function of a verb.
pub(crate) fn function<T, V: Verb<T>>(
    env: sys::napi_env,
    subject: &Rc<RefCell<T>>,
) -> Result<sys::napi_value> {
    let data = Rc::into_raw(Rc::clone(subject)).cast_mut().cast::<c_void>();
    let (name, mut made) = (V::NAME, null_mut());
    let length = name.count_bytes() as isize;
    // SAFETY: `env` is the one of the function that is running, and the name is as long as said.
    let status = unsafe {
        sys::napi_create_function(
            env,
            name.as_ptr(),
            length,
            Some(enter::<T, V>),
            data,
            &raw mut made,
        )
    };
    check(status)?;
    // SAFETY: as above. The count that `data` stands for is given back when the function is gone.
    check(unsafe {
        sys::napi_add_finalizer(env, made, data, Some(leave::<T>), null_mut(), null_mut())
    })?;
    Ok(made)
}

/// Makes an object of functions and values.
pub(crate) fn object(
    env: sys::napi_env,
    fields: &[(&std::ffi::CStr, sys::napi_value)],
) -> Result<sys::napi_value> {
    let mut made = null_mut();
    // SAFETY: `env` is the one of the function that is running.
    check(unsafe { sys::napi_create_object(env, &raw mut made) })?;
    for (name, value) in fields {
        // SAFETY: as above, and the values are of this environment.
        check(unsafe { sys::napi_set_named_property(env, made, name.as_ptr(), *value) })?;
    }
    Ok(made)
}

unsafe extern "C" fn enter<T, V: Verb<T>>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    let (mut count, mut given, mut data) = (1, null_mut(), null_mut());
    // SAFETY: the host gives both, and there is room for the one argument that is asked for.
    let status = unsafe {
        sys::napi_get_cb_info(env, info, &raw mut count, &raw mut given, null_mut(), &raw mut data)
    };
    let text = if count > 0 && status == sys::Status::napi_ok { read(env, given) } else { None };
    // SAFETY: `function` put a count of it there, which the running function still holds.
    let subject = unsafe { &*data.cast::<RefCell<T>>() };
    let run =
        || subject.try_borrow_mut().map_or(PANICKED, |mut subject| V::run(&mut subject, text));
    let result = catch_unwind(AssertUnwindSafe(run)).unwrap_or(PANICKED);
    let mut shown = null_mut();
    // SAFETY: as above. Where no number can be made, NULL is `undefined`.
    let _ = unsafe { sys::napi_create_uint32(env, result, &raw mut shown) };
    shown
}

/// The text of a value; `None` if it is none.
#[cold]
fn read(env: sys::napi_env, value: sys::napi_value) -> Option<String> {
    let mut length = 0;
    // SAFETY: both are of the running function; without a place, the length is told.
    let status =
        unsafe { sys::napi_get_value_string_utf8(env, value, null_mut(), 0, &raw mut length) };
    if status != sys::Status::napi_ok {
        return None;
    }
    let mut bytes = vec![0_u8; length + 1];
    let place = bytes.as_mut_ptr().cast();
    // SAFETY: as above, and there is room for the text and the zero behind it.
    let status =
        unsafe { sys::napi_get_value_string_utf8(env, value, place, length + 1, &raw mut length) };
    bytes.truncate(length);
    String::from_utf8(bytes).ok().filter(|_| status == sys::Status::napi_ok)
}

unsafe extern "C" fn leave<T>(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `function` made the count, and the host calls this once.
    let subject = unsafe { Rc::from_raw(data.cast_const().cast::<RefCell<T>>()) };
    // A panic in a drop must not reach the host's frames.
    let _ = catch_unwind(AssertUnwindSafe(move || drop(subject)));
}

pub(crate) fn check(status: sys::napi_status) -> Result<()> {
    match status {
        sys::Status::napi_ok => Ok(()),
        other => Err(Error::new(Status::from(other), "the host refused a plain N-API call")),
    }
}

fn broken() -> Error {
    Error::new(Status::GenericFailure, "the host gave a buffer without memory")
}

/// A value of the host as napi-rs knows it.
pub(crate) fn unknown<'a>(env: sys::napi_env, value: sys::napi_value) -> napi::Unknown<'a> {
    // SAFETY: both are of the function that is running; any value is an unknown one.
    unsafe { napi::Unknown::from_raw_unchecked(env, value) }
}
