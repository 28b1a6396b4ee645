//! The moderators' console as moderators use it: the real service, real files and accounts, and a real browser.

mod access;
mod accounts;
mod animations;
mod appeals;
mod audit;
mod browser;
mod bulk;
mod care;
mod deciding;
mod drafts;
mod episodes;
mod filled;
mod films;
mod filters;
mod forged;
mod history;
mod holding;
mod idle;
mod insight;
mod keys;
mod oidc;
mod pages;
mod people;
mod plain;
mod refused;
mod regions;
mod revealing;
mod rights;
mod rotation;
mod sealing;
mod second;
mod security;
mod seeing;
mod skipping;
mod sounds;
mod streams;
mod trouble;
mod visitor;
mod world;
mod xss;

#[path = "../service/backing.rs"]
#[expect(dead_code, reason = "other tests look at more of it")]
mod backing;
#[path = "../common/detector.rs"]
mod detector;
#[path = "../../workers/classify/tests/common/onnx.rs"]
#[expect(dead_code, reason = "the tests of models use the rest of it")]
mod onnx;
#[path = "../servers/postgres.rs"]
mod postgres;
#[path = "../service/process.rs"]
#[expect(dead_code, reason = "other tests look at more of it")]
mod process;
#[path = "../service/server.rs"]
#[expect(dead_code, reason = "other tests look at more of it")]
mod server;
#[path = "../service/site.rs"]
#[expect(dead_code, reason = "other tests look at more of it")]
mod site;
#[path = "../service/upload.rs"]
#[expect(dead_code, reason = "other tests look at more of it")]
mod upload;
#[path = "../service/wait.rs"]
mod wait;
