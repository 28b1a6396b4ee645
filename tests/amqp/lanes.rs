//! Neither lane stops the other.

use crate::{
    bench::{amqp, enqueue, next, options},
    rabbitmq::Rabbit,
};
use lazaret::{
    adapters::amqp::{Amqp, Options},
    ports::{contract::samples::id, publisher::Lane},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_in_the_slow_lane_do_not_hold_up_the_main_one() {
    let (amqp, _vhost) = amqp().await;
    enqueue(&amqp, Lane::Bulk, (1000..2000).map(id)).await;
    // The consumer runs, and holds its share of the slow lane.
    next(&amqp).await.ticket.ack().await.unwrap();
    enqueue(&amqp, Lane::Main, [id(1)]).await;
    let mut before = 0;
    loop {
        let delivery = next(&amqp).await;
        let upload = delivery.upload;
        delivery.ticket.ack().await.unwrap();
        if upload == id(1) {
            break;
        }
        before += 1;
        // Room for those taken while its message was on its way.
        assert!(before < 100, "the main lane waits behind the slow one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slow_lane_moves_while_the_main_one_is_full() {
    let vhost = Rabbit::shared().vhost();
    // All of both lanes is here, so the main one is never empty.
    let amqp = Amqp::connect(Options { prefetch: 500, ..options(&vhost.url) }).await.unwrap();
    enqueue(&amqp, Lane::Main, (1000..1400).map(id)).await;
    enqueue(&amqp, Lane::Bulk, (0..20).map(id)).await;
    let mut slow = 0;
    for _ in 0..200 {
        let delivery = next(&amqp).await;
        slow += usize::from((0..20).any(|n| id(n) == delivery.upload));
        delivery.ticket.ack().await.unwrap();
    }
    assert!(slow >= 15, "{slow} of 200 from the slow lane");
}
