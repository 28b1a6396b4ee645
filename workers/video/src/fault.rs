//! What is wrong with a film, in the words of a refusal.

use ffmpeg_next::Error;
use ffmpeg_next::error::ENOMEM;
use lazaret_sandbox::Why;

/// FFmpeg gave up at `what`.
pub(crate) fn at(what: &str) -> impl FnOnce(Error) -> Why + '_ {
    move |error| match error {
        Error::Other { errno: ENOMEM } => Why::new("child.memory", format!("{what}: {error}")),
        Error::DecoderNotFound | Error::DemuxerNotFound => {
            Why::new("video.unsupported", format!("{what}: {error}").to_lowercase())
        }
        error => Why::new("media.undecodable", format!("{what}: {error}").to_lowercase()),
    }
}

/// The service is gone.
pub(crate) fn gone(error: std::io::Error) -> Why {
    Why::new("io.unreadable", error.to_string())
}
