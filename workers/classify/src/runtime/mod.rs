//! The ONNX Runtime: one shared library, loaded once a process.
//!
//! `ort` 2.0.0-rc.12 makes its errors with the library's own functions, so *any* error before the library is loaded,
//! above all "it is not there", makes it load the library again inside of its own lock: it hangs for ever. So the file
//! is probed here first, and `ort` is only ever handed a library that is known to load. Whoever uses `ort` or a crate
//! above it (`magika`) must call [`init`] before, and leave them alone when it fails.

mod elf;
mod probe;

use lazaret_report::Unavailable;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Which runtime this process uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeInfo {
    /// As the library says it: `1.31.1`.
    pub version: String,
    pub path: PathBuf,
}

static LOADED: Mutex<Option<RuntimeInfo>> = Mutex::new(None);

/// Loads the runtime, or says why not. The first success holds for the process: later calls answer it, whatever their
/// path. After a failure it can be tried again, when the operator has put the library in place.
///
/// Without a path it looks beside the executable, in `../lib/lazaret/`, in the `.setup/lib/` of the checkout that the
/// executable was built in, and then where the system's loader looks; never in the current folder, which may hold what
/// an uploader put there.
pub fn init(library: Option<&Path>) -> Result<RuntimeInfo, Unavailable> {
    let mut loaded = LOADED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(info) = loaded.as_ref() {
        return Ok(info.clone());
    }
    let path = match library {
        // `ort` takes a relative path from the executable's folder; everybody else from the current one.
        Some(path) => {
            std::path::absolute(path).map_err(|error| unavailable(format!("{}: {error}", path.display())))?
        }
        None => search(std::env::current_exe().ok().as_deref()),
    };
    let info = load(path).map_err(unavailable)?;
    *loaded = Some(info.clone());
    Ok(info)
}

/// The runtime that [`init`] loaded.
pub fn current() -> Option<RuntimeInfo> {
    LOADED.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
}

fn load(path: PathBuf) -> Result<RuntimeInfo, String> {
    if path.is_absolute() {
        elf::check_whole(&path)?;
    }
    // Kept open until `ort` has opened it too, so that it is the same file.
    let probed = probe::open(&path)?;
    let environment = ort::init_from(&path).map_err(|error| error.to_string())?;
    // False when somebody configured `ort` before: then theirs holds, which differs in the name only.
    environment.with_name("lazaret").with_telemetry(false).commit();
    Ok(RuntimeInfo { version: probed.version, path })
}

const FILE_NAME: &str = "libonnxruntime.so";

fn search(executable: Option<&Path>) -> PathBuf {
    let Some(folder) = executable.and_then(Path::parent) else { return PathBuf::from(FILE_NAME) };
    let checkout =
        folder.ancestors().find(|f| f.file_name().is_some_and(|n| n == "target")).and_then(Path::parent);
    [folder.to_owned(), folder.join("../lib/lazaret")]
        .into_iter()
        .chain(checkout.map(|root| root.join(".setup/lib")))
        .map(|folder| folder.join(FILE_NAME))
        .find(|path| path.is_file())
        .unwrap_or_else(|| PathBuf::from(FILE_NAME))
}

fn unavailable(why: String) -> Unavailable {
    let hint = "run scripts/setup.sh, or set models.runtime to a libonnxruntime.so";
    Unavailable::new("onnxruntime", format!("{why}; {hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_looked_for_beside_the_executable_and_in_its_checkout_only() {
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("target/debug/deps");
        let setup = root.path().join(".setup/lib");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(&setup).unwrap();
        assert_eq!(search(Some(&bin.join("lazaret"))), Path::new(FILE_NAME));
        std::fs::write(setup.join(FILE_NAME), "").unwrap();
        assert_eq!(search(Some(&bin.join("lazaret"))), setup.join(FILE_NAME));
        std::fs::write(bin.join(FILE_NAME), "").unwrap();
        assert_eq!(search(Some(&bin.join("lazaret"))), bin.join(FILE_NAME));
        assert_eq!(search(None), Path::new(FILE_NAME));
    }
}
