//! What comes in through a broker and what goes out of the outbox, over the real store.

mod broker;
mod commits;
mod inbox;
mod leadership;
mod objects;
mod order;
mod receiver;
mod relay;
mod submitted;
mod understood;
mod webhooks;
mod webhooks_apart;
mod world;
