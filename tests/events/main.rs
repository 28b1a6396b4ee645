//! What comes in through a broker and what goes out of the outbox, over the real store.

mod broker;
mod calling;
mod commits;
mod inbox;
mod leadership;
mod objects;
mod order;
#[path = "../servers/receiver.rs"]
#[expect(dead_code, reason = "other tests look at when calls came")]
mod receiver;
mod relay;
mod submitted;
mod understood;
mod webhooks;
mod webhooks_apart;
mod world;
