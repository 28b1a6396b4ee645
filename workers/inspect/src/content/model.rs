//! The content model: magika, a small neural network over the first and last kilobyte of a file.

use super::names;
use lazaret_report::Unavailable;
use magika::{FileType, OverwriteReason, SyncInput};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A loaded magika session. One thread each for the operators and within them, so that many workers can hold one.
pub struct ContentModel {
    session: magika::Session,
}

/// What the model says of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelAnswer {
    /// Magika's own name for the type, such as `jpeg`, `pebin`, `unknown`.
    pub label: &'static str,
    /// The canonical media type, or `None` where the model has no opinion: too small a file, a low score, or bytes that
    /// it knows to be like nothing.
    pub media_type: Option<String>,
    /// Magika's grouping: `image`, `executable`, `code`, `archive`, `document`, `text`, ...
    pub group: &'static str,
    pub is_text: bool,
    /// 0 to 1; 1 where a rule and not the network answered.
    pub score: f32,
}

impl ContentModel {
    /// Loads the model, which is compiled into the program. ONNX Runtime itself must have been loaded before, with
    /// `ort::init_from`, from a file with `onnxruntime` in its name.
    ///
    /// # Errors
    /// [`Unavailable`] where ONNX Runtime has not been loaded or refuses the model.
    pub fn load() -> Result<Self, Unavailable> {
        if !runtime_is_mapped() {
            return Err(Unavailable::new(crate::ENGINE, "onnx runtime is not loaded; run scripts/setup.sh"));
        }
        let session =
            magika::Session::builder().with_inter_threads(1).with_intra_threads(1).build().map_err(|e| {
                Unavailable::new(crate::ENGINE, format!("the content model does not load: {e}"))
            })?;
        Ok(Self { session })
    }

    /// The name of the network, such as `standard_v3_3`.
    pub fn version() -> &'static str {
        magika::MODEL_NAME
    }

    /// Asks the model. Reads at most 4 KiB at each end of `file`, and leaves its position alone.
    ///
    /// # Errors
    /// What reading gives; `Other` where ONNX Runtime fails.
    pub fn answer(&mut self, file: &File) -> io::Result<ModelAnswer> {
        let answer = self.session.identify_content_sync(At(file)).map_err(|e| match e {
            magika::Error::IOError(e) => e,
            other => io::Error::other(format!("the content model failed: {other}")),
        })?;
        Ok(ModelAnswer::of(&answer))
    }
}

impl ModelAnswer {
    fn of(answer: &FileType) -> Self {
        let info = answer.info();
        let opinion = match answer {
            FileType::Inferred(inferred) => {
                !matches!(inferred.content_type, Some((_, OverwriteReason::LowConfidence)))
            }
            // A rule answers only for files of under eight bytes: it looks for UTF-8 and knows nothing more.
            _ => false,
        };
        let media_type = if opinion { names::of_label(info) } else { None };
        Self {
            label: info.label,
            media_type,
            group: info.group,
            is_text: info.is_text,
            score: answer.score(),
        }
    }
}

/// Whether an ONNX Runtime library (a file with `onnxruntime` in its name) is mapped into this process. `ort` cannot be
/// asked: without a library its every call, even one that only makes an error, loads one inside of its own lock and
/// hangs for ever.
fn runtime_is_mapped() -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines().filter_map(|line| line.rsplit_once('/')).any(|(_, name)| name.contains("onnxruntime"))
}

/// A file read by position, so that a descriptor shared with others keeps its own.
struct At<'a>(&'a File);

impl SyncInput for At<'_> {
    fn length(&self) -> magika::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> magika::Result<()> {
        Ok(self.0.read_exact_at(buffer, offset)?)
    }
}
