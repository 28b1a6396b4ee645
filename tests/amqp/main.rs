//! The RabbitMQ adapter against a real broker.

mod bench;
mod cancel;
mod contract;
mod dead;
mod frames;
mod lanes;
mod letters;
mod loss;
mod publish;
#[path = "../servers/rabbitmq.rs"]
mod rabbitmq;
mod refused;
mod restart;
mod retry;
mod secure;
mod timeout;
mod topology;
