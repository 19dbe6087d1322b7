//! One call of onnxruntime's `Run`.
//!
//! The binding takes a session exclusively for a run. onnxruntime itself allows several runs of one session at a time
//! (`InferenceSession::Run` is stateless and guarded where it is not; its providers for other hardware were at fault where
//! that failed, and none of them is used here), and samples run side by side are what keeps the cores busy: two samples
//! with a thread each take a fifth less time than one after the other with two. Hence the one function here that calls
//! the C interface itself. It also lets a run write to memory of ours: no arena grows, nothing is copied out of it.

use std::{
    ffi::{CStr, CString, c_char},
    ptr::{self, NonNull},
    sync::Arc,
};

use ort::{AsPointer as _, environment::Environment, session::Session, sys, value::DynValue};

use crate::job::CancelToken;

/// A result of the binding.
type Result<T> = ort::Result<T>;

/// Runs `session` once. `outputs` holds a null where onnxruntime is to allocate, which is then replaced.
///
/// # Errors
/// onnxruntime's own; after a `cancel` one that says it was told to stop.
pub(super) fn run(
    session: &Session,
    inputs: &[(&CStr, *const sys::OrtValue)],
    output_names: &[CString],
    outputs: &mut [*mut sys::OrtValue],
    cancel: &CancelToken,
) -> Result<()> {
    let options = Arc::new(Options::new()?);
    let _hook = cancel.on_cancel({
        let options = Arc::clone(&options);
        move || options.terminate()
    });
    let names: Vec<*const c_char> = inputs.iter().map(|(name, _)| name.as_ptr()).collect();
    let values: Vec<*const sys::OrtValue> = inputs.iter().map(|(_, value)| *value).collect();
    let wanted: Vec<*const c_char> = output_names.iter().map(|name| CStr::as_ptr(name)).collect();
    assert_eq!(wanted.len(), outputs.len(), "a place for each output");
    #[expect(unsafe_code, reason = "the C interface")]
    // SAFETY: the arrays are as long as is said and live beyond the call, names end in a null, values are alive; a
    // session on the CPU may be run by several threads, which is why its pointer may be used mutably.
    let status = unsafe {
        (ort::api().Run)(
            session.ptr().cast_mut(),
            options.0.as_ptr(),
            names.as_ptr(),
            values.as_ptr(),
            values.len(),
            wanted.as_ptr(),
            wanted.len(),
            outputs.as_mut_ptr(),
        )
    };
    #[expect(unsafe_code, reason = "the C interface")]
    // SAFETY: the status comes from the interface and is read once.
    unsafe {
        ort::Error::result_from_status(status)
    }
}

/// Takes a value that a run allocated.
pub(super) fn owned(session: &Session, value: *mut sys::OrtValue) -> Option<DynValue> {
    let value = NonNull::new(value)?;
    #[expect(unsafe_code, reason = "the C interface")]
    // SAFETY: the run gave it away, and this allocator made it.
    Some(unsafe { DynValue::from_ptr(value, Some(session.allocator())) })
}

/// Gives all sessions of the process one arena for what lies between their nodes, if it has none yet. Each would have one
/// of its own else, with room for its largest run: 130 sessions of MobileNetV2 held half a gigabyte, and touching that
/// for the first time took longer than the work.
pub(super) fn share_arena(environment: &Environment) {
    let mut info: *mut sys::OrtMemoryInfo = ptr::null_mut();
    #[expect(unsafe_code, reason = "the C interface")]
    // SAFETY: each call writes a pointer or returns an error, which is read once; what is made is given back once. Where
    // one fails, and where an arena is registered already, sessions work as before.
    unsafe {
        let api = ort::api();
        let kind = sys::OrtAllocatorType::OrtArenaAllocator;
        let made = (api.CreateCpuMemoryInfo)(kind, sys::OrtMemType::OrtMemTypeDefault, &raw mut info);
        if ort::Error::result_from_status(made).is_ok() {
            let registered = (api.CreateAndRegisterAllocator)(environment.ptr().cast_mut(), info, ptr::null());
            let _ = ort::Error::result_from_status(registered);
            (api.ReleaseMemoryInfo)(info);
        }
    }
}

/// What stops a run.
struct Options(NonNull<sys::OrtRunOptions>);

#[expect(unsafe_code, reason = "the flag is made to be set by another thread")]
// SAFETY: the only thing that is changed after it was made is an atomic flag.
unsafe impl Send for Options {}
#[expect(unsafe_code, reason = "the flag is made to be set by another thread")]
// SAFETY: as above.
unsafe impl Sync for Options {}

impl Options {
    fn new() -> Result<Self> {
        let mut made: *mut sys::OrtRunOptions = ptr::null_mut();
        #[expect(unsafe_code, reason = "the C interface")]
        // SAFETY: it writes the pointer or returns an error, which is read once.
        unsafe {
            ort::Error::result_from_status((ort::api().CreateRunOptions)(&raw mut made))?;
        }
        NonNull::new(made).map(Self).ok_or_else(|| ort::Error::new("onnxruntime made no run options"))
    }

    /// A run that has already ended cannot be stopped any more, and need not be.
    fn terminate(&self) {
        #[expect(unsafe_code, reason = "the C interface")]
        // SAFETY: the options live as long as this; the status is read once, and what it says does not matter.
        let _ = unsafe { ort::Error::result_from_status((ort::api().RunOptionsSetTerminate)(self.0.as_ptr())) };
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "the C interface")]
        // SAFETY: made in `new`, given back once.
        unsafe {
            (ort::api().ReleaseRunOptions)(self.0.as_ptr());
        }
    }
}
