//! Live streams through the public door: in process, with a judge that does as the test says, and as the operator runs
//! them, with real children and a real model.

#[path = "../service/backing.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod backing;
#[path = "../servers/certificates.rs"]
mod certificates;
#[path = "../common/colours.rs"]
mod colours;
#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod common;
#[path = "../../workers/classify/tests/common/onnx.rs"]
#[expect(dead_code, reason = "other tests make other models")]
mod onnx;
#[path = "../service/process.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod process;
#[path = "../servers/receiver.rs"]
#[expect(dead_code, reason = "other tests look at more of it")]
mod receiver;
#[path = "../service/server.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod server;
#[path = "../service/site.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod site;
#[path = "../service/wait.rs"]
mod wait;

mod calls;
mod day;
mod decisions;
mod end_to_end;
mod ending;
mod fairness;
mod hls;
mod hook;
mod hostile;
mod keeping;
mod moving;
mod played;
mod pulled;
mod red;
mod rtsp;
mod secure;
mod socket;
mod sources;
mod srt;
mod timing;
mod told;
mod troubled;
mod world;
