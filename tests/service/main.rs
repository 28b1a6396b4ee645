//! The service as its operator runs it: the real executables, as processes of their own, on real clamd, real SQLite and
//! real files; held to the laws and to what is promised for bad input and trouble.

mod antivirus;
mod archives;
mod backing;
mod children;
#[path = "../common/colours.rs"]
mod colours;
mod commands;
mod crash;
mod demo;
#[path = "../common/detector.rs"]
mod detector;
mod disk;
mod drain;
mod films;
mod heif;
mod laws;
mod long_films;
mod models;
mod mutants;
#[path = "../../workers/classify/tests/common/onnx.rs"]
#[allow(dead_code, clippy::allow_attributes, reason = "the tests of models use the rest of it")]
mod onnx;
mod policy;
mod process;
#[path = "../servers/receiver.rs"]
#[expect(dead_code, reason = "other tests look at more of it")]
mod receiver;
mod regions;
mod renditions;
mod samples;
mod sandbox;
mod scan;
mod server;
mod share;
mod site;
mod testfiles;
mod types;
mod upload;
mod verdicts;
mod wait;
mod webhook;
