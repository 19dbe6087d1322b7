//! float32 memory of ours as onnxruntime sees it, without a copy.

use std::{
    marker::PhantomData,
    ptr::{self, NonNull},
    sync::OnceLock,
};

use ort::sys;

use crate::onnx::SharedFloats;

/// Borrowed values.
#[derive(Debug)]
pub(super) struct View<'a> {
    value: NonNull<sys::OrtValue>,
    memory: PhantomData<&'a [f32]>,
}

/// Values that go with what onnxruntime calls them.
#[derive(Debug)]
pub(super) struct Bound {
    view: View<'static>,
    /// Dropped after the view of it.
    _values: SharedFloats,
}

#[expect(unsafe_code, reason = "a view is a pointer to memory that may be shared")]
// SAFETY: onnxruntime only reads the value, or writes it in the one run that was given it; memory and shape stay.
unsafe impl Send for View<'_> {}
#[expect(unsafe_code, reason = "a view is a pointer to memory that may be shared")]
// SAFETY: as above.
unsafe impl Sync for View<'_> {}

impl<'a> View<'a> {
    /// Of values that are read.
    ///
    /// # Errors
    /// onnxruntime's own, where there are fewer values than the shape takes.
    pub(super) fn of(shape: &[i64], values: &'a [f32]) -> ort::Result<Self> {
        Self::at(shape, values.as_ptr().cast_mut(), values.len())
    }

    /// Of values that are written.
    ///
    /// # Errors
    /// As [`View::of`].
    pub(super) fn of_mut(shape: &[i64], values: &'a mut [f32]) -> ort::Result<Self> {
        Self::at(shape, values.as_mut_ptr(), values.len())
    }

    fn at(shape: &[i64], values: *mut f32, len: usize) -> ort::Result<Self> {
        let memory = memory()?;
        let mut value: *mut sys::OrtValue = ptr::null_mut();
        #[expect(unsafe_code, reason = "the C interface")]
        // SAFETY: the shape is as long as is said, the values live as long as the view; it writes the pointer or returns
        // an error, which is read once.
        unsafe {
            ort::Error::result_from_status((ort::api().CreateTensorWithDataAsOrtValue)(
                memory,
                values.cast(),
                len * size_of::<f32>(),
                shape.as_ptr(),
                shape.len(),
                sys::ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                &raw mut value,
            ))?;
        }
        let value = NonNull::new(value).ok_or_else(|| ort::Error::new("onnxruntime made no tensor"))?;
        Ok(Self { value, memory: PhantomData })
    }

    /// What a run is given.
    pub(super) fn ptr(&self) -> *mut sys::OrtValue {
        self.value.as_ptr()
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "the C interface")]
        // SAFETY: made in `at`, given back once; what it views is not touched.
        unsafe {
            (ort::api().ReleaseValue)(self.value.as_ptr());
        }
    }
}

impl Bound {
    /// `values` in this shape.
    ///
    /// # Errors
    /// As [`View::of`].
    pub(super) fn new(shape: &[i64], values: SharedFloats) -> ort::Result<Self> {
        let view = View::at(shape, values.as_ptr().cast_mut(), values.len())?;
        Ok(Self { view, _values: values })
    }

    /// What a run is given to read.
    pub(super) fn ptr(&self) -> *const sys::OrtValue {
        self.view.ptr()
    }
}

/// What onnxruntime calls the memory of this process; made once.
fn memory() -> ort::Result<*const sys::OrtMemoryInfo> {
    struct Info(*mut sys::OrtMemoryInfo);
    #[expect(unsafe_code, reason = "a constant of the C interface")]
    // SAFETY: never written after it was made.
    unsafe impl Send for Info {}
    #[expect(unsafe_code, reason = "a constant of the C interface")]
    // SAFETY: as above.
    unsafe impl Sync for Info {}
    static INFO: OnceLock<Info> = OnceLock::new();
    if let Some(info) = INFO.get() {
        return Ok(info.0);
    }
    let mut made: *mut sys::OrtMemoryInfo = ptr::null_mut();
    #[expect(unsafe_code, reason = "the C interface")]
    // SAFETY: it writes the pointer or returns an error, which is read once.
    unsafe {
        ort::Error::result_from_status((ort::api().CreateCpuMemoryInfo)(
            sys::OrtAllocatorType::OrtDeviceAllocator,
            sys::OrtMemType::OrtMemTypeDefault,
            &raw mut made,
        ))?;
    }
    // Where two threads came here at once, one of two constants of some bytes is left over.
    Ok(INFO.get_or_init(|| Info(made)).0)
}
