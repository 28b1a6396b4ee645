//! Short films with pictures and sound, whole and right, of the kinds that are published.

use lazaret_fixtures::each::File;
use std::{fs, process::Command};

const KINDS: [(&str, &str, &str); 4] = [
    ("clip.mp4", "video/mp4", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac"),
    (
        "clip.mov",
        "video/quicktime",
        "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p -tag:v hvc1 -c:a aac",
    ),
    ("clip.webm", "video/webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus"),
    ("clip.mkv", "video/x-matroska", "-c:v mjpeg -pix_fmt yuvj420p -c:a libvorbis"),
];

/// The same bytes each time, as far as the encoders go.
pub fn all() -> Vec<File> {
    let folder = tempfile::tempdir().unwrap();
    let made = KINDS.map(|(name, media_type, coded)| {
        let path = folder.path().join(name);
        let source = "-f lavfi -i testsrc2=size=64x48:rate=10:duration=1.5 -f lavfi -i sine=duration=1.5";
        let exact = "-g 5 -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact";
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-y", "-loglevel", "error"])
            .args([source, coded, exact].join(" ").split(' '))
            .arg(&path)
            .output()
            .expect("ffmpeg is not installed; run scripts/setup.sh");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        File { name, media_type, bytes: fs::read(path).unwrap() }
    });
    made.into()
}
