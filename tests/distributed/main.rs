//! The service on RabbitMQ, PostgreSQL and S3, as its operators run it: the real executables, on a real broker, a real
//! database and S3 over real HTTP.
//!
//! What `tests/service` holds the embedded mode to holds here too: the same tests run, all of them, on a site of another
//! [`backing`].

mod backing;
mod broker;
#[path = "../faults/clamd.rs"]
mod clamd;
mod clients;
#[path = "../common/colours.rs"]
mod colours;
mod direct;
mod flood;
mod gate;
mod intake;
#[path = "../../workers/classify/tests/common/onnx.rs"]
#[expect(dead_code, reason = "other tests make other models")]
mod onnx;
mod outlast;
mod overload;
#[path = "../servers/postgres.rs"]
mod postgres;
mod pulled;
#[path = "../servers/rabbitmq.rs"]
mod rabbitmq;
#[path = "../servers/receiver.rs"]
#[expect(dead_code, reason = "other tests look at more of it")]
mod receiver;
#[path = "../streams/red.rs"]
mod red;
mod roles;
#[path = "../servers/s3.rs"]
mod s3;
mod senders;
#[path = "../streams/sources.rs"]
#[expect(dead_code, reason = "the streams' tests use more of it")]
mod sources;
mod streams;
mod told;
mod trouble;
#[path = "../console/visitor.rs"]
#[expect(dead_code, reason = "the console's tests do more of it")]
mod visitor;
mod wall;
mod watchers;

#[path = "../service/antivirus.rs"]
mod antivirus;
#[path = "../service/archives.rs"]
mod archives;
#[path = "../service/children.rs"]
mod children;
#[path = "../service/commands.rs"]
mod commands;
#[path = "../service/crash.rs"]
mod crash;
#[path = "../service/disk.rs"]
mod disk;
#[path = "../service/drain.rs"]
mod drain;
#[path = "../service/films.rs"]
mod films;
#[path = "../service/laws.rs"]
mod laws;
#[path = "../service/models.rs"]
mod models;
#[path = "../service/policy.rs"]
mod policy;
#[path = "../service/process.rs"]
mod process;
#[path = "../service/renditions.rs"]
mod renditions;
#[path = "../service/samples.rs"]
mod samples;
#[path = "../service/scan.rs"]
mod scan;
#[path = "../service/server.rs"]
mod server;
#[path = "../service/share.rs"]
mod share;
#[path = "../service/site.rs"]
mod site;
#[path = "../service/testfiles.rs"]
mod testfiles;
#[path = "../service/types.rs"]
mod types;
#[path = "../service/upload.rs"]
mod upload;
#[path = "../service/verdicts.rs"]
mod verdicts;
#[path = "../service/wait.rs"]
mod wait;
#[path = "../service/webhook.rs"]
mod webhook;
