//! `lazaret-video`: the child process that alone links FFmpeg.
//!
//! A child of its own beside `lazaret-media`, for an executable that links FFmpeg's libraries takes thirty times as long
//! to start. It is started and confined like the other one, and serves one file at a time: frames for the classifiers,
//! a contact sheet of them, renditions for delivery. FFmpeg opens nothing by itself: bytes come through a reader of
//! ours, one demuxer is allowed, and no protocol. AVIF and HEIF pictures, which are coded as films are, are decoded here
//! too.

use lazaret_video::{VERSION, Video};
use std::process::ExitCode;

fn main() -> ExitCode {
    lazaret_sandbox::child::run(VERSION, Video::new)
}
