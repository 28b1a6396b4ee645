use libloading::{Library, Symbol};
use std::ffi::CStr;
use std::path::Path;

/// A library that is an ONNX Runtime of a version that `ort` can use.
pub(super) struct Probed {
    pub(super) version: String,
    _library: Library,
}

/// Opens the library and asks its version, as `ort` itself would, but with errors that do not need the library.
///
/// The API base and its two functions are those of `onnxruntime_c_api.h`.
#[expect(unsafe_code, reason = "a shared library can be loaded and asked its version in no other way")]
pub(super) fn open(path: &Path) -> Result<Probed, String> {
    let not_one = || format!("{} is not an ONNX Runtime library", path.display());
    // SAFETY: loading runs the library's initialisers; it is the file that the operator configured, not an upload.
    let library = unsafe { Library::new(path) }.map_err(|error| error.to_string())?;
    // SAFETY: the symbol has this signature in every release of the ONNX Runtime.
    let base: Symbol<'_, unsafe extern "C" fn() -> *const ort::sys::OrtApiBase> =
        unsafe { library.get(b"OrtGetApiBase") }.map_err(|_| not_one())?;
    // SAFETY: it takes nothing and answers a pointer to a static, which lives as long as the library.
    let base = unsafe { base().as_ref() }.ok_or_else(not_one)?;
    // SAFETY: it answers a static string that ends in a zero byte.
    let version = unsafe { CStr::from_ptr((base.GetVersionString)()) }.to_string_lossy().into_owned();
    // SAFETY: it takes a number, and answers null for an API that the library is too old for.
    if unsafe { (base.GetApi)(ort::sys::ORT_API_VERSION) }.is_null() {
        let needed = ort::sys::ORT_API_VERSION;
        return Err(format!(
            "{} is ONNX Runtime {version}, but 1.{needed} or later is needed",
            path.display()
        ));
    }
    Ok(Probed { version, _library: library })
}
